//! Identities of versions, as the Studio writes them.

use crate::id::ModelId;
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A version's identity: `ver_`, what the model's id has behind its prefix, `_` and the version's number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionId {
    /// The model that it is a version of.
    pub model: ModelId,
    /// From 1.
    pub number: i64,
}

/// A text that is no [`VersionId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no version: expected 'ver_<model>_<number>' or a number from 1")]
pub struct VersionIdError(String);

impl VersionId {
    /// What every version id begins with.
    pub const PREFIX: &str = "ver_";

    /// A version id, or the bare number of a version of `model`.
    ///
    /// # Errors
    /// When the text is neither.
    pub fn in_model(text: &str, model: &ModelId) -> Result<Self, VersionIdError> {
        match number(text) {
            Some(number) => Ok(Self { model: model.clone(), number }),
            None => text.parse(),
        }
    }
}

/// Digits alone, without leading zeros, from 1.
fn number(text: &str) -> Option<i64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    text.parse().ok().filter(|_| is_plain)
}

impl FromStr for VersionId {
    type Err = VersionIdError;

    fn from_str(text: &str) -> Result<Self, VersionIdError> {
        let parts = text.strip_prefix(Self::PREFIX).and_then(|rest| rest.rsplit_once('_'));
        let parts =
            parts.filter(|(token, _)| !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let version = parts.and_then(|(token, digits)| {
            Some(Self { model: ModelId::from_text(format!("{}{token}", ModelId::PREFIX)), number: number(digits)? })
        });
        version.ok_or_else(|| VersionIdError(text.to_owned()))
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let model = self.model.as_str();
        let token = model.strip_prefix(ModelId::PREFIX).unwrap_or(model);
        write!(f, "{}{token}_{}", Self::PREFIX, self.number)
    }
}

impl Serialize for VersionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_bare_numbers_are_read() {
        let model = ModelId::from_text("model_abcdefgh01234567");
        let version = VersionId { model: model.clone(), number: 12 };
        assert_eq!(version.to_string(), "ver_abcdefgh01234567_12");
        assert_eq!(version.to_string().parse(), Ok(version.clone()));
        assert_eq!(VersionId::in_model("12", &model), Ok(version));
        let other = VersionId::in_model("ver_other_3", &model).unwrap();
        assert_eq!((other.model.as_str(), other.number), ("model_other", 3));
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "0",
            "-1",
            "+1",
            "01",
            "ver_",
            "ver_a",
            "ver_a_",
            "ver__1",
            "ver_a_0",
            "ver_a_01",
            "ver_a_+1",
            "ver_a b_1",
            "ver_a_b_1",
            "model_a",
            "99999999999999999999",
            "ver_a_99999999999999999999",
        ] {
            assert!(VersionId::in_model(text, &ModelId::from_text("model_a")).is_err(), "{text}");
        }
    }
}
