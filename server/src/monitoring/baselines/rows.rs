//! A sample of a table's rows, as tensors of a model: every so manieth row.

use super::survey::{each_text, numbers};
use super::table::Element;
use bytes::Bytes;
use servoir_studio::table::cells::Cells;
use servoir_types::{Data, Datatype, Signature, Tensor, TensorError, TensorSpec};
use std::ops::Range;

/// Rows that a version is asked for a baseline, at most.
const ROWS_MAX: usize = 50_000;
/// Values of these rows, at most.
const VALUES_MAX: usize = 4_000_000;
/// Bytes of texts among them, at most; texts beyond them are taken as empty.
const TEXT_BYTES_MAX: usize = 64 << 20;

/// The sample while it is taken.
pub struct Rows {
    /// Every so manieth row is taken.
    stride: u64,
    columns: Vec<Sampling>,
    text_bytes: usize,
    sampled: Sampled,
    piece: Vec<f64>,
}

/// How far a column was read.
#[derive(Debug, Clone, Copy, Default)]
struct Sampling {
    seen: u64,
}

/// Rows of a table.
pub struct Sampled {
    elements: Vec<Element>,
    /// By element.
    columns: Vec<Values>,
}

enum Values {
    Numbers(Vec<f64>),
    Texts(Vec<Bytes>),
}

impl Rows {
    /// Of a table of `rows` rows.
    pub fn new(elements: &[Element], signature: &Signature, rows: u64) -> Self {
        let outputs = servoir_monitor::Layout::of(signature).outputs.len();
        let at_most = (VALUES_MAX / (elements.len() + outputs).max(1)).clamp(1, ROWS_MAX);
        let columns = elements.iter().map(|element| match element.datatype {
            Datatype::Bytes => Values::Texts(Vec::new()),
            _ => Values::Numbers(Vec::new()),
        });
        Self {
            stride: rows.div_ceil(at_most as u64).max(1),
            columns: vec![Sampling::default(); elements.len()],
            text_bytes: 0,
            sampled: Sampled { elements: elements.to_vec(), columns: columns.collect() },
            piece: Vec::new(),
        }
    }

    /// Takes what is wanted of a piece of a column.
    ///
    /// # Errors
    /// What is wrong with a value.
    pub fn add(&mut self, column: usize, cells: &Cells) -> Result<(), String> {
        let (first, stride) = (self.columns[column].seen, self.stride);
        self.columns[column].seen += cells.len() as u64;
        let is_taken = |index: usize| (first + index as u64).is_multiple_of(stride);
        match &mut self.sampled.columns[column] {
            Values::Numbers(values) => {
                numbers(cells, &mut self.piece)?;
                values.extend(
                    self.piece.iter().enumerate().filter(|(index, _)| is_taken(*index)).map(|(_, value)| value),
                );
            }
            Values::Texts(values) => {
                let (mut index, bytes) = (0, &mut self.text_bytes);
                each_text(cells, |text| {
                    if is_taken(index) {
                        let text = text.filter(|text| *bytes + text.len() <= TEXT_BYTES_MAX).unwrap_or_default();
                        *bytes += text.len();
                        values.push(Bytes::copy_from_slice(text.as_bytes()));
                    }
                    index += 1;
                });
            }
        }
        Ok(())
    }

    /// The sample.
    pub fn finish(self) -> Sampled {
        self.sampled
    }
}

impl Sampled {
    /// How many rows.
    pub fn rows(&self) -> usize {
        self.columns.iter().map(Values::len).min().unwrap_or(0)
    }

    /// Some of the rows as a model's inputs, without those that have a hole where the model knows none: truth values and
    /// whole numbers.
    ///
    /// # Errors
    /// When a shape does not fit, which would be a defect.
    pub fn tensors(&self, rows: Range<usize>, signature: &Signature) -> Result<Vec<Tensor>, TensorError> {
        let kept: Vec<usize> = rows.filter(|row| self.is_whole(*row)).collect();
        let tensor = |(tensor, spec): (usize, &TensorSpec)| {
            let columns = self.elements.iter().zip(&self.columns).filter(|(element, _)| element.tensor == tensor);
            let columns: Vec<&Values> = columns.map(|(_, values)| values).collect();
            let mut data = Data::with_capacity(spec.datatype, kept.len() * columns.len());
            for row in &kept {
                columns.iter().for_each(|values| values.push_to(*row, &mut data));
            }
            Tensor::new(shape(spec, kept.len(), columns.len()), data)
        };
        signature.inputs.iter().enumerate().map(tensor).collect()
    }

    fn is_whole(&self, row: usize) -> bool {
        self.elements.iter().zip(&self.columns).all(|(element, values)| match (values, element.datatype) {
            (_, Datatype::Fp16 | Datatype::Bf16 | Datatype::Fp32 | Datatype::Fp64) | (Values::Texts(_), _) => true,
            (Values::Numbers(values), _) => !values[row].is_nan(),
        })
    }
}

/// The dimensions of so many rows of `width` elements.
fn shape(spec: &TensorSpec, rows: usize, width: usize) -> Vec<usize> {
    match spec.shape.dims() {
        Some([_]) => vec![rows],
        Some([_, inner @ ..]) if inner.iter().all(|dim| *dim >= 0) => {
            let inner = inner.iter().map(|dim| usize::try_from(*dim).unwrap_or_default());
            std::iter::once(rows).chain(inner).collect()
        }
        _ => vec![rows, width],
    }
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Numbers(values) => values.len(),
            Self::Texts(values) => values.len(),
        }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // as a number that does not fit is taken: the nearest
    fn push_to(&self, row: usize, data: &mut Data) {
        let values = match (self, data) {
            (Self::Texts(values), Data::Bytes(data)) => return data.push(values[row].clone()),
            (Self::Numbers(values), data) => (values[row], data),
            (Self::Texts(_), _) => return,
        };
        match values {
            (value, Data::Bool(data)) => data.push(value != 0.0),
            (value, Data::Uint8(data)) => data.push(value as u8),
            (value, Data::Uint16(data)) => data.push(value as u16),
            (value, Data::Uint32(data)) => data.push(value as u32),
            (value, Data::Uint64(data)) => data.push(value as u64),
            (value, Data::Int8(data)) => data.push(value as i8),
            (value, Data::Int16(data)) => data.push(value as i16),
            (value, Data::Int32(data)) => data.push(value as i32),
            (value, Data::Int64(data)) => data.push(value as i64),
            (value, Data::Fp16(data)) => data.push(half::f16::from_f64(value)),
            (value, Data::Bf16(data)) => data.push(half::bf16::from_f64(value)),
            (value, Data::Fp32(data)) => data.push(value as f32),
            (value, Data::Fp64(data)) => data.push(value),
            (_, Data::Bytes(_)) => {}
        }
    }
}
