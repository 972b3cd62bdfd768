//! What an API call fails with, and the one table that maps kinds of failure to HTTP status and gRPC
//! codes.
//!
//! Handlers return [`ApiError`]; it travels in the response's extensions to the outermost layer, which alone writes the
//! body: RFC 9457 problem details, `{"error": "…"}` for the `/v2` protocol, or a gRPC status.

use crate::http::fields::segment;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use servoir_codec::Fault;
use servoir_registry::RegistryError;
use servoir_runtime::{LoadError, PredictError, Unsupported};
use servoir_types::{BreakingChange, Kind, Side};

/// A failed call: what the caller is told.
#[derive(Debug, Clone)]
pub struct ApiError {
    /// Chooses the status.
    pub kind: Kind,
    /// Stable, kebab-case.
    pub code: &'static str,
    /// A sentence that a person can act on.
    pub detail: String,
    /// One line per field that is wrong.
    pub fields: Vec<FieldError>,
    /// After how many seconds a repeat makes sense.
    pub retry_after_seconds: Option<u64>,
    /// What the log is told and the caller is not.
    pub internal: Option<String>,
}

/// One wrong field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// A JSON pointer (RFC 6901) into the body, or `?name` for a query parameter; for `swap-refused`, the field of the
    /// signature by its name, such as `/signature/inputs/x`.
    pub pointer: String,
    /// What is wrong, what was expected and what came.
    pub detail: String,
}

impl ApiError {
    /// A failure without field errors.
    pub fn new(kind: Kind, code: &'static str, detail: impl Into<String>) -> Self {
        Self { kind, code, detail: detail.into(), fields: Vec::new(), retry_after_seconds: None, internal: None }
    }

    /// A malformed request: 400.
    pub fn malformed(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Kind::Malformed, code, detail)
    }

    /// Fields that are wrong: 400, code `validation`.
    pub fn validation(fields: Vec<FieldError>) -> Self {
        let detail = match fields.as_slice() {
            [one] => format!("{}: {}", one.pointer, one.detail),
            many => format!("{} fields are wrong; see errors", many.len()),
        };
        Self { fields, ..Self::malformed("validation", detail) }
    }

    /// One wrong field: 400, code `validation`.
    pub fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::validation(vec![FieldError { pointer: pointer.into(), detail: detail.into() }])
    }

    /// Something in the server broke: the caller learns that it did, the log learns what.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        let detail = "something went wrong inside the server; the request id finds it in the log";
        Self { internal: Some(cause.to_string()), ..Self::new(Kind::Internal, "internal", detail) }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        status(self.kind)
    }
}

/// The table: which status each kind of failure has.
pub const fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Malformed => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Stale => StatusCode::PRECONDITION_FAILED,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::UnsupportedMedia => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::OutOfRange => StatusCode::RANGE_NOT_SATISFIABLE,
        Kind::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Overloaded => StatusCode::TOO_MANY_REQUESTS,
        Kind::NoMemory => StatusCode::INSUFFICIENT_STORAGE,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        Kind::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The same table for gRPC.
pub const fn grpc_code(kind: Kind) -> tonic::Code {
    match kind {
        Kind::Malformed | Kind::Unprocessable => tonic::Code::InvalidArgument,
        Kind::Unauthenticated => tonic::Code::Unauthenticated,
        Kind::Forbidden => tonic::Code::PermissionDenied,
        Kind::NotFound => tonic::Code::NotFound,
        Kind::MethodNotAllowed | Kind::UnsupportedMedia => tonic::Code::Unimplemented,
        Kind::Conflict | Kind::Stale => tonic::Code::FailedPrecondition,
        Kind::OutOfRange => tonic::Code::OutOfRange,
        Kind::TooLarge | Kind::Overloaded | Kind::NoMemory => tonic::Code::ResourceExhausted,
        Kind::Unavailable => tonic::Code::Unavailable,
        Kind::DeadlineExceeded | Kind::BodyTimeout => tonic::Code::DeadlineExceeded,
        Kind::Internal => tonic::Code::Internal,
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<RegistryError> for ApiError {
    fn from(error: RegistryError) -> Self {
        let (kind, code) = (error.kind(), error.code());
        if let RegistryError::SwapRefused { changes, .. } = &error {
            let fields = changes.iter().map(FieldError::from).collect();
            return Self { fields, ..Self::new(kind, code, error.to_string()) };
        }
        match kind {
            Kind::Internal => Self::internal(error),
            Kind::Unavailable => {
                let (detail, seconds) = away(&error);
                Self {
                    retry_after_seconds: Some(seconds),
                    internal: Some(error.to_string()),
                    ..Self::new(kind, code, detail)
                }
            }
            _ => Self::new(kind, code, error.to_string()),
        }
    }
}

/// What callers are told of what the server stands on and that is away, and after how many seconds to try again. Where that is,
/// and what it says, is for the log.
const fn away(error: &RegistryError) -> (&'static str, u64) {
    match error {
        RegistryError::Full(_) => {
            ("no space is left where the server keeps its data; predictions go on; try again when there is", 60)
        }
        RegistryError::Store(_) => {
            ("the artifact store is away; predictions go on, try again soon; the server's log has the cause", 5)
        }
        _ => (
            "the registry's database is away or busy; predictions go on, try again soon; the server's log has the cause",
            5,
        ),
    }
}

impl From<&BreakingChange> for FieldError {
    fn from(change: &BreakingChange) -> Self {
        let side = match change.side {
            Side::Input => "inputs",
            Side::Output => "outputs",
        };
        let pointer = format!("/signature/{side}/{}", segment(&change.name));
        Self { pointer, detail: format!("was {}, is {}", change.was, change.is) }
    }
}

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Field { pointer, detail } => Self::field(pointer, detail),
            Fault::Defect(cause) => Self::internal(cause),
            fault => Self::new(fault.kind(), fault.code(), fault.to_string()),
        }
    }
}

impl From<PredictError> for ApiError {
    fn from(error: PredictError) -> Self {
        let kind = error.kind();
        let detail = error.to_string();
        let (code, retry_after_seconds) = match error {
            PredictError::Mismatch(_) => ("input-mismatch", None),
            PredictError::QueueFull { retry_after_seconds, .. } => ("queue-full", Some(retry_after_seconds)),
            PredictError::WaitTooLong { retry_after_seconds, .. } => ("latency-target", Some(retry_after_seconds)),
            PredictError::DeadlineTooSoon { retry_after_seconds, .. } => {
                ("deadline-too-soon", Some(retry_after_seconds))
            }
            PredictError::DeadlineExceeded => ("deadline-exceeded", None),
            PredictError::Closed => ("model-closing", Some(1)),
            PredictError::NotLoaded { retry_after_seconds, .. } => ("model-not-loaded", Some(retry_after_seconds)),
            PredictError::Run(_) => ("engine-failed", None),
        };
        Self { retry_after_seconds, ..Self::new(kind, code, detail) }
    }
}

impl From<Unsupported> for ApiError {
    fn from(error: Unsupported) -> Self {
        Self::new(Kind::Unprocessable, "unsupported-artifact", error.to_string())
    }
}

impl From<LoadError> for ApiError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Unsupported(unsupported) => unsupported.into(),
            LoadError::Io(_) => Self::internal(error),
            LoadError::EngineMissing { .. } => Self::new(Kind::Unprocessable, "engine-missing", error.to_string()),
            LoadError::Rejected { .. } => Self::new(Kind::Unprocessable, "version-rejected", error.to_string()),
            LoadError::NoDevice { .. } => Self::new(Kind::Unprocessable, "hardware-unavailable", error.to_string()),
            LoadError::DeviceMemory { .. } => Self::new(Kind::NoMemory, "device-memory", error.to_string()),
        }
    }
}
