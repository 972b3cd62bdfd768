//! JSON values to elements of a tensor.

use super::scanner::Scanner;
use super::{described, rank_of};
use crate::fault::Fault;
use servoir_types::Datatype;

/// Why a JSON value is no element of a tensor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // each message says it
pub enum ElementError {
    #[error("{got} came where {datatype} takes {expected}")]
    Type { got: String, datatype: Datatype, expected: &'static str },
    #[error("{got} is out of the range of {datatype}")]
    Range { got: String, datatype: Datatype },
    #[error("{got} is not a whole number, which {datatype} takes")]
    Fraction { got: String, datatype: Datatype },
    #[error("{got} is too large to be read exactly as {datatype}; write it without fraction and exponent")]
    Inexact { got: String, datatype: Datatype },
    #[error("null came, and the model has no missing value here")]
    Null,
    #[error("the text {0} is not valid Unicode")]
    Text(String),
}

impl ElementError {
    /// `json` is of another type than `datatype` takes.
    pub fn of_type(json: &str, datatype: Datatype, expected: &'static str) -> Self {
        Self::Type { got: described(json), datatype, expected }
    }
}

/// A type of elements.
pub trait Element: Clone + Default {
    /// The element that `json` begins with, and its length in bytes, when it is written in a usual way: then nothing else
    /// is to be decided. What comes behind it is not looked at.
    fn quick(json: &[u8]) -> Option<(Self, usize)>;

    /// The element that `json` is: one valid value, not `null`.
    ///
    /// # Errors
    /// When it is of another type, out of range, or a fraction where whole numbers belong.
    fn read(json: &str) -> Result<Self, ElementError>;

    /// What stands for a missing value, in types that have NaN.
    fn missing() -> Option<Self>;
}

/// Why elements could not be read.
#[derive(Debug)]
pub enum Refusal {
    /// The text is not JSON.
    Text(Fault),
    /// A value is no element.
    Element {
        /// Why.
        error: ElementError,
        /// How many lists the value begins with.
        rank: usize,
    },
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Text(fault)
    }
}

/// Appends the elements of a list whose `[` was passed. `null` is NaN where `accepts_missing`.
///
/// # Errors
/// The first value that is no element, or what is no JSON. Elements before it have been appended.
pub fn list<T: Element>(
    scanner: &mut Scanner<'_>,
    elements: &mut Vec<T>,
    accepts_missing: bool,
) -> Result<(), Refusal> {
    let mut is_first = true;
    while scanner.next_item(is_first)? {
        elements.push(one(scanner, accepts_missing)?);
        is_first = false;
    }
    Ok(())
}

/// Reads one element.
///
/// # Errors
/// When the value is none.
#[inline(always)]
pub fn one<T: Element>(scanner: &mut Scanner<'_>, accepts_missing: bool) -> Result<T, Refusal> {
    scanner.skip_space();
    match T::quick(scanner.rest()) {
        Some((element, length)) => {
            scanner.advance(length);
            Ok(element)
        }
        None => unusual(scanner, accepts_missing),
    }
}

#[inline(never)]
fn unusual<T: Element>(scanner: &mut Scanner<'_>, accepts_missing: bool) -> Result<T, Refusal> {
    let json = scanner.skip_value()?;
    let element = if json == "null" { missing(accepts_missing) } else { T::read(json) };
    element.map_err(|error| Refusal::Element { error, rank: rank_of(json.as_bytes()) })
}

/// NaN, which stands for a missing value.
///
/// # Errors
/// [`ElementError::Null`] where the model has no missing value or the type has no NaN.
pub fn missing<T: Element>(accepts_missing: bool) -> Result<T, ElementError> {
    T::missing().filter(|_| accepts_missing).ok_or(ElementError::Null)
}
