//! Counting one column of a tensor, whatever its elements are.

use crate::baseline::Precision;
use crate::counts::{ColumnCounts, ColumnMeter, Element};
use crate::layout::Source;
use servoir_types::{Data, Label};

/// Sums of a row are added up in so many parts, so that they need not wait for one another.
const LANES: usize = 8;
/// Greatest elements that are counted together.
const TOGETHER: usize = 64;

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
pub fn count_numbers(
    (data, width): (&Data, usize),
    (meters, counts): (&[ColumnMeter], &mut [ColumnCounts]),
    columns: &[(usize, usize)],
) {
    numbers!(data, values => {
        for &(place, column) in columns.iter().filter(|(_, column)| *column < width) {
            if let (Some(meter), Some(counts)) = (meters.get(place), counts.get_mut(place)) {
                meter.count(counts, values, column, width);
            }
        }
    }, ());
}

/// Counts every row of a column that is no plain number.
pub fn count(
    source: &Source,
    (meter, counts): (&ColumnMeter, &mut ColumnCounts),
    (data, width, precision): (&Data, usize, Precision),
) {
    if width == 0 {
        return;
    }
    match source {
        Source::Element { column, .. } if *column < width => elements(data, (meter, counts), *column, width),
        Source::Element { .. } => {}
        Source::Norm(_) => measured((data, width), (meter, counts), |row| precision.round(row.norm())),
        Source::Mean(_) => measured((data, width), (meter, counts), |row| precision.round(row.mean())),
        Source::Greatest(_) => {
            numbers!(data, values => greatest(values, width, |values| meter.count(counts, values, 0, 1)), ())
        }
        Source::Best(_, classes) => numbers!(data, values => {
            for row in values.chunks_exact(width) {
                match classes.get(best_of(row)) {
                    Some(Label::Text(text)) => meter.count_text(counts, text),
                    Some(Label::Int(number)) => meter.count_integer(counts, *number),
                    None => {}
                }
            }
        }, ()),
    }
}

/// Hands over the greatest elements of the rows, up to [`TOGETHER`] at a time.
fn greatest<T: Element>(values: &[T], width: usize, mut count: impl FnMut(&[T])) {
    let Some(first) = values.first() else { return };
    let mut found = [*first; TOGETHER];
    for rows in values.chunks(width * TOGETHER) {
        let rows = rows.chunks_exact(width);
        let many = rows.len();
        found.iter_mut().zip(rows).for_each(|(found, row)| *found = row[best_of(row)]);
        count(&found[..many]);
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
    (data, width): (&Data, usize),
    (meter, counts): (&ColumnMeter, &mut ColumnCounts),
    measure: impl Fn(&Row) -> f64,
) {
    numbers!(data, values => {
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

/// The place of a row's greatest element, of equals the first.
pub fn best_of<T: Element>(row: &[T]) -> usize {
    let mut best = (0, f64::NAN);
    for (column, element) in row.iter().enumerate() {
        let value = element.number();
        if value > best.1 || best.1.is_nan() && !value.is_nan() {
            best = (column, value);
        }
    }
    best.0
}
