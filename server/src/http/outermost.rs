//! The outermost layer: every request enters and leaves here. Request id, admission, authentication, dispatch, the
//! bodies of errors, metrics and the log line, once for all routes.

use crate::app::SharedApp;
use crate::auth::Principal;
use crate::error::ApiError;
use crate::grpc;
use crate::http::client_address::ClientAddress;
use crate::http::predict;
use crate::http::problem::{self, Dialect, render};
use crate::http::request_id::{HEADER, RequestId};
use crate::telemetry::metrics::{InFlight, Served};
use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use http::{HeaderName, HeaderValue, Request, StatusCode, header};
use servoir_types::Kind;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;
use tower::ServiceExt as _;
use tower_http::cors::CorsLayer;

/// What an error may say in headers of its own.
const HEADERS_OF_ERRORS: [HeaderName; 2] = [header::ALLOW, header::CONTENT_RANGE];

/// Which routes a listener offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planes {
    /// Everything on one port.
    All,
    /// Predictions, `/v2` and health.
    Data,
    /// Management, metrics and health.
    Management,
}

/// What a listener's connections share.
pub struct Routes {
    /// The parts of the server.
    pub app: SharedApp,
    /// What is not a prediction goes here.
    pub router: Router,
    /// Calls over gRPC go here.
    pub grpc: Arc<grpc::Services>,
    /// Which of them this listener offers.
    pub planes: Planes,
    /// Which pages' scripts may call; `None`: nobody's.
    pub cors: Option<CorsLayer>,
}

/// Answers one request.
pub async fn answer(routes: &Routes, mut request: Request<Body>, peer: SocketAddr) -> Response {
    let app = &routes.app;
    let client = ClientAddress::of(peer, request.headers(), &app.config.trusted_proxies);
    let started = Instant::now();
    let request_id = RequestId::of(request.headers(), &app.request_ids);
    let is_grpc = grpc::is_call(request.headers());
    // A call over gRPC is counted as the same request over HTTP would be.
    let dialect = if is_grpc { Dialect::OpenInference } else { Dialect::of(request.uri().path()) };
    let line = LogLine { method: request.method().clone(), path: request.uri().path().to_owned(), client: client.ip() };

    let principal: Result<Principal, ApiError> = app.authenticator.authenticate(request.headers());
    request.extensions_mut().insert(principal);
    request.extensions_mut().insert(client);
    request.extensions_mut().insert(request_id.clone());

    let in_flight = InFlight::enter(&app.metrics, app.config.limits.requests_in_flight_max);
    let dispatched = match in_flight {
        Some(_) => AssertUnwindSafe(dispatch(routes, request, is_grpc)).catch_unwind().await,
        None => Ok(overloaded(app.config.limits.requests_in_flight_max).into_response()),
    };
    let mut response = dispatched.unwrap_or_else(|_| ApiError::internal("a handler panicked").into_response());

    let error = response.extensions_mut().remove::<ApiError>();
    let status = error.as_ref().map_or(response.status(), |error| problem::status(error, dialect));
    let served = response.extensions_mut().remove::<Served>();
    if let Some(error) = &error {
        let headers = std::mem::take(response.headers_mut());
        response = if is_grpc { grpc::render(error) } else { render(error, dialect, &request_id) };
        for name in HEADERS_OF_ERRORS {
            if let Some(value) = headers.get(&name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
    }
    response.headers_mut().insert(HEADER, request_id.header_value());
    let elapsed = started.elapsed();
    app.metrics.request(&line.path, served.as_ref(), status, elapsed);
    line.write(&request_id, status, elapsed, error.as_ref());
    response
}

async fn dispatch(routes: &Routes, request: Request<Body>, is_grpc: bool) -> Response {
    if is_grpc {
        return match routes.planes {
            Planes::Management => grpc::not_here().into_response(),
            Planes::All | Planes::Data => routes.grpc.answer(request).await,
        };
    }
    if routes.planes != Planes::Management {
        // The data plane's few paths are matched before anything else.
        if let Some(target) = predict::Target::of(request.uri().path()) {
            return predict::answer(&routes.app, target, request).await;
        }
    }
    match routes.router.clone().oneshot(request).await {
        Ok(response) => bare_errors(response),
        Err(never) => match never {},
    }
}

/// Errors that axum itself answers (no such route, wrong method) in our own words.
fn bare_errors(response: Response) -> Response {
    let is_ours = response.extensions().get::<ApiError>().is_some();
    match response.status() {
        StatusCode::METHOD_NOT_ALLOWED if !is_ours => {
            let allow = response.headers().get(header::ALLOW).cloned().unwrap_or(HeaderValue::from_static(""));
            let methods = allow.to_str().unwrap_or_default();
            let detail = format!("this path exists, but not with this method; it takes {methods}");
            let error = ApiError::new(Kind::MethodNotAllowed, "method-not-allowed", detail);
            ([(header::ALLOW, allow)], error).into_response()
        }
        _ => response,
    }
}

/// 429 `too-many-requests`: the server is at `limit`.
pub fn overloaded(limit: usize) -> ApiError {
    let detail = format!("the server is answering its limit of {limit} requests at once; try again in a second");
    ApiError { retry_after_seconds: Some(1), ..ApiError::new(Kind::Overloaded, "too-many-requests", detail) }
}

/// What is logged of a request: one line, at the level of its outcome.
struct LogLine {
    method: http::Method,
    path: String,
    client: IpAddr,
}

impl LogLine {
    fn write(
        &self,
        request_id: &RequestId,
        status: StatusCode,
        elapsed: std::time::Duration,
        error: Option<&ApiError>,
    ) {
        let Self { method, path, client } = self;
        let (status, elapsed_us, code) = (status.as_u16(), elapsed.as_micros() as u64, error.map(|error| error.code));
        match error {
            Some(ApiError { kind: Kind::Internal, internal, detail, .. }) => {
                let cause = internal.as_deref().unwrap_or(detail);
                tracing::error!(%request_id, %method, path, status, elapsed_us, %client, code, cause, "request failed");
            }
            Some(ApiError { internal: Some(cause), .. }) => {
                tracing::warn!(%request_id, %method, path, status, elapsed_us, %client, code, cause, "request failed");
            }
            Some(error) => {
                tracing::info!(%request_id, %method, path, status, elapsed_us, %client, code, detail = error.detail, "request refused");
            }
            None => tracing::debug!(%request_id, %method, path, status, elapsed_us, %client, "request answered"),
        }
    }
}
