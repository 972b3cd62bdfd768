//! Connections: accepted up to a limit, served over HTTP/1.1 and HTTP/2, finished in peace when the server goes.

use crate::http::outermost::{Routes, answer};
use axum::body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The largest request head, in bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Streams that one HTTP/2 connection may have open.
const STREAMS_MAX: u32 = 256;
/// How long accepting pauses when the system is out of file descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Accepts connections until `stop`, then returns; connections go on until each has finished what it is answering.
pub async fn accept(
    listener: TcpListener,
    routes: Arc<Routes>,
    limit: Arc<Semaphore>,
    stop: CancellationToken,
    open: TaskTracker,
) {
    loop {
        // A place is taken before a connection is accepted: past the limit, callers wait in the system's backlog.
        let accepted = async {
            let place = limit.clone().acquire_owned().await.ok()?;
            Some((place, listener.accept().await))
        };
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = accepted => accepted,
        };
        let Some((place, accepted)) = accepted else { return };
        match accepted {
            Ok((stream, peer)) => {
                let (routes, stop) = (routes.clone(), stop.clone());
                open.spawn(async move {
                    let _place = place;
                    serve(stream, peer, routes, stop).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, routes: Arc<Routes>, stop: CancellationToken) {
    let _counted = routes.app.metrics.connection();
    if let Err(error) = stream.set_nodelay(true) {
        return tracing::debug!(%error, %peer, "the connection was gone at once");
    }
    let head_timeout = Duration::from_secs(routes.app.config.limits.header_read_seconds);
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(head_timeout).max_buf_size(HEAD_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(HEAD_BYTES_MAX as u32);

    let spoken = Arc::new(AtomicBool::new(false));
    let has_spoken = spoken.clone();
    let service = service_fn(move |request: http::Request<Incoming>| {
        has_spoken.store(true, Ordering::Relaxed);
        let routes = routes.clone();
        async move { Ok::<_, Infallible>(answer(&routes, request.map(Body::new), peer).await) }
    });
    let mut connection = pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
    // Until the first request, hyper-util may be waiting for enough bytes to tell HTTP/1 from HTTP/2, without a limit.
    let mut silence = pin!(tokio::time::sleep(head_timeout));
    let mut waiting = true;
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, %peer, "connection ended");
                }
                return;
            }
            () = silence.as_mut(), if waiting => {
                waiting = false;
                if !spoken.load(Ordering::Relaxed) {
                    return tracing::debug!(%peer, "no request came in time");
                }
            }
            () = stop.cancelled(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}
