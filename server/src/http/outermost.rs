//! The outermost layer: every request enters and leaves here. Request id, admission, authentication, dispatch, the
//! bodies of errors, metrics and the log line, once for all routes.

use crate::app::{App, SharedApp};
use crate::auth::Principal;
use crate::error::ApiError;
use crate::grpc;
use crate::http::body::is_short;
use crate::http::client_address::ClientAddress;
use crate::http::head::Head;
use crate::http::health;
use crate::http::predict::{self, Target};
use crate::http::problem::{self, Dialect, render};
use crate::http::reply::Reply;
use crate::http::request_id::{HEADER, RequestId};
use crate::http::unread::Watched;
use crate::telemetry::metrics::InFlight;
use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, Uri, header};
use servoir_types::Kind;
use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;
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
    /// Where requests are answered that take long or wait for something.
    pub shared: Handle,
}

/// Who asks, as far as it is known before anything is answered.
pub struct Asker {
    /// Who it is, or why nobody.
    pub principal: Result<Principal, ApiError>,
    /// Where they are.
    pub client: ClientAddress,
    /// What the request is called.
    pub request_id: RequestId,
    /// When its head was there.
    pub started: Instant,
}

impl Asker {
    /// Leaves what is known where handlers look for it.
    pub fn introduce(self, request: &mut Request<Body>) {
        let extensions = request.extensions_mut();
        extensions.insert(self.principal);
        extensions.insert(self.client);
        extensions.insert(self.request_id);
    }
}

/// Answers one request.
pub async fn answer(routes: &Routes, request: Request<Watched>, peer: SocketAddr) -> Response {
    let started = Instant::now();
    let app = &routes.app;
    let (parts, body) = request.into_parts();
    let head = Head::of(&parts);
    let headers = &head.headers;
    let client = ClientAddress::of(peer, headers, &app.config.trusted_proxies);
    let request_id = RequestId::of(headers, &app.request_ids);
    let principal = app.authenticator.authenticate(headers);
    let asker = Asker { principal, client, request_id, started };
    let is_grpc = grpc::is_call(headers.content_type);
    // Whoever looks whether the server is well is always told, and may ask for something else as often as ever.
    if !health::is_probe(parts.uri.path())
        && let Err(refused) = app.pace.check(asker.principal.as_ref().ok(), asker.client.ip())
    {
        return leave(app, Line::of(&parts.method, &parts.uri, &asker), is_grpc, refused.into());
    }
    let Some(_in_flight) = InFlight::enter(&app.metrics, app.config.limits.requests_in_flight_max) else {
        let refused = overloaded(app.config.limits.requests_in_flight_max).into();
        return leave(app, Line::of(&parts.method, &parts.uri, &asker), is_grpc, refused);
    };
    let Some(target) = routes.here(&parts, &body, is_grpc) else {
        let request = Request::from_parts(parts, Body::new(body));
        // On the heap, so that predictions do not carry the room that other calls take.
        return Box::pin(answer_any(routes, request, asker, is_grpc)).await;
    };
    let mut predicted = pin!(predict::answer(app, target, (head, body), &asker));
    let reply = poll_fn(|context| caught(predicted.as_mut(), context)).await;
    leave(app, Line::of(&parts.method, &parts.uri, &asker), is_grpc, reply)
}

/// Answers a request that is not a short prediction.
async fn answer_any(routes: &Routes, request: Request<Body>, asker: Asker, is_grpc: bool) -> Response {
    let (method, uri, request_id) = (request.method().clone(), request.uri().clone(), asker.request_id.clone());
    let line =
        Line { method: &method, uri: &uri, client: asker.client.ip(), started: asker.started, request_id: &request_id };
    let mut dispatched = pin!(dispatch(routes, request, asker, is_grpc));
    let reply = poll_fn(|context| caught(dispatched.as_mut(), context)).await;
    leave(&routes.app, line, is_grpc, reply)
}

/// Polls what answers; a panic in it is an answer too.
fn caught(answer: Pin<&mut impl Future<Output = Reply>>, context: &mut Context<'_>) -> Poll<Reply> {
    std::panic::catch_unwind(AssertUnwindSafe(|| answer.poll(context)))
        .unwrap_or_else(|_| Poll::Ready(ApiError::internal("a handler panicked").into()))
}

/// An answer on its way out: an error gets its body, everything is counted and logged.
fn leave(app: &App, line: Line<'_>, is_grpc: bool, reply: Reply) -> Response {
    let Reply { mut response, error, served } = reply;
    // A call over gRPC is counted as the same request over HTTP would be.
    let dialect = if is_grpc { Dialect::OpenInference } else { Dialect::of(line.uri.path()) };
    let status = error.as_ref().map_or(response.status(), |error| problem::status(error, dialect));
    if let Some(error) = &error {
        let headers = std::mem::take(response.headers_mut());
        response = if is_grpc { grpc::render(error) } else { render(error, dialect, line.request_id) };
        for name in HEADERS_OF_ERRORS {
            if let Some(value) = headers.get(&name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
    }
    let elapsed = line.started.elapsed();
    app.metrics.request(line.uri.path(), served.as_ref(), status, elapsed);
    line.write(status, elapsed, error.as_ref());
    response.headers_mut().insert(HEADER, line.request_id.to_header_value());
    response
}

impl Routes {
    /// What a request predicts when that is answered on the thread of its connection: soon, and from memory.
    fn here(&self, parts: &Parts, body: &Watched, is_grpc: bool) -> Option<Target> {
        if is_grpc || self.planes == Planes::Management || !is_short(body) {
            return None;
        }
        Target::of(parts.uri.path()).filter(Target::is_prediction)
    }
}

async fn dispatch(routes: &Routes, mut request: Request<Body>, asker: Asker, is_grpc: bool) -> Reply {
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
        if let Some(target) = Target::of(request.uri().path()) {
            let app = routes.app.clone();
            if target.is_prediction() {
                let (parts, body) = request.into_parts();
                return elsewhere(&routes.shared, async move {
                    predict::answer(&app, target, (Head::of(&parts), body), &asker).await
                })
                .await;
            }
            let is_quick = target.is_quick() && is_short(request.body());
            asker.introduce(&mut request);
            return match is_quick {
                true => predict::describe(&app, target, request).await,
                false => {
                    let answer = async move { predict::describe(&app, target, request).await };
                    elsewhere(&routes.shared, answer).await
                }
            };
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
struct Line<'a> {
    method: &'a Method,
    uri: &'a Uri,
    client: IpAddr,
    started: Instant,
    request_id: &'a RequestId,
}

impl<'a> Line<'a> {
    fn of(method: &'a Method, uri: &'a Uri, asker: &'a Asker) -> Self {
        Self { method, uri, client: asker.client.ip(), started: asker.started, request_id: &asker.request_id }
    }

    fn write(&self, status: StatusCode, elapsed: Duration, error: Option<&ApiError>) {
        let Self { method, uri, client, request_id, .. } = self;
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
