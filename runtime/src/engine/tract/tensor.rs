//! Tensors to and from tract's own.

use bytes::Bytes;
use half::f16;
use servoir_types::{Data, Datatype, Tensor};
use tract_onnx::prelude::{Datum, IntoTValue, TValue, tensor1, tract_data};

/// A copy of a tensor as tract takes it.
pub fn give(tensor: &Tensor) -> Result<TValue, String> {
    fn copy<T: Datum + Copy>(shape: &[usize], elements: &[T]) -> Result<tract_data::prelude::Tensor, String> {
        tract_data::prelude::Tensor::from_shape(shape, elements).map_err(|error| error.to_string())
    }
    let shape = tensor.shape();
    let made = match tensor.data() {
        Data::Bool(v) => copy(shape, v),
        Data::Uint8(v) => copy(shape, v),
        Data::Uint16(v) => copy(shape, v),
        Data::Uint32(v) => copy(shape, v),
        Data::Uint64(v) => copy(shape, v),
        Data::Int8(v) => copy(shape, v),
        Data::Int16(v) => copy(shape, v),
        Data::Int32(v) => copy(shape, v),
        Data::Int64(v) => copy(shape, v),
        Data::Fp16(v) => copy(shape, v),
        Data::Fp32(v) => copy(shape, v),
        Data::Fp64(v) => copy(shape, v),
        Data::Bytes(v) => {
            strings(v).and_then(|texts| tensor1(&texts).into_shape(shape).map_err(|error| error.to_string()))
        }
        Data::Bf16(_) => Err("tract has no BF16".into()),
    };
    Ok(made?.into_tvalue())
}

fn strings(elements: &[Bytes]) -> Result<Vec<String>, String> {
    let text = |bytes: &Bytes| std::str::from_utf8(bytes).map(str::to_owned);
    elements.iter().map(text).collect::<Result<_, _>>().map_err(|_| "a string is not UTF-8".to_owned())
}

/// A copy of an output. tract computes shapes in a type of its own, which is read as the datatype that was declared.
pub fn take(value: &TValue, declared: Datatype) -> Result<Tensor, String> {
    fn copy<T: Datum>(value: &tract_data::prelude::Tensor, make: fn(Vec<T>) -> Data) -> Result<Data, String> {
        let view = value.to_plain_array_view::<T>().map_err(|error| error.to_string())?;
        Ok(make(view.iter().cloned().collect()))
    }
    let cast = (value.datum_type().is_tdim()).then(|| value.cast_to::<i64>()).transpose();
    let cast = cast.map_err(|error| error.to_string())?;
    let value: &tract_data::prelude::Tensor = cast.as_deref().unwrap_or(value);
    let data = match declared {
        Datatype::Bool => copy(value, |v: Vec<bool>| Data::Bool(v)),
        Datatype::Uint8 => copy(value, |v: Vec<u8>| Data::Uint8(v.into())),
        Datatype::Uint16 => copy(value, |v: Vec<u16>| Data::Uint16(v.into())),
        Datatype::Uint32 => copy(value, |v: Vec<u32>| Data::Uint32(v.into())),
        Datatype::Uint64 => copy(value, |v: Vec<u64>| Data::Uint64(v.into())),
        Datatype::Int8 => copy(value, |v: Vec<i8>| Data::Int8(v.into())),
        Datatype::Int16 => copy(value, |v: Vec<i16>| Data::Int16(v.into())),
        Datatype::Int32 => copy(value, |v: Vec<i32>| Data::Int32(v.into())),
        Datatype::Int64 => copy(value, |v: Vec<i64>| Data::Int64(v.into())),
        Datatype::Fp16 => copy(value, |v: Vec<f16>| Data::Fp16(v.into())),
        Datatype::Fp32 => copy(value, |v: Vec<f32>| Data::Fp32(v.into())),
        Datatype::Fp64 => copy(value, |v: Vec<f64>| Data::Fp64(v.into())),
        Datatype::Bytes => copy(value, |texts: Vec<String>| Data::Bytes(texts.into_iter().map(Bytes::from).collect())),
        Datatype::Bf16 => Err("tract has no BF16".into()),
    };
    Tensor::new(value.shape().to_vec(), data?).map_err(|error| error.to_string())
}
