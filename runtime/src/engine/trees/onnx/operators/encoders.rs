//! Nodes that look elements up.

use super::super::attributes::Attributes;
use super::super::categories::{Lookup, OneHot, Table, Value};
use super::{Given, Made};
use bytes::Bytes;
use servoir_types::Datatype;
use std::collections::{HashMap, HashSet};

/// `OneHotEncoder`: a dimension more.
pub fn one_hot(given: &Given<'_>) -> Result<Made, String> {
    let attributes = given.attributes();
    let (ints, texts) = (attributes.ints("cats_int64s"), attributes.strings("cats_strings"));
    let is_number = matches!(given.shape.datatype, Datatype::Int64 | Datatype::Int32 | Datatype::Fp32 | Datatype::Fp64);
    let places = match (ints, texts) {
        ([_, ..], []) if is_number => Table::Int(ints.iter().copied().zip(0..).collect()),
        ([], [_, ..]) if given.shape.datatype == Datatype::Bytes => Table::Text(bytes(texts).zip(0..).collect()),
        _ => return Err(format!("its categories are not of the type of its input, {}", given.shape.datatype)),
    };
    let width = ints.len() + texts.len();
    let zeros = attributes.int("zeros", 1) != 0;
    let dims = given.shape.dims.iter().copied().chain([width]).collect();
    Ok(Made::with(OneHot { places, width, zeros }, Datatype::Fp32, dims))
}

fn bytes(texts: &[Vec<u8>]) -> impl Iterator<Item = Bytes> {
    texts.iter().map(|text| Bytes::copy_from_slice(text))
}

/// `LabelEncoder` with lists of keys and of values.
pub fn labels(given: &Given<'_>) -> Result<Made, String> {
    let attributes = given.attributes();
    let (ints, floats, texts) =
        (attributes.ints("values_int64s"), attributes.floats("values_floats"), attributes.strings("values_strings"));
    match (ints, floats, texts) {
        ([_, ..], [], []) => lookup(given, ints.iter().copied(), attributes.int("default_int64", -1), Datatype::Int64),
        ([], [_, ..], []) => {
            lookup(given, floats.iter().copied(), attributes.float("default_float", -0.0), Datatype::Fp32)
        }
        ([], [], [_, ..]) => {
            let absent = Bytes::copy_from_slice(attributes.text("default_string", "_Unused").as_bytes());
            lookup(given, bytes(texts), absent, Datatype::Bytes)
        }
        _ => Err("its values are not one list of integers, floats or texts".into()),
    }
}

fn lookup<V: Value + 'static>(
    given: &Given<'_>,
    values: impl Iterator<Item = V>,
    absent: V,
    datatype: Datatype,
) -> Result<Made, String> {
    let values: Vec<V> = values.collect();
    let table = table(given.attributes(), given.shape.datatype, values)?;
    Ok(Made::with(Lookup { table, absent }, datatype, given.shape.dims.clone()))
}

/// Keys with their values; the first of several alike counts.
fn table<V>(attributes: Attributes<'_>, datatype: Datatype, values: Vec<V>) -> Result<Table<V>, String> {
    let (ints, texts) = (attributes.ints("keys_int64s"), attributes.strings("keys_strings"));
    if ints.len() + texts.len() != values.len() || !attributes.floats("keys_floats").is_empty() {
        return Err(format!("it has {} keys for {} values", ints.len() + texts.len(), values.len()));
    }
    match (ints, texts) {
        ([_, ..], []) if datatype == Datatype::Int64 => {
            let mut table = HashMap::with_capacity(values.len());
            for (&key, value) in ints.iter().zip(values) {
                table.entry(key).or_insert(value);
            }
            Ok(Table::Int(table))
        }
        ([], [_, ..]) if datatype == Datatype::Bytes => {
            let mut table = HashMap::with_capacity(values.len());
            for (key, value) in bytes(texts).zip(values) {
                table.entry(key).or_insert(value);
            }
            Ok(Table::Text(table))
        }
        _ => Err(format!("its keys are not of the type of its input, {}", datatype)),
    }
}

/// `ZipMap`, whose maps are given as the matrix from which they are made.
pub fn zip_map(given: &Given<'_>) -> Result<Made, String> {
    let attributes = given.attributes();
    let (ints, texts) = (attributes.ints("classlabels_int64s"), attributes.strings("classlabels_strings"));
    let distinct = ints.iter().collect::<HashSet<_>>().len() + texts.iter().collect::<HashSet<_>>().len();
    if given.shape.columns()? != distinct || distinct != ints.len() + texts.len() {
        return Err("it does not have a class of its own for each column".into());
    }
    Ok(Made::same_elements(given.shape.clone()))
}
