//! Bodies of errors: RFC 9457 problem details, or what the Open Inference Protocol says.

use crate::error::ApiError;
use crate::http::request_id::RequestId;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use servoir_types::Kind;
use utoipa::ToSchema;

/// How a route speaks of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `application/problem+json`.
    Problem,
    /// `{"error": "…"}`, for `/v2`.
    OpenInference,
}

impl Dialect {
    /// The dialect of a path.
    pub fn of(path: &str) -> Self {
        if path == "/v2" || path.starts_with("/v2/") { Self::OpenInference } else { Self::Problem }
    }
}

/// A problem details object (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem<'a> {
    /// `urn:servoir:problem:` and the code.
    r#type: String,
    /// The status in words.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// A sentence that a person can act on.
    detail: &'a str,
    /// Stable, kebab-case.
    code: &'a str,
    /// Finds the request in the log.
    request_id: &'a str,
    /// One line per field that is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ProblemField<'a>>,
}

/// A field that is wrong.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemField<'a> {
    /// A JSON pointer (RFC 6901) into the body, or `?name` for a query parameter; for `swap-refused`, the field of the
    /// signature by its name, such as `/signature/inputs/x`.
    pointer: &'a str,
    /// What is wrong, what was expected and what came.
    detail: &'a str,
}

/// What the Open Inference Protocol says of an error.
#[derive(Debug, Serialize, ToSchema)]
pub struct OpenInferenceError<'a> {
    /// What is wrong, for a person.
    error: &'a str,
}

/// The status that an error is answered with.
pub fn status(error: &ApiError, dialect: Dialect) -> StatusCode {
    match (dialect, error.kind) {
        // The protocol has no 422: what is wrong for this model is a bad request there.
        (Dialect::OpenInference, Kind::Unprocessable) => StatusCode::BAD_REQUEST,
        _ => error.status(),
    }
}

/// Writes the body that an error is answered with.
pub fn render(error: &ApiError, dialect: Dialect, request_id: &RequestId) -> Response {
    let status = status(error, dialect);
    let (body, media) = match dialect {
        Dialect::OpenInference => {
            (serde_json::to_vec(&OpenInferenceError { error: &error.detail }), "application/json")
        }
        Dialect::Problem => (serde_json::to_vec(&problem(error, status, request_id)), "application/problem+json"),
    };
    let mut response = Response::new(Body::from(body.unwrap_or_default()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    if let Some(seconds) = error.retry_after_seconds {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

fn problem<'a>(error: &'a ApiError, status: StatusCode, request_id: &'a RequestId) -> Problem<'a> {
    Problem {
        r#type: format!("urn:servoir:problem:{}", error.code),
        title: status.canonical_reason().unwrap_or("Error"),
        status: status.as_u16(),
        detail: &error.detail,
        code: error.code,
        request_id: request_id.as_str(),
        errors: error
            .fields
            .iter()
            .map(|field| ProblemField { pointer: &field.pointer, detail: &field.detail })
            .collect(),
    }
}
