//! `/v2/health/live` and `/v2/health/ready`.

use super::json;
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::http::health::not_ready;
use axum::response::Response;
use serde::Serialize;

#[derive(Serialize)]
struct Live {
    live: bool,
}

#[derive(Serialize)]
struct Ready {
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
