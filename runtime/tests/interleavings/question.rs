//! A request that knows its own answer, and the model that gives it.

use crate::support::Dice;
use servoir_runtime::faulty::Faulty;
use servoir_types::{Data, Datatype, Shape, Signature, Tensor, TensorSpec};
use std::sync::Arc;

/// Rows whose value ends in this fail, and those of the next panic.
const FAILING: f32 = 0.25;
const PANICKING: f32 = 0.75;

/// The most rows of a question.
const ROWS_MAX: u64 = 3;

/// A request of a few rows, each with a key that no other row has.
pub struct Question {
    /// Which of all questions it is.
    pub number: usize,
    pub rows: usize,
    /// Values of a row. Rows of different width cannot run together.
    pub width: usize,
    values: Vec<f32>,
}

impl Question {
    pub fn new(number: usize, widths: u64, dice: &mut Dice) -> Self {
        let mut roll = |sides| usize::try_from(dice.roll(sides)).unwrap_or(0);
        let (rows, width) = (roll(ROWS_MAX + 1), 1 + roll(widths));
        #[allow(clippy::cast_precision_loss)] // whole numbers below 2^24
        let mut values: Vec<f32> = (0..rows * width).map(|_| roll(1000) as f32).collect();
        if let Some(value) = values.last_mut() {
            *value += match roll(200) {
                0..10 => FAILING,
                10 => PANICKING,
                _ => 0.0,
            };
        }
        Self { number, rows, width, values }
    }

    /// Whether the model cannot answer it.
    pub fn is_culprit(&self) -> bool {
        self.values.iter().any(|value| value.fract() == FAILING || value.fract() == PANICKING)
    }

    pub fn inputs(&self) -> Vec<Tensor> {
        vec![self.tensor(Data::Fp32(self.values.iter().copied().collect()), true), self.keys(), self.names()]
    }

    /// The same with a mistake that the signature tells.
    pub fn misshapen(&self, dice: &mut Dice) -> Vec<Tensor> {
        let [x, keys, names] = <[Tensor; 3]>::try_from(self.inputs()).expect("three inputs");
        let more = Question { rows: self.rows + 1, values: Vec::new(), ..*self };
        match dice.roll(4) {
            0 => vec![x, more.keys(), names],
            1 => vec![x, keys, more.names()],
            2 => vec![keys, x, names],
            _ => vec![x, keys],
        }
    }

    /// What it is to be answered.
    pub fn answer(&self) -> Vec<Tensor> {
        let keys = (0..self.rows).flat_map(|row| std::iter::repeat_n(self.key(row), self.width));
        let results = self.values.iter().zip(keys).map(|(value, key)| result(*value, key));
        vec![self.tensor(Data::Fp64(results.collect()), true), self.keys(), self.names()]
    }

    /// Which question it is that a model's inputs or outputs belong to; one without rows cannot be told.
    pub fn number_of(tensors: &[Tensor]) -> Option<usize> {
        let Data::Int64(keys) = tensors[1].data() else { return None };
        keys.first().and_then(|key| usize::try_from(key / (ROWS_MAX + 1).cast_signed()).ok())
    }

    fn key(&self, row: usize) -> i64 {
        i64::try_from(self.number * (ROWS_MAX as usize + 1) + row).expect("there are few questions")
    }

    fn keys(&self) -> Tensor {
        self.tensor(Data::Int64((0..self.rows).map(|row| self.key(row)).collect()), false)
    }

    fn names(&self) -> Tensor {
        self.tensor(Data::Bytes((0..self.rows).map(|row| name(self.key(row)).into()).collect()), false)
    }

    fn tensor(&self, data: Data, is_wide: bool) -> Tensor {
        let shape = if is_wide { vec![self.rows, self.width] } else { vec![self.rows] };
        Tensor::new(shape, data).expect("the shape is that of the data")
    }
}

fn name(key: i64) -> String {
    format!("row {key}")
}

/// A result depends on two of the inputs.
fn result(value: f32, key: i64) -> f64 {
    #[allow(clippy::cast_precision_loss)] // there are few keys
    let key = key as f64;
    f64::from(value) * 3.0 + key
}

/// The model: three inputs of different datatypes, one of them of any width.
pub fn model() -> Arc<Faulty> {
    let spec = |name: &str, datatype, dims: &[i64]| TensorSpec::new(name, datatype, Shape::ranked(dims));
    let signature = Signature {
        inputs: vec![
            spec("x", Datatype::Fp32, &[-1, -1]),
            spec("key", Datatype::Int64, &[-1]),
            spec("name", Datatype::Bytes, &[-1]),
        ],
        outputs: vec![
            spec("y", Datatype::Fp64, &[-1, -1]),
            spec("key", Datatype::Int64, &[-1]),
            spec("name", Datatype::Bytes, &[-1]),
        ],
    };
    Faulty::new(signature, |inputs| {
        let [Data::Fp32(values), Data::Int64(keys), Data::Bytes(names)] = [0, 1, 2].map(|input| inputs[input].data())
        else {
            return Err("these are not its datatypes".into());
        };
        // What it is warmed with has no names.
        if keys.iter().zip(names).any(|(key, named)| !named.is_empty() && *named != name(*key)) {
            return Err("the rows of the inputs are not the same".into());
        }
        let width = inputs[0].row_len();
        let mut results = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            match value.fract() {
                FAILING => return Err("cannot".into()),
                PANICKING => panic!("broke"),
                _ => results.push(result(*value, keys[index / width])),
            }
        }
        let y =
            Tensor::new(inputs[0].shape().to_vec(), Data::Fp64(results.into())).map_err(|error| error.to_string())?;
        Ok(vec![y, inputs[1].clone(), inputs[2].clone()])
    })
}
