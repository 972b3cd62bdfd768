//! Errors as gRPC has them, and back from those that tonic makes.

use crate::error::{ApiError, grpc_code};
use axum::body::Body;
use axum::response::Response;
use servoir_types::Kind;
use std::fmt::Write as _;
use tonic::metadata::MetadataValue;
use tonic::{Code, Status};

/// An answer that is an error and nothing else: the status stands in its head.
pub fn render(error: &ApiError) -> Response {
    of(error).into_http::<Body>()
}

/// The status of an error: its code, its sentence with a line per wrong field, and `retry-after` in seconds.
pub fn of(error: &ApiError) -> Status {
    let mut message = error.detail.clone();
    if error.fields.len() > 1 {
        for field in &error.fields {
            let _ = write!(message, "\n{}: {}", field.pointer, field.detail);
        }
    }
    let mut status = Status::new(grpc_code(error.kind), message);
    if let Some(seconds) = error.retry_after_seconds {
        status.metadata_mut().insert("retry-after", seconds.into());
    }
    if error.kind == Kind::UnsupportedMedia {
        status.metadata_mut().insert("grpc-accept-encoding", MetadataValue::from_static("identity,gzip,deflate"));
    }
    status
}

/// The error that tonic found in a request before a handler saw it. `bytes_max`: the largest message that was taken.
pub fn read(status: &Status, bytes_max: usize) -> ApiError {
    let message = status.message();
    match status.code() {
        Code::OutOfRange | Code::ResourceExhausted => {
            let detail = format!(
                "the message is larger than the limit of {bytes_max} bytes, before or after it is decompressed"
            );
            ApiError::new(Kind::TooLarge, "body-too-large", detail)
        }
        Code::Unimplemented if message.is_empty() => no_such_method("of this service"),
        Code::Unimplemented => ApiError::new(Kind::UnsupportedMedia, "unsupported-encoding", message),
        _ => ApiError::malformed("wrong-message", format!("the message cannot be read: {message}")),
    }
}

/// 405 `no-such-method`.
pub fn no_such_method(path: &str) -> ApiError {
    let detail = format!("there is no call {path} here; server reflection lists those that are");
    ApiError::new(Kind::MethodNotAllowed, "no-such-method", detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::FieldError;

    #[test]
    fn every_wrong_field_is_in_the_message() {
        let field = |name: &str| FieldError { pointer: format!("/{name}"), detail: "too long".into() };
        let cases = [
            (vec![field("a")], "/a: too long"),
            (vec![field("a"), field("b")], "2 fields are wrong; see errors\n/a: too long\n/b: too long"),
        ];
        for (fields, expected) in cases {
            assert_eq!(of(&ApiError::validation(fields)).message(), expected);
        }
    }

    #[test]
    fn when_to_try_again_is_in_the_metadata() {
        let error = ApiError { retry_after_seconds: Some(3), ..ApiError::new(Kind::Overloaded, "queue-full", "full") };
        let response = render(&error);
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        assert_eq!((header("grpc-status"), header("grpc-message")), (Some("8"), Some("full")));
        assert_eq!((header("retry-after"), header("content-type")), (Some("3"), Some("application/grpc")));
    }
}
