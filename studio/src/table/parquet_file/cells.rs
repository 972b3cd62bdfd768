//! Arrow's arrays as pieces of columns.

use crate::table::boolean;
use crate::table::cells::{Cells, Texts};
use crate::table::error::TableError;
use crate::table::limits::{FIELD_BYTES_MAX, PIECE_BYTES};
use crate::table::timestamp::{text_of_day, text_of_micros};
use arrow_array::cast::AsArray as _;
use arrow_array::types::*;
use arrow_array::{Array, ArrowPrimitiveType};
use arrow_schema::{DataType, TimeUnit};

/// Hands over an array in one piece, or in several where its texts are long.
///
/// # Errors
/// A value cannot be kept; `Err` says of what value, without the column's name.
pub fn hand_over(array: &dyn Array, take: &mut dyn FnMut(&Cells)) -> Result<(), TableError> {
    match array.data_type() {
        DataType::Int8 => integers::<Int8Type>(array, take),
        DataType::Int16 => integers::<Int16Type>(array, take),
        DataType::Int32 => integers::<Int32Type>(array, take),
        DataType::Int64 => integers::<Int64Type>(array, take),
        DataType::UInt8 => integers::<UInt8Type>(array, take),
        DataType::UInt16 => integers::<UInt16Type>(array, take),
        DataType::UInt32 => integers::<UInt32Type>(array, take),
        DataType::UInt64 => integers::<UInt64Type>(array, take),
        DataType::Float16 => numbers::<Float16Type>(array, take, |value| value.to_f64()),
        DataType::Float32 => numbers::<Float32Type>(array, take, f64::from),
        DataType::Float64 => numbers::<Float64Type>(array, take, |value| value),
        DataType::Null => {
            take(&Cells::Numbers(vec![f64::NAN; array.len()]));
            Ok(())
        }
        DataType::Decimal32(..) => decimals::<Decimal32Type>(array, take),
        DataType::Decimal64(..) => decimals::<Decimal64Type>(array, take),
        DataType::Decimal128(..) => decimals::<Decimal128Type>(array, take),
        DataType::Decimal256(..) => decimals::<Decimal256Type>(array, take),
        DataType::Boolean => {
            let mut texts = Texts::default();
            array.as_boolean().iter().for_each(|value| texts.push(value.map(boolean::name)));
            take(&Cells::Texts(texts));
            Ok(())
        }
        DataType::Utf8View => texts(array, take),
        DataType::Date32 => times::<Date32Type>(array, take, |day| text_of_day(i64::from(day))),
        DataType::Date64 => times::<Date64Type>(array, take, |at| text_of_micros(at.checked_mul(1_000)?)),
        DataType::Timestamp(unit, zone) => {
            let micros = micros_of(*unit);
            let text = |at: i64| instant(micros(at)?, zone.is_some());
            match unit {
                TimeUnit::Second => times::<TimestampSecondType>(array, take, text),
                TimeUnit::Millisecond => times::<TimestampMillisecondType>(array, take, text),
                TimeUnit::Microsecond => times::<TimestampMicrosecondType>(array, take, text),
                TimeUnit::Nanosecond => times::<TimestampNanosecondType>(array, take, text),
            }
        }
        other => Err(TableError::refused(format!("values of the type {other} cannot be used"))),
    }
}

fn integers<T>(array: &dyn Array, take: &mut dyn FnMut(&Cells)) -> Result<(), TableError>
where
    T: ArrowPrimitiveType,
    T::Native: TryInto<i64> + std::fmt::Display,
{
    let small = |value: T::Native| {
        let too_large = || TableError::refused(format!("the value {value} is larger than {}", i64::MAX));
        value.try_into().map_err(|_| too_large())
    };
    let values = array.as_primitive::<T>().iter().map(|value| value.map(small).transpose());
    take(&Cells::Integers(values.collect::<Result<_, _>>()?));
    Ok(())
}

fn numbers<T: ArrowPrimitiveType>(
    array: &dyn Array,
    take: &mut dyn FnMut(&Cells),
    number: impl Fn(T::Native) -> f64,
) -> Result<(), TableError> {
    let finite = |value: f64| if value.is_finite() { value } else { f64::NAN };
    let values = array.as_primitive::<T>().iter().map(|value| value.map_or(f64::NAN, |value| finite(number(value))));
    take(&Cells::Numbers(values.collect()));
    Ok(())
}

/// The number nearest to the decimal, which its digits name.
fn decimals<T: DecimalType>(array: &dyn Array, take: &mut dyn FnMut(&Cells)) -> Result<(), TableError> {
    let array = array.as_primitive::<T>();
    let number = |row| if array.is_null(row) { Ok(f64::NAN) } else { array.value_as_string(row).parse() };
    let values = (0..array.len()).map(number).collect::<Result<_, _>>();
    take(&Cells::Numbers(values.map_err(|_| TableError::refused("a decimal cannot be read"))?));
    Ok(())
}

fn texts(array: &dyn Array, take: &mut dyn FnMut(&Cells)) -> Result<(), TableError> {
    let mut cells = Cells::Texts(Texts::default());
    let mut bytes = 0;
    for text in array.as_string_view() {
        let length = text.map_or(0, str::len);
        if length > FIELD_BYTES_MAX {
            return Err(TableError::refused(format!(
                "a text has {length} bytes; at most {FIELD_BYTES_MAX} are possible"
            )));
        }
        if let Cells::Texts(texts) = &mut cells {
            texts.push(text);
        }
        bytes += length;
        if bytes >= PIECE_BYTES {
            take(&cells);
            cells.clear();
            bytes = 0;
        }
    }
    take(&cells);
    Ok(())
}

fn times<T: ArrowPrimitiveType>(
    array: &dyn Array,
    take: &mut dyn FnMut(&Cells),
    text: impl Fn(T::Native) -> Option<String>,
) -> Result<(), TableError> {
    let mut texts = Texts::default();
    for value in array.as_primitive::<T>() {
        let beyond = || TableError::refused("a point in time lies outside of the years 0 to 9999");
        let text = value.map(|value| text(value).ok_or_else(beyond)).transpose()?;
        texts.push(text.as_deref());
    }
    take(&Cells::Texts(texts));
    Ok(())
}

fn micros_of(unit: TimeUnit) -> impl Fn(i64) -> Option<i64> {
    move |at| match unit {
        TimeUnit::Second => at.checked_mul(1_000_000),
        TimeUnit::Millisecond => at.checked_mul(1_000),
        TimeUnit::Microsecond => Some(at),
        TimeUnit::Nanosecond => Some(at.div_euclid(1_000)),
    }
}

/// A time that is said to be of no zone is written without one.
fn instant(micros: i64, zoned: bool) -> Option<String> {
    let mut text = text_of_micros(micros)?;
    if !zoned {
        text.pop();
    }
    Some(text)
}
