//! From a request to a socket.

use super::protocol;
use super::socket::{INCOMING_BYTES_MAX, Socket, bounds};
use crate::app::SharedApp;
use crate::config::ANY_ORIGIN;
use crate::error::ApiError;
use crate::http::connections::Lease;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, Request, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use servoir_types::Kind;
use std::sync::Arc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::create_response_with_body;
use tokio_tungstenite::tungstenite::protocol::Role;

/// A request to speak WebSocket, granted.
pub struct Upgrade {
    app: SharedApp,
    response: Response,
    upgraded: OnUpgrade,
    lease: Arc<Lease>,
    /// The largest message that is taken, in bytes.
    message_bytes_max: usize,
}

impl Upgrade {
    /// Checks the handshake (RFC 6455, section 4.2.1).
    ///
    /// # Errors
    /// 400 `websocket-expected` for any other request, 403 `origin-not-allowed` for a page that may not.
    pub fn of(app: &SharedApp, mut request: Request<Body>) -> Result<Self, ApiError> {
        let mut response = create_response_with_body(&request, Body::empty).map_err(|error| {
            let detail = format!("this path is for WebSocket clients, over HTTP/1.1: {error}");
            ApiError::malformed("websocket-expected", detail)
        })?;
        check_origin(&app.config.cors_allowed_origins, request.headers())?;
        if let Some(chosen) = protocol::chosen(request.headers()) {
            response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, chosen);
        }
        let lease = request.extensions_mut().remove();
        let lease = lease.ok_or_else(|| ApiError::internal("an upgrade came without its connection"))?;
        let upgraded = hyper::upgrade::on(request);
        Ok(Self { app: app.clone(), response, upgraded, lease, message_bytes_max: INCOMING_BYTES_MAX })
    }

    /// The same for a client that is to say more than clients otherwise do.
    pub fn taking(self, message_bytes_max: usize) -> Self {
        Self { message_bytes_max, ..self }
    }

    /// Answers the request; `session` then has the socket, on a task of its own that keeps the connection's place.
    pub fn serve<F>(self, session: impl FnOnce(Socket) -> F + Send + 'static) -> Response
    where
        F: Future<Output = ()> + Send,
    {
        let Self { app, response, upgraded, lease, message_bytes_max } = self;
        let stop = lease.stop();
        lease.spawn(async move {
            // A server that goes does not wait for a client that never takes its answer.
            let upgraded = match stop.run_until_cancelled(upgraded).await {
                Some(Ok(upgraded)) => upgraded,
                Some(Err(error)) => return tracing::debug!(%error, "a client was gone before its upgrade"),
                None => return,
            };
            let _counted = app.metrics.websocket();
            let stream =
                WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(bounds(message_bytes_max)))
                    .await;
            session(Socket::new(stream, stop)).await;
        });
        response
    }
}

/// Browsers let any page open a WebSocket to anywhere; only the server can say no. Pages of the server's own origin may,
/// and those that may call it otherwise.
fn check_origin(allowed: &[String], headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or_default();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let is_own = origin.split_once("://").is_some_and(|(_, authority)| Some(authority) == host);
    if is_own || allowed.iter().any(|known| known == origin || known == ANY_ORIGIN) {
        return Ok(());
    }
    let detail = format!("pages of '{origin}' may not connect; 'cors.allowed_origins' says which may");
    Err(ApiError::new(Kind::Forbidden, "origin-not-allowed", detail))
}
