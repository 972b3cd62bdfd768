//! What callers say turned out to be true.

use serde_json::Value;
use servoir_types::Timestamp;

/// The most labels of a request.
pub const ACTUALS_MAX: usize = 10_000;
/// The most characters of a class's name, or of an id.
pub const TEXT_CHARS_MAX: usize = 256;

/// What turned out to be true of a prediction.
#[derive(Debug, Clone, PartialEq)]
pub struct Label {
    /// Which prediction.
    pub key: Key,
    /// What was true.
    pub truth: Truth,
    /// When it turned out; `None`: now.
    pub at: Option<Timestamp>,
}

/// Which prediction a label belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// The one with this id.
    Prediction(String),
    /// The newest about this entity that is not newer than the label.
    Entity(String),
}

/// What was true.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // each is the type of its name
pub enum Truth {
    Text(String),
    Integer(i64),
    Number(f64),
    Flag(bool),
}

impl Truth {
    /// What a JSON value says, or why it says nothing.
    ///
    /// # Errors
    /// When it is `null`, a list or an object, or a text that is too long or cannot be stored.
    pub fn of(value: Value) -> Result<Self, String> {
        match value {
            Value::String(text) if text.chars().count() > TEXT_CHARS_MAX => {
                Err(format!("has {} characters; {TEXT_CHARS_MAX} are allowed", text.chars().count()))
            }
            Value::String(text) if text.contains('\0') => {
                Err("contains a NUL character, which cannot be stored".to_owned())
            }
            Value::String(text) => Ok(Self::Text(text)),
            Value::Bool(flag) => Ok(Self::Flag(flag)),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Ok(Self::Integer(whole)),
                (None, Some(number)) => Ok(Self::Number(number)),
                (None, None) => Err("is larger than any number that can be kept".to_owned()),
            },
            Value::Null => Err("is null; a label is a text, a number or a truth value".to_owned()),
            Value::Array(_) => Err("is a list; a label is a text, a number or a truth value".to_owned()),
            Value::Object(_) => Err("is an object; a label is a text, a number or a truth value".to_owned()),
        }
    }
}
