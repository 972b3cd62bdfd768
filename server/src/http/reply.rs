//! An answer on its way out.

use crate::error::ApiError;
use crate::telemetry::metrics::Served;
use axum::body::Body;
use axum::response::Response;

/// An answer, before errors have their bodies and anything is counted.
#[derive(Debug)]
pub struct Reply {
    /// What was answered; of an error, headers alone.
    pub response: Response,
    /// Why nothing better was.
    pub error: Option<ApiError>,
    /// What is counted of a prediction.
    pub served: Option<Served>,
}

impl Reply {
    /// The answer of a handler behind the router, or of a gRPC service: errors, and what is counted, are in its extensions.
    pub fn of(mut response: Response) -> Self {
        let error = response.extensions_mut().remove();
        let served = response.extensions_mut().remove();
        Self { response, error, served }
    }

    /// What came of a prediction.
    pub fn served(outcome: Result<Response, ApiError>, served: Served) -> Self {
        Self { served: Some(served), ..outcome.into() }
    }
}

impl From<Result<Response, ApiError>> for Reply {
    fn from(outcome: Result<Response, ApiError>) -> Self {
        match outcome {
            Ok(response) => Self { response, error: None, served: None },
            Err(error) => error.into(),
        }
    }
}

impl From<ApiError> for Reply {
    fn from(error: ApiError) -> Self {
        Self { response: Response::new(Body::empty()), error: Some(error), served: None }
    }
}
