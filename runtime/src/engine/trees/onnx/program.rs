//! What a planned graph does when it runs: features from the inputs, outputs from the sums.

use super::super::model::{Features, Outcome};
use super::head::Head;
use super::number::Number;
use super::steps::Steps;
use bytes::Bytes;
use servoir_types::{Data, Datatype, Tensor};
use std::borrow::Cow;

/// Steps from the inputs to the matrix.
pub struct Columns {
    /// The steps.
    pub steps: Steps,
    /// The register of the matrix.
    pub matrix: usize,
}

impl<N: Number> Features<N> for Columns {
    fn rows<'a>(&self, inputs: &'a [Tensor], scratch: &'a mut Vec<N>) -> Result<&'a [N], String> {
        let rows = inputs.first().map_or(0, Tensor::rows);
        if let Some(other) = inputs.iter().find(|input| input.rows() != rows) {
            return Err(format!("the inputs have different numbers of rows: {rows} and {}", other.rows()));
        }
        let mut registers = inputs.iter().map(|input| Some(Cow::Borrowed(input.data()))).collect();
        self.steps.run(&mut registers, rows)?;
        let mistyped = || "the trees were not made for this type".to_owned();
        match registers.swap_remove(self.matrix) {
            Some(Cow::Borrowed(matrix)) => N::elements(matrix).ok_or_else(mistyped),
            Some(Cow::Owned(matrix)) => {
                *scratch = N::into_elements(matrix).ok_or_else(mistyped)?;
                Ok(scratch)
            }
            None => Err("the trees' matrix was not made".into()),
        }
    }
}

/// The classes of a classifier, as its labels give them.
pub enum Labels {
    /// A regressor has none.
    None,
    /// Numbers.
    Ints(Vec<i64>),
    /// Texts.
    Texts(Vec<Bytes>),
}

impl Labels {
    /// How many classes there are.
    pub fn count(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Ints(classes) => classes.len(),
            Self::Texts(classes) => classes.len(),
        }
    }

    /// The type of the labels.
    pub fn datatype(&self) -> Option<Datatype> {
        match self {
            Self::None => None,
            Self::Ints(_) => Some(Datatype::Int64),
            Self::Texts(_) => Some(Datatype::Bytes),
        }
    }
}

/// From the sums to the outputs.
pub struct Finish<N> {
    /// From sums to scores and labels.
    pub head: Head<N>,
    /// The classes.
    pub labels: Labels,
    /// Whether scores have the precision of the sums, and not 32 bits.
    pub keeps_precision: bool,
    /// Steps over scores and labels.
    pub steps: Steps,
    /// For each output, its register and its dimensions but the first.
    pub outputs: Vec<(usize, Vec<usize>)>,
}

impl<N: Number> Finish<N> {
    /// Scores and labels of so many rows.
    fn blocks(&self, sums: &mut [N], count: usize) -> (Data, Data) {
        let scores = |scores: Vec<f32>| match self.keeps_precision {
            true => N::block(scores.into_iter().map(|score| N::of_f64(score.into())).collect()),
            false => Data::Fp32(scores.into()),
        };
        match &self.labels {
            Labels::None if self.keeps_precision && self.head.plain(sums) => (N::block(sums.to_vec()), NO_LABELS),
            Labels::None => (scores(self.head.scores(sums, |_| ())), NO_LABELS),
            Labels::Ints(classes) => {
                let mut labels = Vec::with_capacity(count);
                let made = self.head.scores(sums, |at| labels.push(classes[at]));
                (scores(made), Data::Int64(labels.into()))
            }
            Labels::Texts(classes) => {
                let mut labels = Vec::with_capacity(count);
                let made = self.head.scores(sums, |at| labels.push(classes[at].clone()));
                (scores(made), Data::Bytes(labels))
            }
        }
    }
}

/// The labels of a regressor.
const NO_LABELS: Data = Data::Bytes(Vec::new());

impl<N: Number> Outcome<N> for Finish<N> {
    fn outputs(&self, sums: &mut [N], count: usize, outputs: &mut Vec<Tensor>) -> Result<(), String> {
        let (scores, labels) = self.blocks(sums, count);
        let mut registers = vec![Some(Cow::Owned(scores)), Some(Cow::Owned(labels))];
        self.steps.run(&mut registers, count)?;
        for (at, (register, dims)) in self.outputs.iter().enumerate() {
            let is_read_again = self.outputs[at + 1..].iter().any(|(later, _)| later == register);
            let block = if is_read_again { registers[*register].clone() } else { registers[*register].take() };
            let data = block.ok_or("an output was not made")?.into_owned();
            let shape = [count].into_iter().chain(dims.iter().copied()).collect();
            outputs.push(Tensor::new(shape, data).map_err(|error| error.to_string())?);
        }
        Ok(())
    }
}
