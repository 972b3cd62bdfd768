//! The names of columns.

use super::error::TableError;
use super::limits::{COLUMNS_MAX, NAME_CHARS_MAX};
use std::collections::HashMap;

/// The name of a column that has none: `column_1` for the first.
pub(super) fn numbered(place: usize) -> String {
    format!("column_{}", place + 1)
}

/// Names as they can be used: spaces around them are not part of them, and a column without one is numbered.
///
/// # Errors
/// There are too many, one is too long or has a control character, or columns have the same name; it says which.
pub(super) fn check(names: Vec<String>) -> Result<Vec<String>, TableError> {
    if names.is_empty() {
        return Err(TableError::refused("the file has no columns"));
    }
    if names.len() > COLUMNS_MAX {
        let count = names.len();
        return Err(TableError::refused(format!("the file has {count} columns; at most {COLUMNS_MAX} are possible")));
    }
    let names: Vec<String> = names.into_iter().enumerate().map(|(place, name)| named(place, &name)).collect();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (place, name) in names.iter().enumerate() {
        let number = place + 1;
        if name.chars().count() > NAME_CHARS_MAX {
            let begin: String = name.chars().take(32).collect();
            let reason = format!("the name of column {number}, '{begin}…', is longer than {NAME_CHARS_MAX} characters");
            return Err(TableError::refused(reason));
        }
        if name.chars().any(char::is_control) {
            let name = name.escape_debug();
            let reason = format!("the name of column {number}, '{name}', contains a control character");
            return Err(TableError::refused(reason));
        }
        if let Some(first) = places.insert(name, place) {
            let reason = format!("columns {} and {number} are both named '{name}'; give each its own name", first + 1);
            return Err(TableError::refused(reason));
        }
    }
    Ok(names)
}

fn named(place: usize, name: &str) -> String {
    match name.trim() {
        "" => numbered(place),
        name => name.to_owned(),
    }
}
