//! Objects whose keys are known beforehand, and the small values in them.

use super::path::Path;
use super::scanner::Scanner;
use super::{described, excerpt, number};
use crate::fault::{Fault, nearest};
use std::borrow::Cow;

/// The fields of an object while it is read.
pub struct Fields<'p> {
    path: &'p Path<'p>,
    known: &'static [&'static str],
    /// A bit for each known field that came.
    came: u32,
    is_first: bool,
}

impl<'p> Fields<'p> {
    /// Begins to read the object at `path`, whose keys are among `known`: at most 32.
    ///
    /// # Errors
    /// [`Fault::Form`] when it is no object.
    pub fn open(scanner: &mut Scanner<'_>, path: &'p Path<'p>, known: &'static [&'static str]) -> Result<Self, Fault> {
        if !scanner.eat(b'{') {
            return Err(mistyped(scanner, path, "an object"));
        }
        Ok(Self { path, known, came: 0, is_first: true })
    }

    /// Goes on to the next field's value and gives its key; `None` at the end of the object.
    ///
    /// # Errors
    /// [`Fault::Form`] for a key that is not known or came before.
    pub fn next(&mut self, scanner: &mut Scanner<'_>) -> Result<Option<&'static str>, Fault> {
        if !scanner.next_entry(std::mem::take(&mut self.is_first))? {
            return Ok(None);
        }
        let key = scanner.string()?;
        scanner.colon()?;
        let Some(position) = self.known.iter().position(|known| *known == key) else { return Err(self.unknown(&key)) };
        if self.came & 1 << position != 0 {
            return Err(twice(self.path, &key));
        }
        self.came |= 1 << position;
        Ok(Some(self.known[position]))
    }

    #[cold]
    fn unknown(&self, key: &str) -> Fault {
        let expected = self.known.iter().map(|known| format!("`{known}`")).collect::<Vec<_>>().join(", ");
        let hint = nearest(key, self.known.iter().copied()).map(|name| format!("; did you mean `{name}`?"));
        let key = excerpt(key);
        let detail = format!("unknown field `{key}`, expected one of {expected}{}", hint.unwrap_or_default());
        Fault::Form(format!("{}: {detail}", self.path.field(&key)))
    }
}

/// [`Fault::Form`]: a key came twice in the object at `path`.
#[cold]
pub fn twice(path: &Path<'_>, key: &str) -> Fault {
    Fault::Form(format!("{path}: '{}' came twice", excerpt(key)))
}

/// The fault of the value that comes next, which is not what belongs there.
#[cold]
pub fn mistyped(scanner: &mut Scanner<'_>, path: &Path<'_>, expected: &str) -> Fault {
    match scanner.skip_value() {
        Ok(json) => Fault::Form(format!("{path}: {} came where {expected} belongs", described(json))),
        Err(fault) => fault,
    }
}

/// Reads a text; `None` for `null`.
///
/// # Errors
/// [`Fault::Form`] for anything else.
pub fn text<'a>(scanner: &mut Scanner<'a>, path: &Path<'_>) -> Result<Option<Cow<'a, str>>, Fault> {
    match scanner.peek() {
        Some(b'"') => scanner.string().map(Some),
        _ if scanner.eat_null() => Ok(None),
        _ => Err(mistyped(scanner, path, "a string")),
    }
}

/// Reads `true` or `false`; `None` for `null`.
///
/// # Errors
/// [`Fault::Form`] for anything else.
pub fn flag(scanner: &mut Scanner<'_>, path: &Path<'_>) -> Result<Option<bool>, Fault> {
    if scanner.eat_null() {
        return Ok(None);
    }
    let mut before = *scanner;
    match scanner.skip_value()? {
        "true" => Ok(Some(true)),
        "false" => Ok(Some(false)),
        _ => Err(mistyped(&mut before, path, "true or false")),
    }
}

/// Reads a whole number from 0; `None` for `null`.
///
/// # Errors
/// [`Fault::Form`] for anything else.
pub fn count(scanner: &mut Scanner<'_>, path: &Path<'_>) -> Result<Option<u64>, Fault> {
    if scanner.eat_null() {
        return Ok(None);
    }
    let Some(value) = integer(scanner) else { return Err(mistyped(scanner, path, "a whole number from 0")) };
    Ok(Some(value))
}

/// Reads a whole number, `2.0` like `2`; `None`, having read nothing, for anything else.
pub fn integer<T: std::str::FromStr>(scanner: &mut Scanner<'_>) -> Option<T> {
    scanner.skip_space();
    let decimal = number::scan(scanner.rest())?;
    let digits = std::str::from_utf8(&scanner.rest()[..decimal.length]).ok()?;
    let value = if decimal.is_plain { digits.parse().ok()? } else { whole(digits)?.parse().ok()? };
    scanner.advance(decimal.length);
    Some(value)
}

/// The digits of a whole number that is written with a fraction or an exponent, where a double holds it exactly.
fn whole(digits: &str) -> Option<String> {
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    let value: f64 = digits.parse().ok()?;
    (value.fract() == 0.0 && value.abs() <= EXACT_MAX).then(|| (value as i64).to_string())
}
