//! Tensors to and from tract's own.

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

fn strings(elements: &[Vec<u8>]) -> Result<Vec<String>, String> {
    let text = |bytes: &Vec<u8>| String::from_utf8(bytes.clone()).map_err(|_| "a string is not UTF-8".to_owned());
    elements.iter().map(text).collect()
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
        Datatype::Bool => copy(value, Data::Bool),
        Datatype::Uint8 => copy(value, Data::Uint8),
        Datatype::Uint16 => copy(value, Data::Uint16),
        Datatype::Uint32 => copy(value, Data::Uint32),
        Datatype::Uint64 => copy(value, Data::Uint64),
        Datatype::Int8 => copy(value, Data::Int8),
        Datatype::Int16 => copy(value, Data::Int16),
        Datatype::Int32 => copy(value, Data::Int32),
        Datatype::Int64 => copy(value, Data::Int64),
        Datatype::Fp16 => copy::<f16>(value, Data::Fp16),
        Datatype::Fp32 => copy(value, Data::Fp32),
        Datatype::Fp64 => copy(value, Data::Fp64),
        Datatype::Bytes => {
            copy(value, |texts: Vec<String>| Data::Bytes(texts.into_iter().map(String::into_bytes).collect()))
        }
        Datatype::Bf16 => Err("tract has no BF16".into()),
    };
    Tensor::new(value.shape().to_vec(), data?).map_err(|error| error.to_string())
}
