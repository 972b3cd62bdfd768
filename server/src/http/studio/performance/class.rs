//! Classes by the names that callers have for them.

use crate::error::ApiError;
use crate::http::query::Values;
use servoir_studio::evaluate::Classification;
use servoir_types::Kind;

/// The most characters of a class in a parameter.
const CLASS_CHARS_MAX: usize = 1024;
/// The most classes that a refusal names.
const NAMED_MAX: usize = 20;

/// Takes a class; none when it is not given.
pub fn class(values: &mut Values, name: &str) -> Option<String> {
    values.text(name, CLASS_CHARS_MAX)
}

/// The place of a class.
///
/// # Errors
/// 422 `unknown-class`, naming those there are.
pub fn place(found: &Classification, class: &str) -> Result<usize, ApiError> {
    found.classes.iter().position(|known| known == class).ok_or_else(|| {
        let mut known = found.classes.iter().take(NAMED_MAX).map(String::as_str).collect::<Vec<_>>().join("', '");
        if found.classes.len() > NAMED_MAX {
            known = format!("{known}' and {} more, such as '{known}", found.classes.len() - NAMED_MAX);
        }
        let detail = format!("'{class}' is no class of this model; there are '{known}'");
        ApiError::new(Kind::Unprocessable, "unknown-class", detail)
    })
}

/// The place of the class that a chart of one class is about: the named one; the second of two; none, where all together
/// are meant.
///
/// # Errors
/// As [`place`].
pub fn chosen(found: &Classification, class: Option<&str>) -> Result<Option<usize>, ApiError> {
    match class {
        Some(class) => place(found, class).map(Some),
        None => Ok((found.classes.len() == 2).then_some(1)),
    }
}
