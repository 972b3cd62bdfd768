//! Typed contents of messages: the elements of an input in the one list of its datatype.

use super::proto::InferTensorContents;
use crate::fault::{Fault, Place};
use crate::json::element::ElementError;
use servoir_types::{Data, Datatype, Elements, Tensor, TensorSpec};
use std::fmt::Display;

/// The tensor of an input.
///
/// # Errors
/// 400 when elements are in another list than the datatype's, are more or fewer than the shape takes, or do not fit the
/// datatype.
pub fn read(spec: &TensorSpec, shape: Vec<usize>, contents: InferTensorContents) -> Result<Tensor, Fault> {
    let own = list_of(spec.datatype).ok_or_else(|| no_list(spec))?;
    if let Some((other, _)) = lists(&contents).find(|&(list, count)| list != own && count > 0) {
        let (name, datatype) = (&spec.name, spec.datatype);
        return Err(Fault::Form(format!("input '{name}' is {datatype}, its elements belong in {own}, not in {other}")));
    }
    let came = lists(&contents).find(|&(list, _)| list == own).map_or(0, |(_, count)| count);
    let takes: usize = shape.iter().product();
    if came != takes {
        let name = &spec.name;
        return Err(Fault::Form(format!("input '{name}': shape {shape:?} has {takes} elements, {came} came in {own}")));
    }
    let data = match spec.datatype {
        Datatype::Bool => Data::Bool(contents.bool_contents),
        Datatype::Uint8 => Data::Uint8(narrowed(spec, &contents.uint_contents)?),
        Datatype::Uint16 => Data::Uint16(narrowed(spec, &contents.uint_contents)?),
        Datatype::Uint32 => Data::Uint32(contents.uint_contents.into()),
        Datatype::Uint64 => Data::Uint64(contents.uint64_contents.into()),
        Datatype::Int8 => Data::Int8(narrowed(spec, &contents.int_contents)?),
        Datatype::Int16 => Data::Int16(narrowed(spec, &contents.int_contents)?),
        Datatype::Int32 => Data::Int32(contents.int_contents.into()),
        Datatype::Int64 => Data::Int64(contents.int64_contents.into()),
        Datatype::Fp32 => Data::Fp32(contents.fp32_contents.into()),
        Datatype::Fp64 => Data::Fp64(contents.fp64_contents.into()),
        Datatype::Bytes => Data::Bytes(contents.bytes_contents),
        Datatype::Fp16 | Datatype::Bf16 => return Err(no_list(spec)),
    };
    Tensor::new(shape, data).map_err(|error| Fault::Defect(error.to_string()))
}

/// Every list with the number of its elements.
pub fn lists(contents: &InferTensorContents) -> impl Iterator<Item = (&'static str, usize)> {
    [
        ("bool_contents", contents.bool_contents.len()),
        ("int_contents", contents.int_contents.len()),
        ("int64_contents", contents.int64_contents.len()),
        ("uint_contents", contents.uint_contents.len()),
        ("uint64_contents", contents.uint64_contents.len()),
        ("fp32_contents", contents.fp32_contents.len()),
        ("fp64_contents", contents.fp64_contents.len()),
        ("bytes_contents", contents.bytes_contents.len()),
    ]
    .into_iter()
}

/// The list that elements of a datatype belong in, when there is one.
const fn list_of(datatype: Datatype) -> Option<&'static str> {
    Some(match datatype {
        Datatype::Bool => "bool_contents",
        Datatype::Int8 | Datatype::Int16 | Datatype::Int32 => "int_contents",
        Datatype::Int64 => "int64_contents",
        Datatype::Uint8 | Datatype::Uint16 | Datatype::Uint32 => "uint_contents",
        Datatype::Uint64 => "uint64_contents",
        Datatype::Fp32 => "fp32_contents",
        Datatype::Fp64 => "fp64_contents",
        Datatype::Bytes => "bytes_contents",
        Datatype::Fp16 | Datatype::Bf16 => return None,
    })
}

fn no_list(spec: &TensorSpec) -> Fault {
    let (name, datatype) = (&spec.name, spec.datatype);
    Fault::Form(format!("input '{name}' is {datatype}, which has no typed contents; send it in raw_input_contents"))
}

fn narrowed<W: Copy + Display, N: TryFrom<W>>(spec: &TensorSpec, wide: &[W]) -> Result<Elements<N>, Fault> {
    let narrow = wide.iter().enumerate().map(|(position, &value)| {
        N::try_from(value).map_err(|_| Fault::Element {
            place: Place { tensor: format!("input '{}'", spec.name), row: None, value: Some(position) },
            error: ElementError::Range { got: value.to_string(), datatype: spec.datatype },
        })
    });
    narrow.collect::<Result<Vec<_>, _>>().map(Elements::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use servoir_types::Shape;

    #[test]
    fn elements_are_those_of_the_datatype_s_own_list() {
        let int = |values: &[i32]| InferTensorContents { int_contents: values.to_vec(), ..Default::default() };
        let uint = |values: &[u32]| InferTensorContents { uint_contents: values.to_vec(), ..Default::default() };
        let both = InferTensorContents { fp32_contents: vec![1.0; 2], ..int(&[1, 2]) };
        let cases = [
            (Datatype::Int8, int(&[-128, 127]), Ok(Data::Int8(vec![-128, 127].into()))),
            (Datatype::Int8, int(&[0, 128]), Err("input 'x', value 1: 128 is out of the range of INT8")),
            (Datatype::Int16, int(&[-32_769, 0]), Err("input 'x', value 0: -32769 is out of the range of INT16")),
            (Datatype::Uint16, uint(&[0, 65_535]), Ok(Data::Uint16(vec![0, 65_535].into()))),
            (Datatype::Uint8, uint(&[256, 0]), Err("input 'x', value 0: 256 is out of the range of UINT8")),
            (Datatype::Uint8, int(&[1, 2]), Err("input 'x' is UINT8, its elements belong in uint_contents")),
            (
                Datatype::Int32,
                both,
                Err("input 'x' is INT32, its elements belong in int_contents, not in fp32_contents"),
            ),
            (Datatype::Int32, int(&[1]), Err("input 'x': shape [2] has 2 elements, 1 came in int_contents")),
            (Datatype::Fp16, int(&[]), Err("input 'x' is FP16, which has no typed contents")),
        ];
        for (datatype, contents, expected) in cases {
            let spec = TensorSpec::new("x", datatype, Shape::unranked());
            match (read(&spec, vec![2], contents).map_err(|fault| fault.to_string()), expected) {
                (Ok(tensor), Ok(data)) => assert_eq!(tensor.data(), &data),
                (Err(came), Err(says)) => assert!(came.starts_with(says), "{says}: {came}"),
                (came, expected) => panic!("{came:?} for {expected:?}"),
            }
        }
    }
}
