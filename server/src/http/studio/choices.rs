//! The closed sets of words that the Studio knows, and their descriptions in the API document.

use crate::http::openapi::texts::{one_of, optional_one_of};
use servoir_registry::{AssetType, ModelType, Priority, Role, SortField, StudioStatus, TaskType};
use servoir_studio::event::Level;
use utoipa::openapi::schema::Object;

/// What a list of models can be ordered by.
pub const SORTS: &[(&str, SortField)] = &[
    ("created_at", SortField::CreatedAt),
    ("updated_at", SortField::UpdatedAt),
    ("name", SortField::Name),
    ("status", SortField::Status),
];

/// Which way a list goes: whether it descends.
pub const ORDERS: &[(&str, bool)] = &[("desc", true), ("asc", false)];

/// Who sees a model: whether only those that it was shared with.
pub const VISIBILITIES: &[(&str, bool)] = &[("org", false), ("private", true)];

/// How much a line of a log matters.
pub const LEVELS: &[(&str, Level)] =
    &[("debug", Level::Debug), ("info", Level::Info), ("warning", Level::Warning), ("error", Level::Error)];

/// The schema of how a model's versions come to be.
pub fn model_type_schema() -> Object {
    one_of(ModelType::ALL)
}

/// The schema of what a model says.
pub fn task_type_schema() -> Object {
    one_of(TaskType::ALL)
}

/// The schema of where a model stands.
pub fn status_schema() -> Object {
    one_of(StudioStatus::ALL)
}

/// The schema of what a list is ordered by.
pub fn sort_schema() -> Object {
    one_of(SORTS)
}

/// The schema of which way a list goes.
pub fn order_schema() -> Object {
    one_of(ORDERS)
}

/// The schema of what somebody may do.
pub fn role_schema() -> Object {
    one_of(Role::ALL)
}

/// The schema of a role that can be given: there is one owner.
pub fn given_role_schema() -> Object {
    one_of(&[("viewer", ()), ("editor", ()), ("admin", ())])
}

/// The schema of who is to see a model, which may be left out.
pub fn optional_visibility_schema() -> Object {
    optional_one_of(VISIBILITIES)
}

/// The schema of who sees a model.
pub fn visibility_schema() -> Object {
    one_of(VISIBILITIES)
}

/// The schema of what a file of a custom model is for.
pub fn asset_type_schema() -> Object {
    one_of(AssetType::ALL)
}

/// The schema of which waiting run goes first, which may be left out.
pub fn optional_priority_schema() -> Object {
    optional_one_of(Priority::ALL)
}

/// The schema of how much a line of a log matters.
pub fn level_schema() -> Object {
    one_of(LEVELS)
}

/// The schema of how much a line of a log matters, which may be left out.
pub fn optional_level_schema() -> Object {
    optional_one_of(LEVELS)
}
