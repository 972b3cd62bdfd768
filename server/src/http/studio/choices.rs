//! The closed sets of words that the Studio knows, and their descriptions in the API document.

use crate::http::openapi::texts::{nullable, one_of};
use serde_json::Value;
use servoir_registry::{ModelType, Role, SortField, StudioStatus, TaskType};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

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
    let words = VISIBILITIES.iter().map(|(word, _)| Value::from(*word)).chain([Value::Null]);
    ObjectBuilder::new().schema_type(nullable(Type::String)).enum_values(Some(words)).build()
}

/// The schema of who sees a model.
pub fn visibility_schema() -> Object {
    one_of(VISIBILITIES)
}
