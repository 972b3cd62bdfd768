//! The closed sets of words that analyses are written with, and their descriptions in the API document.

use crate::http::openapi::texts::one_of;
use servoir_monitor::WindowLength;
use servoir_monitor::analysis::Status;
use servoir_monitor::convention::Convention;
use utoipa::openapi::schema::Object;

/// The statuses with their words.
pub const STATUSES: [(&str, Status); 5] = [
    ("ok", Status::Ok),
    ("warning", Status::Warning),
    ("alert", Status::Alert),
    ("no-data", Status::NoData),
    ("error", Status::Error),
];

/// A status as it is written.
pub fn status_word(status: Status) -> &'static str {
    STATUSES.iter().find(|(_, known)| *known == status).map_or("error", |(word, _)| word)
}

/// The windows with their words.
pub const WINDOWS: [(&str, WindowLength); 4] =
    [("1h", WindowLength::Hour), ("6h", WindowLength::SixHours), ("1d", WindowLength::Day), ("7d", WindowLength::Week)];

/// The conventions with their words.
pub const CONVENTIONS: [(&str, Convention); 3] =
    [("servoir", Convention::Servoir), ("evidently", Convention::Evidently), ("nannyml", Convention::NannyMl)];

/// The schema of how long a window is.
pub fn window_schema() -> Object {
    one_of(&WINDOWS)
}

/// The schema of whose way of computing.
pub fn convention_schema() -> Object {
    one_of(&CONVENTIONS)
}

/// The schema of how something is doing.
pub fn status_schema() -> Object {
    one_of(&STATUSES)
}

/// The schema of how bad something is.
pub fn severity_schema() -> Object {
    one_of(&[("none", ()), ("low", ()), ("medium", ()), ("high", ())])
}

/// The schema of what a column is of.
pub fn category_schema() -> Object {
    one_of(&[("numeric", ()), ("categorical", ())])
}
