//! Counting one column of a tensor, whatever its elements are.

use crate::baseline::Precision;
use crate::counts::{ColumnCounts, ColumnMeter, Element};
use crate::layout::Source;
use servoir_types::{Data, Label, Tensor};

/// Sums of a row are added up in so many parts, so that they need not wait for one another.
const LANES: usize = 8;

/// Runs `$body` with `$values` bound to the numbers inside `$data`; `$otherwise` of texts.
macro_rules! numbers {
    ($data:expr, $values:ident => $body:expr, $otherwise:expr) => {
        match $data {
            Data::Bool($values) => $body,
            Data::Uint8($values) => $body,
            Data::Uint16($values) => $body,
            Data::Uint32($values) => $body,
            Data::Uint64($values) => $body,
            Data::Int8($values) => $body,
            Data::Int16($values) => $body,
            Data::Int32($values) => $body,
            Data::Int64($values) => $body,
            Data::Fp16($values) => $body,
            Data::Bf16($values) => $body,
            Data::Fp32($values) => $body,
            Data::Fp64($values) => $body,
            Data::Bytes(_) => $otherwise,
        }
    };
}

pub(super) use numbers;

/// Counts columns of numbers: the place of each among the counts, and which column of the tensor it is.
pub fn count_table(
    tensor: &Tensor,
    (meters, counts): (&[ColumnMeter], &mut [ColumnCounts]),
    columns: &[(usize, usize)],
) {
    let width = tensor.row_len();
    numbers!(tensor.data(), values => {
        for &(place, column) in columns.iter().filter(|(_, column)| *column < width) {
            if let (Some(meter), Some(counts)) = (meters.get(place), counts.get_mut(place)) {
                meter.count(counts, values, column, width);
            }
        }
    }, ());
}

/// Counts every row of the column. Tensors are the caller's: what is not there is not counted.
pub fn count(
    source: &Source,
    (meter, counts): (&ColumnMeter, &mut ColumnCounts),
    (tensors, precision): (&[Tensor], Precision),
) {
    let tensor = |index: &usize| tensors.get(*index);
    match source {
        Source::Element { tensor: index, column } => {
            let Some(tensor) = tensor(index) else { return };
            let width = tensor.row_len();
            if *column < width {
                elements(tensor.data(), (meter, counts), *column, width);
            }
        }
        Source::Norm(index) => measured(tensor(index), (meter, counts), |row| precision.round(row.norm())),
        Source::Mean(index) => measured(tensor(index), (meter, counts), |row| precision.round(row.mean())),
        Source::Greatest(index) => {
            let Some(tensor) = tensor(index) else { return };
            each_best(tensor, |_, value| meter.count(counts, &[value], 0, 1));
        }
        Source::Best(index, classes) => {
            let Some(tensor) = tensor(index) else { return };
            each_best(tensor, |best, _| match classes.get(best) {
                Some(Label::Text(text)) => meter.count_text(counts, text),
                Some(Label::Int(number)) => meter.count_integer(counts, *number),
                None => {}
            });
        }
    }
}

fn elements(data: &Data, (meter, counts): (&ColumnMeter, &mut ColumnCounts), column: usize, width: usize) {
    match (meter, data) {
        (ColumnMeter::Number(_), _) => numbers!(data, values => meter.count(counts, values, column, width), ()),
        (ColumnMeter::Category(_), Data::Bytes(texts)) => {
            for text in texts.iter().skip(column).step_by(width) {
                // What is no text is none of the baseline's.
                meter.count_text(counts, std::str::from_utf8(text).unwrap_or("\u{fffd}"));
            }
        }
        (ColumnMeter::Category(_), Data::Bool(flags)) => {
            for flag in flags.iter().skip(column).step_by(width) {
                meter.count_text(counts, if *flag { "true" } else { "false" });
            }
        }
        (ColumnMeter::Category(_), Data::Int64(classes)) => {
            for class in classes.iter().skip(column).step_by(width) {
                meter.count_integer(counts, *class);
            }
        }
        (ColumnMeter::Category(_), data) => numbers!(data, values => {
            for value in values.iter().skip(column).step_by(width) {
                meter.count_class(counts, value.number());
            }
        }, ()),
    }
}

/// Sums of one row.
pub struct Row {
    length: f64,
    sum: f64,
    squares: f64,
}

fn measured(
    tensor: Option<&Tensor>,
    (meter, counts): (&ColumnMeter, &mut ColumnCounts),
    measure: impl Fn(&Row) -> f64,
) {
    let Some(tensor) = tensor else { return };
    let width = tensor.row_len();
    if width == 0 {
        return;
    }
    numbers!(tensor.data(), values => {
        for row in values.chunks_exact(width) {
            meter.count(counts, &[measure(&Row::of(row))], 0, 1);
        }
    }, ());
}

impl Row {
    pub fn of<T: Element>(row: &[T]) -> Self {
        let (mut sums, mut squares) = ([0.0; LANES], [0.0; LANES]);
        for part in row.chunks(LANES) {
            for (lane, element) in part.iter().enumerate() {
                let value = element.number();
                sums[lane] += value;
                squares[lane] += value * value;
            }
        }
        Self { length: row.len() as f64, sum: sums.iter().sum(), squares: squares.iter().sum() }
    }

    /// The Euclidean norm.
    pub fn norm(&self) -> f64 {
        self.squares.sqrt()
    }

    pub fn mean(&self) -> f64 {
        self.sum / self.length
    }
}

/// Calls `found` with the place and the value of each row's greatest element, of equals the first.
fn each_best(tensor: &Tensor, mut found: impl FnMut(usize, f64)) {
    let width = tensor.row_len();
    if width == 0 {
        return;
    }
    numbers!(tensor.data(), values => {
        for row in values.chunks_exact(width) {
            let (column, value) = best_of(row);
            found(column, value);
        }
    }, ());
}

/// The place and the value of a row's greatest element, of equals the first.
pub fn best_of<T: Element>(row: &[T]) -> (usize, f64) {
    let mut best = (0, f64::NAN);
    for (column, element) in row.iter().enumerate() {
        let value = element.number();
        if value > best.1 || best.1.is_nan() && !value.is_nan() {
            best = (column, value);
        }
    }
    best
}
