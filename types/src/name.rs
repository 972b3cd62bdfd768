//! Names that people give to models and keys.

use serde::{Deserialize, Deserializer, Serialize, de};
use std::fmt;
use std::str::FromStr;

/// A name: 1 to 128 characters, printable, without `/`, `\` or leading and trailing white space, not `.` or `..`, and
/// not beginning with `model_`, so that a path segment is either an id or a name and never both.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Name(String);

/// Why a text is no [`Name`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // each message says it
pub enum NameError {
    #[error("a name has 1 to {max} characters, this one has {length}", max = Name::CHARS_MAX)]
    Length { length: usize },
    #[error("a name may not contain {0:?}: no control characters, '/' or '\\'")]
    Character(char),
    #[error("a name may not begin or end with white space")]
    Edge,
    #[error("a name may not be '.' or '..'")]
    Dots,
    #[error("a name may not begin with '{prefix}', which ids begin with", prefix = super::ModelId::PREFIX)]
    LikeAnId,
}

impl Name {
    /// The most characters (not bytes) that a name may have.
    pub const CHARS_MAX: usize = 128;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let length = text.chars().count();
        if length == 0 || length > Self::CHARS_MAX {
            return Err(NameError::Length { length });
        }
        if let Some(bad) = text.chars().find(|&c| c.is_control() || is_invisible(c) || c == '/' || c == '\\') {
            return Err(NameError::Character(bad));
        }
        if text.trim() != text {
            return Err(NameError::Edge);
        }
        if text == "." || text == ".." {
            return Err(NameError::Dots);
        }
        if text.starts_with(super::ModelId::PREFIX) {
            return Err(NameError::LikeAnId);
        }
        Ok(Self(text.to_owned()))
    }
}

/// Zero-width and direction-changing characters, with which two names can look the same.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_people_use_are_accepted() {
        for name in ["churn", "Customer Churn v2", "приток", "résumé-scorer_1.0", "a", &"x".repeat(128)] {
            assert_eq!(name.parse::<Name>().map(|n| n.to_string()), Ok(name.to_owned()));
        }
    }

    #[test]
    fn names_that_could_deceive_or_escape_are_refused() {
        let cases = [
            ("", NameError::Length { length: 0 }),
            (&"x".repeat(129), NameError::Length { length: 129 }),
            ("../etc/passwd", NameError::Character('/')),
            ("a\\b", NameError::Character('\\')),
            ("a\0b", NameError::Character('\0')),
            ("a\nb", NameError::Character('\n')),
            ("a\u{202e}b", NameError::Character('\u{202e}')),
            (" a", NameError::Edge),
            ("a ", NameError::Edge),
            ("..", NameError::Dots),
            ("model_abc", NameError::LikeAnId),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<Name>(), Err(expected), "{text:?}");
        }
    }
}
