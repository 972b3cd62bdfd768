//! Tensors that stand in the file.

use crate::onnx::proto;
use servoir_types::Data;

/// A tensor whose elements are known.
#[derive(Debug)]
pub struct Constant {
    /// Its dimensions; none for a scalar.
    pub dims: Vec<usize>,
    /// Its elements, as many as the dimensions say.
    pub data: Data,
}

impl Constant {
    /// Reads a tensor of floats, doubles, bytes, or integers of 32 or 64 bits.
    pub fn read(tensor: &proto::Tensor) -> Result<Self, String> {
        let name = &tensor.name;
        if tensor.data_location == proto::EXTERNAL {
            return Err(format!("tensor '{name}' lies outside the file"));
        }
        let raw = &tensor.raw_data;
        let narrow =
            |number: &i32| u8::try_from(*number).map_err(|_| format!("tensor '{name}' has a byte of {number}"));
        let data = match tensor.data_type {
            1 if raw.is_empty() => Data::Fp32(tensor.float_data.clone().into()),
            1 => Data::Fp32(numbers(raw, f32::from_le_bytes).into()),
            11 if raw.is_empty() => Data::Fp64(tensor.double_data.clone().into()),
            11 => Data::Fp64(numbers(raw, f64::from_le_bytes).into()),
            7 if raw.is_empty() => Data::Int64(tensor.int64_data.clone().into()),
            7 => Data::Int64(numbers(raw, i64::from_le_bytes).into()),
            6 if raw.is_empty() => Data::Int32(tensor.int32_data.clone().into()),
            6 => Data::Int32(numbers(raw, i32::from_le_bytes).into()),
            2 if raw.is_empty() => {
                Data::Uint8(tensor.int32_data.iter().map(narrow).collect::<Result<Vec<_>, _>>()?.into())
            }
            2 => Data::Uint8(raw.to_vec().into()),
            other => return Err(format!("tensor '{name}' has elements of ONNX type {other}")),
        };
        let dims = tensor.dims.iter().map(|&dim| usize::try_from(dim).ok()).collect::<Option<Vec<_>>>();
        let count = dims.as_ref().and_then(|dims| dims.iter().try_fold(1usize, |count, &dim| count.checked_mul(dim)));
        match dims {
            Some(dims) if count == Some(data.len()) => Ok(Self { dims, data }),
            _ => Err(format!("tensor '{name}' declares {:?} and has {} elements", tensor.dims, data.len())),
        }
    }

    /// Whole numbers, where the elements are.
    pub fn integers(&self) -> Option<Vec<i64>> {
        match &self.data {
            Data::Int64(v) => Some(v.to_vec()),
            Data::Int32(v) => Some(v.iter().map(|&number| number.into()).collect()),
            _ => None,
        }
    }
}

fn numbers<T, const BYTES: usize>(raw: &[u8], read: fn([u8; BYTES]) -> T) -> Vec<T> {
    raw.as_chunks().0.iter().map(|&bytes| read(bytes)).collect()
}
