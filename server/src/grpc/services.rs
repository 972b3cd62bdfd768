//! Dispatch: which service a call is for, who may call it, and how long it may take.

use super::body::Attended;
use super::call::Call;
use super::health::Health;
use super::inference::Inference;
use super::reflection::{Reflection, Version};
use super::service::grpc_inference_service_server::{GrpcInferenceServiceServer, SERVICE_NAME};
use super::{access, deadline, status};
use crate::app::SharedApp;
use crate::config::Limits;
use crate::error::ApiError;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Request};
use servoir_types::Kind;
use std::sync::Arc;
use tonic::codec::CompressionEncoding;
use tonic_health::pb::health_server::{HealthServer, SERVICE_NAME as HEALTH};
use tower::ServiceExt as _;

/// What a message may have beside the tensors whose size the configuration limits, in bytes: names, shapes, parameters.
const MESSAGE_HEAD_BYTES_MAX: usize = 64 * 1024;

/// Whether a request is a gRPC call; the messages of all our services are protobuf.
pub fn is_call(content_type: Option<&HeaderValue>) -> bool {
    let media = content_type.map(HeaderValue::as_bytes).unwrap_or_default();
    let rest = media.strip_prefix(b"application/grpc".as_slice());
    rest.is_some_and(|rest| matches!(rest.strip_prefix(b"+proto".as_slice()).unwrap_or(rest), [] | [b';', ..]))
}

/// The services, as every connection shares them.
pub struct Services {
    app: SharedApp,
    inference: GrpcInferenceServiceServer<Inference>,
    health: HealthServer<Health>,
    reflection: Reflection,
}

impl Services {
    /// All services.
    ///
    /// # Errors
    /// When the descriptors for reflection cannot be read, which a test rules out.
    pub fn of(app: SharedApp) -> anyhow::Result<Self> {
        let inference = GrpcInferenceServiceServer::new(Inference::of(app.clone()))
            .accept_compressed(CompressionEncoding::Gzip)
            .accept_compressed(CompressionEncoding::Deflate)
            .max_encoding_message_size(usize::MAX);
        let health = HealthServer::new(Health::of(app.clone())).max_decoding_message_size(MESSAGE_HEAD_BYTES_MAX);
        Ok(Self { app, inference, health, reflection: Reflection::new()? })
    }

    /// Answers a call. An error, and what is counted, are left in the answer's extensions for the outermost layer.
    pub async fn answer(&self, mut request: Request<Body>) -> Response {
        let call = Call::enter(&mut request, self.app.bodies.clone());
        let answered = match deadline::of(request.headers()) {
            Ok(None) => self.dispatch(request, &call).await,
            Ok(Some(limit)) => match tokio::time::timeout(limit, self.dispatch(request, &call)).await {
                Ok(answered) => answered,
                Err(_) => Err(deadline::passed()),
            },
            Err(error) => Err(error),
        };
        let mut response = answered.unwrap_or_else(IntoResponse::into_response);
        call.leave_in(&mut response);
        response
    }

    async fn dispatch(&self, request: Request<Body>, call: &Arc<Call>) -> Result<Response, ApiError> {
        let path = request.uri().path().to_owned();
        let (service, method) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
        let answered = match service {
            SERVICE_NAME => return self.infer(method, request, call).await,
            HEALTH => self.health.clone().oneshot(request).await,
            _ => match Version::of(service) {
                Some(version) => self.reflection.answer(version, request).await,
                None => return Err(status::no_such_method(&path)),
            },
        };
        let response = answered.unwrap_or_else(|never| match never {});
        finished(response, call, MESSAGE_HEAD_BYTES_MAX)
    }

    async fn infer(&self, method: &str, request: Request<Body>, call: &Arc<Call>) -> Result<Response, ApiError> {
        access::check(method, call)?;
        let limits = &self.app.config.limits;
        let bytes_max = match method {
            "ModelInfer" | "ModelStreamInfer" | "RepositoryModelLoad" => prediction_bytes_max(limits),
            _ => MESSAGE_HEAD_BYTES_MAX,
        };
        let mut service = self.inference.clone().max_decoding_message_size(bytes_max);
        // Every client says that it can read compressed answers; one that compresses wants them.
        if let Some(encoding) = encoding(request.headers()) {
            service = service.send_compressed(encoding);
        }
        // A stream may be silent for as long as its connection lives.
        let idle_seconds = (method != "ModelStreamInfer").then_some(limits.body_idle_seconds);
        let request = request.map(|body| Body::new(Attended::new(body, idle_seconds, Arc::clone(call))));
        let response = service.oneshot(request).await.unwrap_or_else(|never| match never {});
        finished(response, call, bytes_max)
    }
}

/// The largest message of a prediction, in bytes.
pub fn prediction_bytes_max(limits: &Limits) -> usize {
    limits.predict_body_bytes_max.saturating_add(MESSAGE_HEAD_BYTES_MAX)
}

/// How the messages of a request are compressed.
fn encoding(headers: &HeaderMap) -> Option<CompressionEncoding> {
    match headers.get("grpc-encoding")?.as_bytes() {
        b"gzip" => Some(CompressionEncoding::Gzip),
        b"deflate" => Some(CompressionEncoding::Deflate),
        _ => None,
    }
}

/// What a service answered, as an error of our own when it is one.
fn finished(response: http::Response<tonic::body::Body>, call: &Call, bytes_max: usize) -> Result<Response, ApiError> {
    match (call.error(), tonic::Status::from_header_map(response.headers())) {
        (Some(error), _) => Err(error),
        (None, Some(status)) => Err(status::read(&status, bytes_max)),
        (None, None) => Ok(response.map(Body::new)),
    }
}

/// What a call to a listener for management is answered.
pub fn not_here() -> ApiError {
    let detail = "this port is for management; gRPC is answered on the port of predictions";
    ApiError::new(Kind::MethodNotAllowed, "not-here", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_by_their_media_type() {
        let cases = [
            ("application/grpc", true),
            ("application/grpc+proto", true),
            ("application/grpc;charset=utf-8", true),
            ("application/grpc+json", false),
            ("application/grpc-web", false),
            ("application/json", false),
        ];
        for (media, expected) in cases {
            assert_eq!(is_call(Some(&HeaderValue::from_static(media))), expected, "{media}");
        }
        assert!(!is_call(None));
    }
}
