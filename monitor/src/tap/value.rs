//! One value of a tensor, for recordings.

use super::rows::{Row, best_of, numbers};
use crate::counts::Element;
use crate::layout::Source;
use crate::recording::Cell;
use servoir_types::{Data, Label, Tensor};

/// The value of a row; a missing one where there is none.
pub fn value(source: &Source, tensors: &[Tensor], row: usize) -> Cell {
    tensors.get(source.tensor()).and_then(|tensor| of_tensor(source, tensor, row)).unwrap_or(Cell::Number(f64::NAN))
}

fn of_tensor(source: &Source, tensor: &Tensor, row: usize) -> Option<Cell> {
    let width = tensor.row_len();
    let elements = row * width..(row + 1) * width;
    if let (Data::Bytes(texts), Source::Element { column, .. }) = (tensor.data(), source) {
        let text = texts.get(elements)?.get(*column)?;
        return Some(Cell::Text(String::from_utf8_lossy(text).into()));
    }
    numbers!(tensor.data(), values => {
        let values = values.get(elements)?;
        Some(match source {
            Source::Element { column, .. } => Cell::Number(values.get(*column)?.number()),
            Source::Norm(_) => Cell::Number(Row::of(values).norm()),
            Source::Mean(_) => Cell::Number(Row::of(values).mean()),
            Source::Greatest(_) => Cell::Number(values.get(best_of(values))?.number()),
            Source::Best(_, classes) => match classes.get(best_of(values))? {
                Label::Int(number) => Cell::Text(number.to_string().into()),
                Label::Text(text) => Cell::Text(text.as_str().into()),
            },
        })
    }, None)
}
