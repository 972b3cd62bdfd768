//! `/v2/systemsharedmemory/…` and `/v2/cudasharedmemory/…`: regions cannot be registered here. Clients that ask which there
//! are, or take all of theirs back before they begin, are told that there are none.

use super::json;
use crate::error::ApiError;
use axum::response::Response;
use serde_json::json;
use servoir_types::Kind;

/// The regions: none.
///
/// # Errors
/// None that a caller could see.
pub fn status() -> Result<Response, ApiError> {
    json(&json!([]))
}

/// Nothing was registered, so nothing is left of it.
///
/// # Errors
/// None that a caller could see.
pub fn unregister() -> Result<Response, ApiError> {
    json(&json!({}))
}

/// 404 for the status of one region.
pub fn no_such_region() -> ApiError {
    let detail = "there is no such region: this server takes no tensors through shared memory";
    ApiError::new(Kind::NotFound, "not-available", detail)
}

/// 400 for a region that is to be registered.
pub fn cannot_register() -> ApiError {
    let detail = "this server takes no tensors through shared memory; send them in the request, in binary form";
    ApiError::malformed("not-available", detail)
}
