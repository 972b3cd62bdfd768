//! Values that are numbers, or lists of them.

use super::lines::{Field, excerpt};
use crate::error::Unsupported;
use std::str::FromStr;

/// A number of a file.
pub trait Number: FromStr {
    /// What it must be, in words.
    const WHAT: &str;
}

impl Number for f64 {
    const WHAT: &str = "a number";
}

impl Number for usize {
    const WHAT: &str = "a whole number of 0 or more";
}

impl Number for i64 {
    const WHAT: &str = "a whole number";
}

impl Number for u32 {
    const WHAT: &str = "a whole number below 2^32";
}

impl Number for u8 {
    const WHAT: &str = "a whole number below 256";
}

impl Field<'_> {
    /// The value as one number.
    ///
    /// # Errors
    /// When it is none.
    pub fn number<T: Number>(&self) -> Result<T, Unsupported> {
        self.one(self.text.trim())
    }

    /// The value as one number of at most `max`.
    ///
    /// # Errors
    /// When it is none, or more.
    pub fn at_most(&self, max: usize) -> Result<usize, Unsupported> {
        let number = self.number()?;
        if number > max {
            return Err(self.wrong(format_args!("{number} is more than the {max} that are supported")));
        }
        Ok(number)
    }

    /// The value as `count` numbers with white space between them.
    ///
    /// # Errors
    /// When one is none, or there are more or fewer.
    pub fn numbers<T: Number>(&self, count: usize) -> Result<Vec<T>, Unsupported> {
        // A count is only what the file says; a number takes two characters.
        let mut numbers = Vec::with_capacity(count.min(self.text.len() / 2 + 1));
        for text in self.text.split_ascii_whitespace() {
            if numbers.len() == count {
                return Err(self.wrong(format_args!("there are more than {count} numbers")));
            }
            numbers.push(self.one(text)?);
        }
        if numbers.len() < count {
            return Err(self.wrong(format_args!("there are {} numbers, not {count}", numbers.len())));
        }
        Ok(numbers)
    }

    fn one<T: Number>(&self, text: &str) -> Result<T, Unsupported> {
        text.parse().map_err(|_| self.wrong(format_args!("'{}' is not {}", excerpt(text), T::WHAT)))
    }
}
