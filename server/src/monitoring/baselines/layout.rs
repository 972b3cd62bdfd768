//! The precision of a model's columns.

use servoir_monitor::layout::{Place, Source};
use servoir_monitor::{Layout, Precision};
use servoir_types::{Datatype, Signature, TensorSpec};

/// The columns of the inputs, each with the precision that it is compared in.
pub fn inputs(signature: &Signature) -> Vec<(Place, Precision)> {
    let precise = |place: Place| {
        let precision = precision(&place, &signature.inputs);
        (place, precision)
    };
    Layout::of(signature).features.into_iter().map(precise).collect()
}

/// The columns of the outputs, each with the precision that it is compared in.
pub fn outputs(signature: &Signature) -> Vec<(Place, Precision)> {
    let precise = |place: Place| {
        let precision = precision(&place, &signature.outputs);
        (place, precision)
    };
    Layout::of(signature).outputs.into_iter().map(precise).collect()
}

/// Which tensor a column is of.
pub fn tensor_of(place: &Place) -> usize {
    match place.source {
        Source::Element { tensor, .. } | Source::Norm(tensor) | Source::Mean(tensor) => tensor,
        Source::Greatest(tensor) | Source::Best(tensor, _) => tensor,
    }
}

/// Floats of four bytes and less are compared as such, and so is what is computed of them.
fn precision(place: &Place, specs: &[TensorSpec]) -> Precision {
    match specs.get(tensor_of(place)).map(|spec| spec.datatype) {
        Some(Datatype::Fp16 | Datatype::Bf16 | Datatype::Fp32) => Precision::Single,
        _ => Precision::Double,
    }
}
