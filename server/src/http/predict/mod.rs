//! The data plane: `/v1/predict/…` and `/v2/…`.

use crate::app::SharedApp;
use crate::error::ApiError;
use axum::body::Body;
use axum::response::Response;
use http::Request;

/// Which data-plane route a path names.
pub struct Target;

impl Target {
    /// The route, if it is one of the data plane's.
    pub fn of(_path: &str) -> Option<Self> {
        None
    }
}

/// Answers a request of the data plane. The caller is in the extensions as `Result<Principal, ApiError>`.
pub async fn answer(_app: &SharedApp, _target: Target, _request: Request<Body>) -> Result<Response, ApiError> {
    Err(ApiError::internal("not assembled"))
}
