//! The outermost layer: every request enters and leaves here. Request id, admission, authentication, dispatch, the
//! bodies of errors, metrics and the log line, once for all routes.

use crate::app::SharedApp;
use crate::auth::Principal;
use crate::error::ApiError;
use crate::grpc;
use crate::http::client_address::ClientAddress;
use crate::http::predict;
use crate::http::problem::{self, Dialect, render};
use crate::http::reply::Reply;
use crate::http::request_id::{HEADER, RequestId};
use crate::telemetry::metrics::InFlight;
use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use http::{HeaderName, HeaderValue, Request, StatusCode, Uri, header};
use hyper::body::Body as _;
use servoir_types::Kind;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;
use tower::ServiceExt as _;
use tower_http::cors::CorsLayer;

/// What an error may say in headers of its own.
const HEADERS_OF_ERRORS: [HeaderName; 2] = [header::ALLOW, header::CONTENT_RANGE];

/// The longest body, in bytes, that is read and decoded on the thread of its connection: JSON of this length takes a
/// fraction of a millisecond.
const SHORT_BODY_BYTES_MAX: u64 = 64 * 1024;

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
    /// Where requests are answered that take long or wait for something.
    pub shared: Handle,
}

/// Who asks, as far as it is known before anything is answered.
pub struct Asker<'a> {
    /// Who it is, or why nobody.
    pub principal: Result<Principal, ApiError>,
    /// Where they are.
    pub client: ClientAddress,
    /// What the request is called.
    pub request_id: &'a RequestId,
}

impl Asker<'_> {
    /// Leaves what is known where handlers look for it.
    pub fn introduce(self, request: &mut Request<Body>) {
        let extensions = request.extensions_mut();
        extensions.insert(self.principal);
        extensions.insert(self.client);
        extensions.insert(self.request_id.clone());
    }
}

/// Answers one request.
pub async fn answer(routes: &Routes, request: Request<Body>, peer: SocketAddr) -> Response {
    let app = &routes.app;
    let client = ClientAddress::of(peer, request.headers(), &app.config.trusted_proxies);
    let started = Instant::now();
    let request_id = RequestId::of(request.headers(), &app.request_ids);
    let is_grpc = grpc::is_call(request.headers());
    // A call over gRPC is counted as the same request over HTTP would be.
    let dialect = if is_grpc { Dialect::OpenInference } else { Dialect::of(request.uri().path()) };
    let line = LogLine { method: request.method().clone(), uri: request.uri().clone(), client: client.ip() };
    let principal = app.authenticator.authenticate(request.headers());
    let asker = Asker { principal, client, request_id: &request_id };

    let in_flight = InFlight::enter(&app.metrics, app.config.limits.requests_in_flight_max);
    let dispatched = match in_flight {
        Some(_) => AssertUnwindSafe(dispatch(routes, request, asker, is_grpc)).catch_unwind().await,
        None => Ok(overloaded(app.config.limits.requests_in_flight_max).into()),
    };
    let Reply { mut response, error, served } =
        dispatched.unwrap_or_else(|_| ApiError::internal("a handler panicked").into());

    let status = error.as_ref().map_or(response.status(), |error| problem::status(error, dialect));
    if let Some(error) = &error {
        let headers = std::mem::take(response.headers_mut());
        response = if is_grpc { grpc::render(error) } else { render(error, dialect, &request_id) };
        for name in HEADERS_OF_ERRORS {
            if let Some(value) = headers.get(&name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
    }
    let elapsed = started.elapsed();
    app.metrics.request(line.uri.path(), served.as_ref(), status, elapsed);
    line.write(&request_id, status, elapsed, error.as_ref());
    response.headers_mut().insert(HEADER, request_id.into_header_value());
    response
}

async fn dispatch(routes: &Routes, mut request: Request<Body>, asker: Asker<'_>, is_grpc: bool) -> Reply {
    if is_grpc {
        return match routes.planes {
            Planes::Management => grpc::not_here().into(),
            Planes::All | Planes::Data => {
                asker.introduce(&mut request);
                Reply::of(routes.grpc.answer(request).await)
            }
        };
    }
    if routes.planes != Planes::Management {
        // The data plane's few paths are matched before anything else.
        if let Some(target) = predict::Target::of(request.uri().path()) {
            if target.is_quick() && is_short(request.body()) {
                return predict::answer(&routes.app, target, request, asker).await;
            }
            let (app, Asker { principal, client, request_id }) = (routes.app.clone(), asker);
            let request_id = request_id.clone();
            // On the heap, so that predictions do not carry the room that rare calls take.
            let answer = Box::pin(async move {
                let asker = Asker { principal, client, request_id: &request_id };
                predict::answer(&app, target, request, asker).await
            });
            return elsewhere(&routes.shared, answer).await;
        }
    }
    asker.introduce(&mut request);
    let router = routes.router.clone();
    elsewhere(&routes.shared, async move {
        match router.oneshot(request).await {
            Ok(response) => Reply::of(bare_errors(response)),
            Err(never) => match never {},
        }
    })
    .await
}

/// Whether a body is read and decoded within a moment.
fn is_short(body: &Body) -> bool {
    body.size_hint().upper().is_some_and(|bytes| bytes <= SHORT_BODY_BYTES_MAX)
}

/// Answers on the threads that share their work, so that other connections of this thread go on.
async fn elsewhere(shared: &Handle, answer: impl Future<Output = Reply> + Send + 'static) -> Reply {
    // Who has gone wants no answer.
    let answer = AbortOnDropHandle::new(shared.spawn(answer));
    answer.await.unwrap_or_else(|_| ApiError::internal("a handler panicked").into())
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
    uri: Uri,
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
        let Self { method, uri, client } = self;
        let path = uri.path();
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
