//! A file as sections of lines `key=value`.

use super::ADVICE;
use crate::error::Unsupported;

/// The most characters of a file's own text in a message.
const EXCERPT_CHARS_MAX: usize = 40;

/// Lines, counted from 1.
pub struct Lines<'t> {
    rest: std::str::Lines<'t>,
    number: usize,
}

/// What comes behind a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// A tree.
    Tree,
    /// Nothing that predictions depend on.
    End,
}

impl<'t> Lines<'t> {
    /// The lines of a file.
    pub fn new(text: &'t str) -> Self {
        Self { rest: text.lines(), number: 0 }
    }

    /// The line that was read last.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Reads to the end of a section, which is where a tree begins or the trees end, and keeps the lines with these keys.
    ///
    /// # Errors
    /// When a key comes twice, or the file ends before the trees do.
    pub fn section(&mut self, keys: &'static [&'static str]) -> Result<(Section<'t>, Next), Unsupported> {
        let mut section = Section { line: self.number.max(1), keys, fields: vec![None; keys.len()] };
        for line in self.rest.by_ref() {
            self.number += 1;
            let (key, text) = line.split_once('=').unwrap_or((line, ""));
            match (key, line) {
                ("Tree", _) => return Ok((section, Next::Tree)),
                (_, "end of trees") => return Ok((section, Next::End)),
                _ => {}
            }
            if let Some(position) = keys.iter().position(|known| *known == key) {
                let field = Field { key: keys[position], line: self.number, text };
                if let Some(first) = section.fields[position].replace(field) {
                    return Err(field.wrong(format_args!("it came on line {} already", first.line)));
                }
            }
        }
        Err(broken(self.number, "the file ends before the trees do: `end of trees` is missing"))
    }
}

/// The lines of a section that were asked for.
pub struct Section<'t> {
    /// Where it begins.
    line: usize,
    keys: &'static [&'static str],
    fields: Vec<Option<Field<'t>>>,
}

impl<'t> Section<'t> {
    /// The line of a key, when there is one.
    pub fn get(&self, key: &str) -> Option<Field<'t>> {
        self.keys.iter().position(|known| *known == key).and_then(|position| self.fields[position])
    }

    /// The line of a key.
    ///
    /// # Errors
    /// When there is none.
    pub fn require(&self, key: &str) -> Result<Field<'t>, Unsupported> {
        self.get(key).ok_or_else(|| broken(self.line, format_args!("what begins here has no `{key}`")))
    }
}

/// A line `key=value`.
#[derive(Debug, Clone, Copy)]
pub struct Field<'t> {
    /// The key.
    key: &'static str,
    /// Its line.
    line: usize,
    /// The value.
    pub text: &'t str,
}

impl Field<'_> {
    /// Something about the value is not as it must be.
    pub fn wrong(&self, reason: impl std::fmt::Display) -> Unsupported {
        broken(self.line, format_args!("{}: {reason}", self.key))
    }

    /// The same for a file that is whole, with what to do.
    pub fn unsupported(&self, reason: impl std::fmt::Display, advice: &str) -> Unsupported {
        Unsupported::new(format!("line {}, {}: {reason}", self.line, self.key), advice)
    }
}

/// A file that is not as LightGBM writes it.
pub fn broken(line: usize, reason: impl std::fmt::Display) -> Unsupported {
    Unsupported::new(format!("line {line} of this LightGBM model: {reason}"), ADVICE)
}

/// The beginning of a text, short enough for a message.
pub fn excerpt(text: &str) -> &str {
    text.char_indices().nth(EXCERPT_CHARS_MAX).map_or(text, |(end, _)| &text[..end])
}
