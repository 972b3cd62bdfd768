//! Requests that a model takes as they stand, made from its signature.

use serde_json::{Map, Value, json};
use servoir_types::{Datatype, TensorSpec};

/// The most values that an example shows; beyond it nobody pastes one.
const VALUES_MAX: usize = 4096;

/// A tensor of an example: one row, or as many as the model declares.
pub struct Example<'s> {
    /// The input.
    pub spec: &'s TensorSpec,
    /// Its dimensions.
    pub dims: Vec<usize>,
}

/// A tensor for each input, when they are not too large to be shown.
pub fn of(inputs: &[TensorSpec]) -> Option<Vec<Example<'_>>> {
    let examples: Vec<_> = inputs.iter().map(Example::of).collect();
    let sizes = examples.iter().map(|example| example.dims.iter().try_fold(1usize, |size, &dim| size.checked_mul(dim)));
    let values = sizes.collect::<Option<Vec<_>>>()?.into_iter().try_fold(0usize, usize::checked_add)?;
    (values <= VALUES_MAX).then_some(examples)
}

impl<'s> Example<'s> {
    fn of(spec: &'s TensorSpec) -> Self {
        // An input of unknown rank is given as a column of one row.
        let dims = spec.shape.dims().unwrap_or(&[1, 1]);
        Self { spec, dims: dims.iter().map(|&dim| usize::try_from(dim).unwrap_or(1)).collect() }
    }

    /// The values, flat.
    pub fn flat(&self) -> Vec<Value> {
        (0..self.dims.iter().product()).map(|index| value(self.spec.datatype, index)).collect()
    }

    /// The values, nested as the dimensions say.
    pub fn nested(&self) -> Value {
        nest(&self.flat(), &self.dims)
    }

    /// The rows, each by the names of its features.
    pub fn named_rows(&self, names: &[String]) -> Value {
        let row =
            |values: &[Value]| -> Map<String, Value> { names.iter().cloned().zip(values.iter().cloned()).collect() };
        self.flat().chunks(names.len().max(1)).map(row).collect::<Vec<_>>().into()
    }
}

fn nest(values: &[Value], dims: &[usize]) -> Value {
    match dims {
        [] => values.first().cloned().unwrap_or_default(),
        [_] => values.to_vec().into(),
        [_, inner @ ..] => {
            let size = inner.iter().product::<usize>().max(1);
            values.chunks(size).map(|values| nest(values, inner)).collect::<Vec<_>>().into()
        }
    }
}

/// A value that is right for its type; whole numbers are 0 and 1, which are within any table that they may point into.
fn value(datatype: Datatype, index: usize) -> Value {
    match datatype {
        Datatype::Bool => json!(index.is_multiple_of(2)),
        Datatype::Fp16 | Datatype::Bf16 | Datatype::Fp32 | Datatype::Fp64 => json!((index % 4 + 1) as f64 * 0.25),
        Datatype::Bytes => json!("a"),
        _ => json!(index % 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use servoir_types::Shape;

    #[test]
    fn examples_have_the_declared_shape() {
        let cases: [(Shape, Value); 5] = [
            (Shape::ranked([-1, 2]), json!([[0.25, 0.5]])),
            (Shape::ranked([2, 1]), json!([[0.25], [0.5]])),
            (Shape::ranked([-1]), json!([0.25])),
            (Shape::ranked([]), json!(0.25)),
            (Shape::unranked(), json!([[0.25]])),
        ];
        for (shape, expected) in cases {
            let spec = [TensorSpec::new("x", Datatype::Fp32, shape)];
            assert_eq!(of(&spec).unwrap()[0].nested(), expected, "{}", spec[0].shape);
        }
        let names = ["a".to_owned(), "b".to_owned()];
        let spec = [TensorSpec::new("x", Datatype::Bytes, Shape::ranked([-1, 2]))];
        assert_eq!(of(&spec).unwrap()[0].named_rows(&names), json!([{"a": "a", "b": "a"}]));
    }

    #[test]
    fn nobody_is_shown_an_image() {
        assert!(of(&[TensorSpec::new("x", Datatype::Fp32, Shape::ranked([-1, 3, 224, 224]))]).is_none());
        assert!(of(&[TensorSpec::new("x", Datatype::Fp32, Shape::ranked([i64::MAX, i64::MAX]))]).is_none());
    }
}
