//! ONNX's own test files: tensors with their data, and the types of a model's inputs and outputs.

use bytes::Bytes;
use half::{bf16, f16};
use prost::Message;
use servoir_types::{Data, Tensor};
use std::path::Path;

#[derive(Clone, PartialEq, Message)]
struct TensorFile {
    #[prost(int64, repeated, tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(float, repeated, tag = "4")]
    floats: Vec<f32>,
    #[prost(int32, repeated, tag = "5")]
    ints: Vec<i32>,
    #[prost(bytes = "vec", repeated, tag = "6")]
    strings: Vec<Vec<u8>>,
    #[prost(int64, repeated, tag = "7")]
    longs: Vec<i64>,
    #[prost(bytes = "vec", optional, tag = "9")]
    raw: Option<Vec<u8>>,
    #[prost(double, repeated, tag = "10")]
    doubles: Vec<f64>,
    #[prost(uint64, repeated, tag = "11")]
    unsigned: Vec<u64>,
}

/// Elements from raw little-endian bytes, or from the typed field with `$typed`.
macro_rules! elements {
    ($file:expr, $t:ty, $typed:expr) => {
        match &$file.raw {
            Some(raw) => raw
                .chunks_exact(size_of::<$t>())
                .map(|bytes| <$t>::from_le_bytes(bytes.try_into().expect("a chunk has its size")))
                .collect::<Vec<$t>>()
                .into(),
            None => ($typed as Vec<$t>).into(),
        }
    };
}

/// Narrows what the format keeps in a wider field.
fn narrow<T: TryFrom<i32>>(ints: &[i32]) -> Vec<T> {
    ints.iter().filter_map(|&int| T::try_from(int).ok()).collect()
}

/// Reads a `.pb` file of one tensor.
pub fn read_tensor(path: &Path) -> Result<Tensor, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let file = TensorFile::decode(bytes.as_slice()).map_err(|error| error.to_string())?;
    let halves = || narrow::<u16>(&file.ints);
    let data = match file.data_type {
        1 => Data::Fp32(elements!(file, f32, file.floats.clone())),
        2 => Data::Uint8(elements!(file, u8, narrow(&file.ints))),
        3 => Data::Int8(elements!(file, i8, narrow(&file.ints))),
        4 => Data::Uint16(elements!(file, u16, narrow(&file.ints))),
        5 => Data::Int16(elements!(file, i16, narrow(&file.ints))),
        6 => Data::Int32(elements!(file, i32, file.ints.clone())),
        7 => Data::Int64(elements!(file, i64, file.longs.clone())),
        8 => Data::Bytes(file.strings.iter().cloned().map(Bytes::from).collect()),
        9 => {
            let bytes: Vec<u8> = elements!(file, u8, narrow(&file.ints));
            Data::Bool(bytes.into_iter().map(|byte| byte != 0).collect())
        }
        10 => Data::Fp16(elements!(file, f16, halves().into_iter().map(f16::from_bits).collect::<Vec<_>>())),
        11 => Data::Fp64(elements!(file, f64, file.doubles.clone())),
        12 => Data::Uint32(elements!(
            file,
            u32,
            file.unsigned.iter().filter_map(|&v| v.try_into().ok()).collect::<Vec<_>>()
        )),
        13 => Data::Uint64(elements!(file, u64, file.unsigned.clone())),
        16 => Data::Bf16(elements!(file, bf16, halves().into_iter().map(bf16::from_bits).collect::<Vec<_>>())),
        other => return Err(format!("element type {other}")),
    };
    let shape = file.dims.iter().map(|&dim| usize::try_from(dim)).collect::<Result<_, _>>();
    Tensor::new(shape.map_err(|_| "a negative dimension")?, data).map_err(|error| error.to_string())
}

#[derive(Clone, PartialEq, Message)]
struct Model {
    #[prost(message, optional, tag = "7")]
    graph: Option<Graph>,
}

#[derive(Clone, PartialEq, Message)]
struct Graph {
    #[prost(message, repeated, tag = "11")]
    inputs: Vec<Value>,
    #[prost(message, repeated, tag = "12")]
    outputs: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(message, optional, tag = "2")]
    kind: Option<Kind>,
}

#[derive(Clone, PartialEq, Message)]
struct Kind {
    #[prost(message, optional, tag = "1")]
    tensor: Option<TensorKind>,
}

#[derive(Clone, PartialEq, Message)]
struct TensorKind {
    #[prost(int32, tag = "1")]
    element: i32,
}

/// Whether all inputs and outputs of a model are tensors that a request or an answer can carry.
pub fn carries_tensors_only(path: &Path) -> Result<bool, String> {
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let model = Model::decode(bytes.as_slice()).map_err(|error| error.to_string())?;
    let graph = model.graph.unwrap_or_default();
    let known = |value: &Value| {
        let tensor = value.kind.as_ref().and_then(|kind| kind.tensor.as_ref());
        tensor.is_some_and(|tensor| matches!(tensor.element, 1..=13 | 16))
    };
    Ok(graph.inputs.iter().chain(&graph.outputs).all(known))
}
