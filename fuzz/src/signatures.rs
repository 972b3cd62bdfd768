//! The models that bodies are read for: together they take every way through the readers.

use servoir_codec::Model;
use servoir_types::{Datatype, Label, Role, Shape, Signature, TensorSpec};
use std::sync::LazyLock;

/// The most rows of one request.
pub const ROWS_MAX: usize = 16;

/// The signatures; the inputs come back as the outputs, and the last output has classes where the first input is a matrix.
static SIGNATURES: LazyLock<Vec<Signature>> = LazyLock::new(|| {
    let ranked = |name: &str, datatype, dims: &[i64]| TensorSpec::new(name, datatype, Shape::ranked(dims));
    let mut named = ranked("x", Datatype::Fp32, &[-1, 3]);
    named.feature_names = Some(vec!["age".into(), "income".into(), "née".into()]);
    named.accepts_missing = true;
    let inputs = [
        vec![ranked("x", Datatype::Fp32, &[-1, 4])],
        vec![named],
        vec![ranked("x", Datatype::Fp32, &[-1, 2]), ranked("s", Datatype::Bytes, &[-1])],
        vec![
            ranked("age", Datatype::Int64, &[-1, 1]),
            ranked("plan", Datatype::Bytes, &[-1, 1]),
            ranked("ok", Datatype::Bool, &[-1]),
        ],
        vec![ranked("x", Datatype::Int64, &[-1, -1])],
        vec![TensorSpec::new("x", Datatype::Fp64, Shape::unranked())],
        vec![ranked("x", Datatype::Uint8, &[2, 2, 2])],
        vec![ranked("x", Datatype::Fp16, &[])],
        vec![ranked("x", Datatype::Bf16, &[-1, 2])],
        vec![ranked("s", Datatype::Bytes, &[-1, 1])],
    ];
    inputs.into_iter().map(echo).collect()
});

fn echo(inputs: Vec<TensorSpec>) -> Signature {
    let mut outputs = inputs.clone();
    if let Some(spec) = outputs.iter_mut().find(|spec| spec.datatype.is_float())
        && let Some(&[_, columns]) = spec.shape.dims()
    {
        spec.role = Some(Role::Probabilities);
        spec.classes = Some((0..columns).map(|class| Label::Text(format!("class {class}"))).collect());
    }
    Signature { inputs, outputs }
}

/// A model for each of the signatures.
pub fn models() -> impl Iterator<Item = Model<'static>> {
    SIGNATURES.iter().map(of)
}

/// The model of a signature.
pub fn of(signature: &Signature) -> Model<'_> {
    Model { name: "m", version: 1, signature, rows_max: ROWS_MAX }
}
