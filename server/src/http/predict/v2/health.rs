//! `/v2/health/live` and `/v2/health/ready`.

use super::json;
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::http::health::not_ready;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

/// The answer of `live`.
#[derive(Serialize, ToSchema)]
pub struct Live {
    live: bool,
}

/// The answer of `ready`.
#[derive(Serialize, ToSchema)]
pub struct Ready {
    /// Always true: what is not ready is an error.
    ready: bool,
}

/// The process is up.
///
/// # Errors
/// None that a caller could see.
pub fn live() -> Result<Response, ApiError> {
    json(&Live { live: true })
}

/// Traffic is welcome.
///
/// # Errors
/// 503, naming each check that fails.
pub fn ready(app: &SharedApp) -> Result<Response, ApiError> {
    if app.readiness.is_ready() { json(&Ready { ready: true }) } else { Err(not_ready(&app.readiness)) }
}
