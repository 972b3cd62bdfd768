//! Tensors to and from ONNX Runtime's values.

use bytes::Bytes;
use half::{bf16, f16};
use ort::memory::Allocator;
use ort::session::SessionInputValue;
use ort::value::{
    DynMapValueType, DynTensor, DynValue, PrimitiveTensorElementType, TensorElementType, TensorRef, Utf8Data, ValueType,
};
use servoir_types::{Data, Label, Tensor, TensorSpec};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

/// A string element, of whatever bytes; the library takes any without a zero byte. Owned, as its wrapper demands.
#[derive(Clone)]
struct Element(Bytes);

impl Utf8Data for Element {
    fn as_utf8_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A tensor as the library sees it: the same memory, except for strings, which it keeps in its own.
pub fn borrow(tensor: &Tensor) -> ort::Result<SessionInputValue<'_>> {
    fn view<'a, T>(shape: &[usize], elements: &'a [T]) -> ort::Result<SessionInputValue<'a>>
    where
        T: PrimitiveTensorElementType + Debug + Clone + 'static,
    {
        Ok(TensorRef::from_array_view((shape.to_vec(), elements))?.into())
    }
    let shape = tensor.shape();
    match tensor.data() {
        Data::Bool(v) => view(shape, v),
        Data::Uint8(v) => view(shape, v),
        Data::Uint16(v) => view(shape, v),
        Data::Uint32(v) => view(shape, v),
        Data::Uint64(v) => view(shape, v),
        Data::Int8(v) => view(shape, v),
        Data::Int16(v) => view(shape, v),
        Data::Int32(v) => view(shape, v),
        Data::Int64(v) => view(shape, v),
        Data::Fp16(v) => view(shape, v),
        Data::Bf16(v) => view(shape, v),
        Data::Fp32(v) => view(shape, v),
        Data::Fp64(v) => view(shape, v),
        Data::Bytes(v) => {
            let elements: Vec<Element> = v.iter().cloned().map(Element).collect();
            Ok(ort::value::Tensor::from_string_array((shape.to_vec(), elements.as_slice()))?.into())
        }
    }
}

/// A tensor of the same type and shape in the memory that an allocator has, not yet written.
pub fn uninitialized(by: &Allocator, like: &Tensor) -> ort::Result<DynTensor> {
    let element = match like.data() {
        Data::Bool(_) => TensorElementType::Bool,
        Data::Uint8(_) => TensorElementType::Uint8,
        Data::Uint16(_) => TensorElementType::Uint16,
        Data::Uint32(_) => TensorElementType::Uint32,
        Data::Uint64(_) => TensorElementType::Uint64,
        Data::Int8(_) => TensorElementType::Int8,
        Data::Int16(_) => TensorElementType::Int16,
        Data::Int32(_) => TensorElementType::Int32,
        Data::Int64(_) => TensorElementType::Int64,
        Data::Fp16(_) => TensorElementType::Float16,
        Data::Bf16(_) => TensorElementType::Bfloat16,
        Data::Fp32(_) => TensorElementType::Float32,
        Data::Fp64(_) => TensorElementType::Float64,
        Data::Bytes(_) => TensorElementType::String,
    };
    DynTensor::new(by, element, like.shape().to_vec())
}

/// Writes the elements of a tensor that has as many of this type, in memory that the processor reaches.
pub fn write(into: &mut DynTensor, data: &Data) -> ort::Result<()> {
    fn copy<T>(into: &mut DynTensor, elements: &[T]) -> ort::Result<()>
    where
        T: PrimitiveTensorElementType + Copy,
    {
        let (_, place) = into.try_extract_tensor_mut::<T>()?;
        if place.len() != elements.len() {
            let reason = format!("there is room for {} elements, and {} were given", place.len(), elements.len());
            return Err(ort::Error::new(reason));
        }
        place.copy_from_slice(elements);
        Ok(())
    }
    match data {
        Data::Bool(v) => copy(into, v),
        Data::Uint8(v) => copy(into, v),
        Data::Uint16(v) => copy(into, v),
        Data::Uint32(v) => copy(into, v),
        Data::Uint64(v) => copy(into, v),
        Data::Int8(v) => copy(into, v),
        Data::Int16(v) => copy(into, v),
        Data::Int32(v) => copy(into, v),
        Data::Int64(v) => copy(into, v),
        Data::Fp16(v) => copy(into, v),
        Data::Bf16(v) => copy(into, v),
        Data::Fp32(v) => copy(into, v),
        Data::Fp64(v) => copy(into, v),
        Data::Bytes(_) => Err(ort::Error::new("strings stay in the library's own memory")),
    }
}

/// Copies an output out of the library's memory. Maps from class to probability become a matrix in the order of `spec.classes`.
pub fn read(value: &DynValue, spec: &TensorSpec) -> Result<Tensor, String> {
    match value.dtype() {
        ValueType::Tensor { ty, .. } => read_tensor(value, *ty),
        ValueType::Sequence(element) if matches!(**element, ValueType::Map { .. }) => read_maps(value, spec),
        other => Err(format!("it is {other}, not a tensor")),
    }
}

fn read_tensor(value: &DynValue, element: TensorElementType) -> Result<Tensor, String> {
    fn copy<T>(value: &DynValue, make: fn(Vec<T>) -> Data) -> Result<Tensor, String>
    where
        T: PrimitiveTensorElementType + Copy,
    {
        let (shape, elements) = value.try_extract_tensor::<T>().map_err(|error| error.to_string())?;
        tensor(shape, make(elements.to_vec()))
    }
    match element {
        TensorElementType::Bool => copy(value, |v: Vec<bool>| Data::Bool(v)),
        TensorElementType::Uint8 => copy(value, |v: Vec<u8>| Data::Uint8(v.into())),
        TensorElementType::Uint16 => copy(value, |v: Vec<u16>| Data::Uint16(v.into())),
        TensorElementType::Uint32 => copy(value, |v: Vec<u32>| Data::Uint32(v.into())),
        TensorElementType::Uint64 => copy(value, |v: Vec<u64>| Data::Uint64(v.into())),
        TensorElementType::Int8 => copy(value, |v: Vec<i8>| Data::Int8(v.into())),
        TensorElementType::Int16 => copy(value, |v: Vec<i16>| Data::Int16(v.into())),
        TensorElementType::Int32 => copy(value, |v: Vec<i32>| Data::Int32(v.into())),
        TensorElementType::Int64 => copy(value, |v: Vec<i64>| Data::Int64(v.into())),
        TensorElementType::Float16 => copy(value, |v: Vec<f16>| Data::Fp16(v.into())),
        TensorElementType::Bfloat16 => copy(value, |v: Vec<bf16>| Data::Bf16(v.into())),
        TensorElementType::Float32 => copy(value, |v: Vec<f32>| Data::Fp32(v.into())),
        TensorElementType::Float64 => copy(value, |v: Vec<f64>| Data::Fp64(v.into())),
        TensorElementType::String => {
            let (shape, strings) = value.try_extract_strings().map_err(|error| error.to_string())?;
            tensor(shape, Data::Bytes(strings.into_iter().map(Bytes::from).collect()))
        }
        other => Err(format!("it has elements of type {other}, which no answer can carry")),
    }
}

fn tensor(shape: &[i64], data: Data) -> Result<Tensor, String> {
    let shape = shape.iter().map(|&dim| usize::try_from(dim)).collect::<Result<Vec<_>, _>>();
    let shape = shape.map_err(|_| "it has a negative dimension".to_owned())?;
    Tensor::new(shape, data).map_err(|error| error.to_string())
}

fn read_maps(value: &DynValue, spec: &TensorSpec) -> Result<Tensor, String> {
    let words = |error: ort::Error| error.to_string();
    let maps = value.try_extract_sequence::<DynMapValueType>().map_err(words)?;
    let mut rows: Vec<BTreeMap<Key, f32>> = Vec::with_capacity(maps.len());
    for map in &maps {
        let by_number = map.try_extract_map::<i64, f32>().map(|map| keyed(map, Key::Int));
        rows.push(
            by_number
                .or_else(|_| map.try_extract_map::<String, f32>().map(|map| keyed(map, Key::Text)))
                .map_err(words)?,
        );
    }
    let classes: Vec<Key> = match &spec.classes {
        Some(classes) => classes.iter().map(Key::from).collect(),
        None => rows.first().map(|row| row.keys().cloned().collect()).unwrap_or_default(),
    };
    let mut matrix = Vec::with_capacity(rows.len() * classes.len());
    for row in &rows {
        for class in &classes {
            matrix.push(*row.get(class).ok_or_else(|| format!("a row has no probability of class {class:?}"))?);
        }
    }
    Tensor::new(vec![rows.len(), classes.len()], Data::Fp32(matrix.into())).map_err(|error| error.to_string())
}

fn keyed<K>(map: HashMap<K, f32>, key: fn(K) -> Key) -> BTreeMap<Key, f32> {
    map.into_iter().map(|(name, probability)| (key(name), probability)).collect()
}

/// A class as the key of a map, in an order that numbers and texts both have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Int(i64),
    Text(String),
}

impl From<&Label> for Key {
    fn from(label: &Label) -> Self {
        match label {
            Label::Int(number) => Self::Int(*number),
            Label::Text(text) => Self::Text(text.clone()),
        }
    }
}
