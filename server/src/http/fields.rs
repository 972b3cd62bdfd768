//! Collects everything that is wrong with a request, so that one answer names it all.

use crate::error::{ApiError, FieldError};
use std::fmt::Display;
use std::ops::RangeInclusive;

/// The fields that were found wrong so far.
#[derive(Debug, Default)]
pub struct Fields(Vec<FieldError>);

impl Fields {
    /// Notes a wrong field. `pointer` is a JSON pointer into the body, or `?name` for a query parameter.
    pub fn wrong(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push(FieldError { pointer: pointer.into(), detail: detail.into() });
    }

    /// A value between two bounds, both allowed.
    pub fn within<T: PartialOrd + Display>(&mut self, pointer: &str, value: T, range: &RangeInclusive<T>) {
        if !range.contains(&value) {
            self.wrong(pointer, format!("{value} is out of range; it goes from {} to {}", range.start(), range.end()));
        }
    }

    /// A text of at most `chars_max` characters.
    pub fn no_longer_than(&mut self, pointer: &str, text: &str, chars_max: usize) {
        let length = text.chars().count();
        if length > chars_max {
            self.wrong(pointer, format!("has {length} characters; {chars_max} are allowed"));
        }
    }

    /// One of a closed set of texts.
    pub fn one_of(&mut self, pointer: &str, text: &str, allowed: &[&str]) {
        if !allowed.contains(&text) {
            self.wrong(pointer, format!("'{text}' is not one of {}", allowed.join(", ")));
        }
    }

    /// One of a closed set of words.
    pub fn choice<T: Copy>(&mut self, pointer: &str, text: &str, choices: &[(&str, T)]) -> Option<T> {
        let chosen = choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice);
        if chosen.is_none() {
            let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
            self.one_of(pointer, text, &words);
        }
        chosen
    }

    /// A value that must be there; notes its absence.
    pub fn required<T>(&mut self, pointer: &str, value: Option<T>) -> Option<T> {
        if value.is_none() {
            self.wrong(pointer, "is required");
        }
        value
    }

    /// Ends the collection.
    ///
    /// # Errors
    /// 400 `validation` with every wrong field, when there is one.
    pub fn finish(self) -> Result<(), ApiError> {
        if self.0.is_empty() { Ok(()) } else { Err(ApiError::validation(self.0)) }
    }

    /// Ends the collection with the value that it guarded.
    ///
    /// # Errors
    /// As [`Self::finish`]; also when there is no value, which a wrong field explains.
    pub fn finish_with<T>(self, value: Option<T>) -> Result<T, ApiError> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(ApiError::validation(self.0)),
        }
    }
}

/// One segment of a JSON pointer (RFC 6901), escaped.
pub fn segment(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
