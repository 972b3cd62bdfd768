//! A file of trees: refused with a reason, or read into a model that answers rows together as it answers them alone.

use crate::alone::together_as_alone;
use crate::{folder, model_files};
use servoir_runtime::{Artifact, Engines, Format, LoadError, LoadOptions, Program};
use servoir_types::{Data, Datatype, Tensor};
use std::ops::Range;
use std::path::Path;
use std::sync::LazyLock;

/// Without ONNX Runtime, which these files do not need.
static ENGINES: LazyLock<Engines> = LazyLock::new(|| Engines::discover(None, 1));

/// More rows than the kernels take in one block.
const ROWS: usize = 65;

/// Features and outputs of models that are asked; wider ones take long and reach nothing new.
const WIDTH_MAX: usize = 64;

/// The most bytes of a refusal: it quotes an excerpt of the file, never all of it.
const REFUSAL_BYTES_MAX: usize = 1024;

/// Values that are easily taken for others.
const VALUES: [f64; 16] = [
    f64::NAN,
    0.0,
    -0.0,
    1e-36,
    -1e-36,
    1.0,
    -1.0,
    -0.5,
    2.5,
    33.0,
    1e9,
    -1e9,
    16_777_216.0,
    1e300,
    f64::INFINITY,
    f64::NEG_INFINITY,
];

/// Reads the bytes as a file of this format.
pub fn run(format: Format, bytes: &[u8]) {
    folder::with_model(bytes, |path, _| match load(path, format) {
        Ok(program) => ask(&*program),
        Err(LoadError::Unsupported(refusal)) => {
            assert!(!refusal.found.is_empty() && !refusal.advice.is_empty(), "{refusal:?}");
            assert!(refusal.to_string().len() <= REFUSAL_BYTES_MAX, "{refusal:?}");
        }
        Err(other) => panic!("a broken file is not kept, and this is kept and fails: {other}"),
    });
}

fn load(path: &Path, format: Format) -> Result<std::sync::Arc<dyn Program>, LoadError> {
    let artifact = Artifact { path: path.to_owned(), folder: None, format };
    ENGINES.load(&artifact, &LoadOptions::cpu(None, 1))
}

fn ask(program: &dyn Program) {
    let signature = program.signature();
    model_files::signature_holds_together(signature);
    let [input] = signature.inputs.as_slice() else { panic!("trees take one matrix: {signature:?}") };
    let width_of = |dims: Option<&[i64]>| dims.and_then(|dims| dims.get(1)).map_or(1, |width| *width as usize);
    let width = width_of(input.shape.dims());
    if width > WIDTH_MAX || signature.outputs.iter().any(|output| width_of(output.shape.dims()) > WIDTH_MAX) {
        return;
    }
    let mut session = program.session().expect("a session of a model that was loaded");
    // A step that has no divisor in common with the number of values, so that columns differ from row to row.
    let values: Vec<f64> = (0..ROWS * width).map(|at| VALUES[at * 7 % VALUES.len()]).collect();
    let rows = |rows: Range<usize>| vec![matrix(input.datatype, &values[rows.start * width..rows.end * width], width)];
    let together = together_as_alone(&mut *session, ROWS, rows).expect("a model answers rows that fit it");
    assert_eq!(together.len(), signature.outputs.len());
    for (spec, output) in signature.outputs.iter().zip(&together) {
        assert!(spec.shape.admits(output.shape()) && spec.datatype == output.datatype(), "{spec:?}: {output:?}");
    }
}

fn matrix(datatype: Datatype, values: &[f64], width: usize) -> Tensor {
    let data = match datatype {
        Datatype::Fp64 => Data::Fp64(values.to_vec().into()),
        Datatype::Fp32 => Data::Fp32(values.iter().map(|x| *x as f32).collect::<Vec<f32>>().into()),
        other => panic!("trees take no {other:?}"),
    };
    Tensor::new(vec![values.len() / width, width], data).expect("rows of this width")
}
