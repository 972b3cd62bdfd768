//! An ONNX file of trees: refused with a reason, or loaded into a model that answers rows alone as it answers them together.

use crate::alone::together_as_alone;
use crate::folder;
use bytes::Bytes;
use servoir_runtime::{Artifact, EngineName, Engines, Format, LoadError, LoadOptions};
use servoir_types::{Data, Tensor, TensorSpec};
use std::ops::Range;
use std::sync::LazyLock;

/// The most bytes of a refusal.
const REFUSAL_BYTES_MAX: usize = 4096;
/// Rows that a model is asked: a block of 64 and a rest.
const ROWS: usize = 67;
/// The most elements of all inputs together.
const ELEMENTS_MAX: usize = 1 << 16;
/// What the rows are made of.
const NUMBERS: [f64; 8] = [0.0, f64::NAN, 1.5, f64::INFINITY, -2.0, f64::NEG_INFINITY, 3.0, -0.0];
const WHOLE_NUMBERS: [i64; 4] = [0, 1, -1, i64::MAX];
const TEXTS: [&[u8]; 4] = [b"a", b"b", b"", b"\xff"];

/// Without ONNX Runtime, which would take what the tree kernels do not.
static ENGINES: LazyLock<Engines> = LazyLock::new(|| Engines::discover(None, 1));

/// Loads the bytes as an ONNX file; what the tree kernels take predicts.
pub fn run(bytes: &[u8]) {
    folder::with_model(bytes, |path, _| {
        let artifact = Artifact { path: path.to_owned(), folder: None, format: Format::Onnx };
        let options = LoadOptions::cpu(EngineName::Trees, 1);
        let program = match ENGINES.load(&artifact, &options) {
            Ok(program) => program,
            Err(LoadError::Rejected { reason, .. }) => {
                return assert!((1..=REFUSAL_BYTES_MAX).contains(&reason.len()), "{reason}");
            }
            Err(LoadError::Unsupported(refusal)) => return assert!(!refusal.found.is_empty(), "{refusal:?}"),
            Err(error) => panic!("not a refusal: {error}"),
        };
        let signature = program.signature();
        let width = |specs: &[TensorSpec]| specs.iter().map(columns).fold(1, usize::saturating_add);
        let rows = ROWS.min(ELEMENTS_MAX / width(&signature.inputs)).max(1);
        let mut session = program.session().expect("a session");
        let inputs = |rows: Range<usize>| signature.inputs.iter().map(|spec| input(spec, rows.clone())).collect();
        if let Some(together) = together_as_alone(&mut *session, rows, inputs) {
            assert_eq!(together.len(), signature.outputs.len());
        }
    });
}

/// The elements of a row.
fn columns(spec: &TensorSpec) -> usize {
    let dims = spec.shape.dims().unwrap_or_default();
    dims.iter().skip(1).fold(1, |columns, &dim| columns.saturating_mul(usize::try_from(dim).unwrap_or(1)))
}

fn input(spec: &TensorSpec, rows: Range<usize>) -> Tensor {
    let columns = columns(spec);
    let count = rows.len();
    let at = (rows.start * columns..rows.end * columns).map(|at| at ^ (at >> 3));
    let mut data = Data::with_capacity(spec.datatype, count * columns);
    for at in at {
        match &mut data {
            #[allow(clippy::cast_possible_truncation)] // none of them has more than 32 bits
            Data::Fp32(v) => v.push(NUMBERS[at % NUMBERS.len()] as f32),
            Data::Fp64(v) => v.push(NUMBERS[at % NUMBERS.len()]),
            Data::Int64(v) => v.push(WHOLE_NUMBERS[at % WHOLE_NUMBERS.len()]),
            #[allow(clippy::cast_possible_truncation)] // any number will do
            Data::Int32(v) => v.push(WHOLE_NUMBERS[at % WHOLE_NUMBERS.len()] as i32),
            Data::Bool(v) => v.push(at % 2 == 0),
            Data::Bytes(v) => v.push(Bytes::from_static(TEXTS[at % TEXTS.len()])),
            // Of a type that no step takes.
            other => panic!("{:?} was taken", other.datatype()),
        }
    }
    let dims = spec.shape.dims().unwrap_or_default().iter().skip(1);
    let shape = [count].into_iter().chain(dims.map(|&dim| usize::try_from(dim).expect("a known width"))).collect();
    Tensor::new(shape, data).expect("rows")
}
