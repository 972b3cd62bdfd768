//! Nodes that compute with numbers.

use super::super::arithmetic::{Arithmetic, Binarizer, Clip, Exp, Operation, Scaler};
use super::super::cast::Cast;
use super::super::rows::{Imputer, Norm, Normalizer};
use super::{Given, Made};
use servoir_types::{Data, Datatype};

/// `Cast` to 32 or 64 bits, or to what the elements are.
pub fn cast(given: &Given<'_>) -> Result<Made, String> {
    let to = match given.attributes().int("to", 0) {
        1 => Datatype::Fp32,
        7 => Datatype::Int64,
        8 => Datatype::Bytes,
        11 => Datatype::Fp64,
        other => return Err(format!("it casts to ONNX type {other}")),
    };
    if given.shape.datatype == to {
        return Ok(Made::same_elements(given.shape.clone()));
    }
    Ok(Made::with(Cast::new(given.shape.datatype, to)?, to, given.shape.dims.clone()))
}

/// Refuses elements other than 32-bit floats.
fn floats(given: &Given<'_>) -> Result<(), String> {
    match given.shape.datatype {
        Datatype::Fp32 => Ok(()),
        other => Err(format!("it is given {}", other)),
    }
}

/// `Scaler`.
pub fn scaler(given: &Given<'_>) -> Result<Made, String> {
    let attributes = given.attributes();
    let (offset, scale) = (attributes.floats("offset"), attributes.floats("scale"));
    if offset.len() != scale.len() {
        return Err("it has another number of offsets than of scales".into());
    }
    if !matches!(given.shape.datatype, Datatype::Fp32 | Datatype::Fp64 | Datatype::Int64 | Datatype::Int32) {
        return Err(format!("it is given {}", given.shape.datatype));
    }
    let map = Scaler { offset: given.for_columns(offset, "offset")?, scale: given.for_columns(scale, "scale")? };
    Ok(Made::with(map, Datatype::Fp32, given.shape.dims.clone()))
}

/// `Imputer`.
pub fn imputer(given: &Given<'_>) -> Result<Made, String> {
    let (attributes, dims) = (given.attributes(), given.shape.dims.clone());
    match given.shape.datatype {
        Datatype::Fp32 => {
            let with = given.for_columns(attributes.floats("imputed_value_floats"), "imputed_value_floats")?;
            let missing = attributes.float("replaced_value_float", 0.0);
            Ok(Made::with(Imputer { with, missing }, Datatype::Fp32, dims))
        }
        Datatype::Int64 => {
            let with = given.for_columns(attributes.ints("imputed_value_int64s"), "imputed_value_int64s")?;
            let missing = attributes.int("replaced_value_int64", 0);
            Ok(Made::with(Imputer { with, missing }, Datatype::Int64, dims))
        }
        other => Err(format!("it is given {}", other)),
    }
}

/// `Normalizer`.
pub fn normalizer(given: &Given<'_>) -> Result<Made, String> {
    floats(given)?;
    let norm = match given.attributes().text("norm", "MAX") {
        "MAX" => Norm::Max,
        "L1" => Norm::L1,
        "L2" => Norm::L2,
        other => return Err(format!("its norm is '{other}'")),
    };
    let map = Normalizer { norm, width: given.shape.columns()? };
    Ok(Made::with(map, Datatype::Fp32, given.shape.dims.clone()))
}

/// `Binarizer`.
pub fn binarizer(given: &Given<'_>) -> Result<Made, String> {
    floats(given)?;
    let map = Binarizer { threshold: given.attributes().float("threshold", 0.0) };
    Ok(Made::with(map, Datatype::Fp32, given.shape.dims.clone()))
}

/// `Exp`.
pub fn exp(given: &Given<'_>) -> Result<Made, String> {
    floats(given)?;
    Ok(Made::with(Exp, Datatype::Fp32, given.shape.dims.clone()))
}

/// `Clip` to bounds that are inputs or attributes.
pub fn clip(given: &Given<'_>) -> Result<Made, String> {
    floats(given)?;
    let bound = |position: usize, name: &str, absent: f32| match given.node.inputs.get(position) {
        Some(input) if !input.is_empty() => match &given.constant(position)?.data {
            Data::Fp32(bound) if bound.len() == 1 => Ok(bound[0]),
            _ => Err(format!("its {name} is not one FP32 number")),
        },
        _ => Ok(given.attributes().float(name, absent)),
    };
    let (least, most) = (bound(1, "min", f32::MIN)?, bound(2, "max", f32::MAX)?);
    if least <= most {
        Ok(Made::with(Clip { least, most }, Datatype::Fp32, given.shape.dims.clone()))
    } else {
        Err(format!("it clips to the numbers from {least} to {most}"))
    }
}

/// `Add`, `Sub`, `Mul` and `Div` of a matrix and a constant for each column or for all.
pub fn arithmetic(given: &Given<'_>) -> Result<Made, String> {
    if given.attributes().has("axis") || given.attributes().has("broadcast") {
        return Err("it is of a version before 7, which had other rules".into());
    }
    let constant = given.constant(1 - given.position)?;
    let operation = match (given.node.op_type.as_str(), given.position) {
        ("Add", _) => Operation::Add,
        ("Sub", 0) => Operation::Sub,
        ("Sub", _) => Operation::SubFrom,
        ("Mul", _) => Operation::Mul,
        ("Div", 0) => Operation::Div,
        _ => Operation::DivOf,
    };
    // `[columns]`, `[1, columns]`, and one number in any of those forms.
    if constant.dims.len() > 2 || (constant.dims.len() == 2 && constant.dims[0] != 1) {
        return Err(format!("its constant has the dimensions {:?}", constant.dims));
    }
    let dims = given.shape.dims.clone();
    match (&constant.data, given.shape.datatype) {
        (Data::Fp32(numbers), Datatype::Fp32) => {
            let constants = given.for_columns(numbers, "its constant")?;
            Ok(Made::with(Arithmetic { operation, constants }, Datatype::Fp32, dims))
        }
        (Data::Fp64(numbers), Datatype::Fp64) => {
            let constants = given.for_columns(numbers, "its constant")?;
            Ok(Made::with(Arithmetic { operation, constants }, Datatype::Fp64, dims))
        }
        (data, datatype) => Err(format!("it computes {} with {}", datatype, data.datatype())),
    }
}
