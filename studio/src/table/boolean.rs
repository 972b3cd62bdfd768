//! How people write true and false: as pandas reads it.

/// `true`, `True`, `TRUE` and the same for false; anything else is not a boolean.
pub(super) fn parse(field: &str) -> Option<bool> {
    match field {
        "true" | "True" | "TRUE" => Some(true),
        "false" | "False" | "FALSE" => Some(false),
        _ => None,
    }
}

/// How it is kept.
pub(super) fn name(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}
