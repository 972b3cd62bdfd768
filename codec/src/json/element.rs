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
    if !scanner.next_item(true)? {
        return Ok(());
    }
    // A copy that is never lent out stays in registers.
    let mut ahead = *scanner;
    loop {
        ahead.skip_space();
        let element = match T::quick(ahead.rest()) {
            Some((element, length)) => {
                ahead.advance(length);
                element
            }
            None => {
                let (element, behind) = unusual(ahead, accepts_missing)?;
                ahead = behind;
                element
            }
        };
        elements.push(element);
        if !ahead.next_item(false)? {
            *scanner = ahead;
            return Ok(());
        }
    }
}

/// Reads one element.
///
/// # Errors
/// When the value is none.
#[inline]
pub fn one<T: Element>(scanner: &mut Scanner<'_>, accepts_missing: bool) -> Result<T, Refusal> {
    scanner.skip_space();
    match T::quick(scanner.rest()) {
        Some((element, length)) => {
            scanner.advance(length);
            Ok(element)
        }
        None => {
            let (element, behind) = unusual(*scanner, accepts_missing)?;
            *scanner = behind;
            Ok(element)
        }
    }
}

/// Reads an element that is written in no usual way, if it is one; and gives what is behind it.
#[inline(never)]
fn unusual<T: Element>(mut scanner: Scanner<'_>, accepts_missing: bool) -> Result<(T, Scanner<'_>), Refusal> {
    let json = scanner.skip_value()?;
    let element = if json == "null" { missing(accepts_missing) } else { T::read(json) };
    match element {
        Ok(element) => Ok((element, scanner)),
        Err(error) => Err(Refusal::Element { error, rank: rank_of(json.as_bytes()) }),
    }
}

/// NaN, which stands for a missing value.
///
/// # Errors
/// [`ElementError::Null`] where the model has no missing value or the type has no NaN.
pub fn missing<T: Element>(accepts_missing: bool) -> Result<T, ElementError> {
    T::missing().filter(|_| accepts_missing).ok_or(ElementError::Null)
}
