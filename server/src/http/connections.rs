//! Connections: accepted up to a limit, served over HTTP/1.1 and HTTP/2, finished in peace when the server goes.

use crate::data_threads::DataThread;
use crate::http::answered::Answered;
use crate::http::aside::Aside;
use crate::http::cors;
use crate::http::outermost::{Routes, answer};
use crate::http::patience::Waits;
use crate::http::stream::Stream;
use crate::http::tls::{self, Tls};
use crate::http::unread::{Unread, Watched};
use http::{HeaderValue, StatusCode, Version, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto;
use std::any::Any;
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The largest request head, in bytes.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Streams that one HTTP/2 connection may have open.
const STREAMS_MAX: u32 = 256;
/// Streams that a client has reset and the server has not yet forgotten: more than these, and the connection ends.
const RESETS_PENDING_MAX: usize = 64;
/// What a client may send on one HTTP/2 stream before the server has read it, in bytes: a tensor without a pause.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
/// The same for all streams of a connection together.
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;
/// The largest HTTP/2 frame that is taken, in bytes.
const FRAME_BYTES_MAX: u32 = 64 * 1024;
/// How often an HTTP/2 client that says nothing is asked whether it is still there.
const PING_EVERY: Duration = Duration::from_secs(20);
/// How long it may take to answer.
const PONG_WITHIN: Duration = Duration::from_secs(20);
/// How long accepting pauses when the system is out of file descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What accepts connections on one address.
pub struct Acceptor {
    /// The address.
    pub listener: TcpListener,
    /// What answers.
    pub routes: Arc<Routes>,
    /// With what connections are encrypted; `None`: they are plain.
    pub tls: Option<Arc<Tls>>,
    /// Places for connections, shared by all addresses.
    pub limit: Arc<Semaphore>,
    /// The threads that connections live on.
    pub threads: Vec<DataThread>,
    /// Says when to stop accepting.
    pub stop: CancellationToken,
    /// The connections that are open.
    pub open: TaskTracker,
}

impl Acceptor {
    /// Accepts connections until told to stop, then returns; connections go on until each has finished what it is
    /// answering.
    pub async fn run(self) {
        let mut is_told = false;
        loop {
            // A place is taken before a connection is accepted: past the limit, callers wait in the system's backlog.
            let accepted = async {
                let place = self.limit.clone().acquire_owned().await.ok()?;
                Some((place, self.listener.accept().await))
            };
            let accepted = tokio::select! {
                () = self.stop.cancelled() => return,
                accepted = accepted => accepted,
            };
            let Some((place, accepted)) = accepted else { return };
            match accepted {
                Ok((stream, peer)) => {
                    is_told = false;
                    if let Err(error) = self.settle(stream, peer, place) {
                        tracing::debug!(%error, %peer, "the connection was gone at once");
                    }
                }
                Err(error) => {
                    if !std::mem::replace(&mut is_told, true) {
                        tracing::warn!(%error, "cannot accept a connection; trying again until it is possible");
                    }
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Gives a connection to the thread that it will live on.
    fn settle(&self, stream: TcpStream, peer: SocketAddr, place: OwnedSemaphorePermit) -> io::Result<()> {
        // It registers with the thread's own poller when it is made again there.
        let stream = stream.into_std()?;
        let thread = DataThread::least_loaded(&self.threads).ok_or_else(|| io::Error::other("there are no threads"))?;
        let counted = (place, self.routes.app.metrics.connection(), thread.settle());
        let lease = Arc::new(Lease { place: Arc::new(counted), stop: self.stop.clone(), open: self.open.clone() });
        let connection = Connection { peer, routes: self.routes.clone(), lease: lease.clone() };
        let tls = self.tls.clone();
        lease.spawn_on(thread.runtime(), async move {
            match TcpStream::from_std(stream) {
                Ok(stream) => serve_encrypted_or_not(stream, tls, connection).await,
                Err(error) => tracing::warn!(%error, %peer, "a connection cannot be served"),
            }
        });
        Ok(())
    }
}

/// What one connection needs beside its bytes.
struct Connection {
    peer: SocketAddr,
    routes: Arc<Routes>,
    lease: Arc<Lease>,
}

/// What the requests of a connection share.
struct Shared {
    routes: Arc<Routes>,
    lease: Arc<Lease>,
    unread: Arc<Unread>,
}

/// A connection's place among those that may be open. What an upgrade makes of a connection keeps it.
pub struct Lease {
    place: Arc<dyn Any + Send + Sync>,
    stop: CancellationToken,
    open: TaskTracker,
}

impl Lease {
    /// Says when the server goes, and the connection with it.
    pub fn stop(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Runs `task` as a part of the connection: it keeps the place, and the server waits for it when it goes.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.spawn_on(&Handle::current(), task);
    }

    fn spawn_on(&self, runtime: &Handle, task: impl Future<Output = ()> + Send + 'static) {
        let place = self.place.clone();
        let task = async move {
            let _place = place;
            task.await;
        };
        self.open.spawn_on(task, runtime);
    }
}

/// How long a handshake, and then a request's head, and more of its body, may take.
fn waits(routes: &Routes) -> Waits {
    let limits = &routes.app.config.limits;
    let (head, body) = (limits.header_read_seconds, limits.body_idle_seconds);
    Waits { head: Duration::from_secs(head), body: Duration::from_secs(body) }
}

async fn serve_encrypted_or_not(stream: TcpStream, tls: Option<Arc<Tls>>, connection: Connection) {
    let peer = connection.peer;
    if let Err(error) = stream.set_nodelay(true) {
        return tracing::debug!(%error, %peer, "the connection was gone at once");
    }
    let Some(tls) = tls else { return serve(stream, connection).await };
    let handshake = async {
        match tls::refuse_plain_text(stream).await? {
            Some(stream) => tls.accept(stream).await.map(Some),
            None => Ok(None),
        }
    };
    // A server that goes waits for answers, not for handshakes.
    let handshake =
        connection.lease.stop.run_until_cancelled(tokio::time::timeout(waits(&connection.routes).head, handshake));
    match handshake.await {
        Some(Ok(Ok(Some(stream)))) => serve(stream, connection).await,
        Some(Ok(Ok(None))) => tracing::debug!(%peer, "plain HTTP came to a port that speaks TLS"),
        Some(Ok(Err(error))) => tracing::debug!(%error, %peer, "the TLS handshake failed"),
        Some(Err(_)) => tracing::debug!(%peer, "the TLS handshake took too long"),
        None => {}
    }
}

fn protocols() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // Answers to pipelined requests are not gathered (hyper's `pipeline_flush`): one would wait for what comes after it,
    // and they would pile up for a client that does not read.
    // Half-closed connections are taken for closed ones, as most servers do: else a client that has gone could not be
    // told from one that waits, and what it asked for would be computed for nobody.
    // How long a head may take is the connection's to watch (`patience`): hyper's own way is a timer for each request.
    builder.http1().header_read_timeout(None).max_buf_size(HEAD_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_pending_accept_reset_streams(RESETS_PENDING_MAX)
        .max_header_list_size(HEAD_BYTES_MAX as u32)
        .max_frame_size(FRAME_BYTES_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PONG_WITHIN);
    builder
}

async fn serve<S>(stream: S, connection: Connection)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Connection { peer, routes, lease } = connection;
    let waits = waits(&routes);
    let stop = lease.stop();
    // What the requests of this connection share is the connection's own: a count that all threads changed would go back
    // and forth between their caches.
    let unread = Arc::new(Unread::default());
    let shared = Arc::new(Shared { routes, lease, unread: Arc::clone(&unread) });
    let service = service_fn(move |request| respond(Arc::clone(&shared), request, peer));
    let builder = protocols();
    let stream = Stream::new(stream, Arc::clone(&unread));
    let mut connection = pin!(builder.serve_connection_with_upgrades(stream, service));
    let patience = unread.patience();
    let mut beside = Aside::new(async {
        tokio::select! {
            () = patience.lost(waits) => Event::Lost,
            () = stop.cancelled() => Event::Stop,
        }
    });
    let mut lost = Aside::new(patience.lost(waits));
    let mut stopping = false;
    loop {
        let event = poll_fn(|context| match connection.as_mut().poll(context) {
            Poll::Ready(ended) => Poll::Ready(Event::Ended(ended)),
            Poll::Pending if stopping => lost.poll(context).map(|()| Event::Lost),
            Poll::Pending => beside.poll(context),
        });
        match event.await {
            Event::Ended(Ok(())) => return,
            Event::Ended(Err(error)) => return tracing::debug!(%error, %peer, "connection ended"),
            Event::Lost => return tracing::debug!(%peer, "no request came in time"),
            Event::Stop => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// What a connection's task wakes for.
enum Event<E> {
    /// The connection has ended.
    Ended(Result<(), E>),
    /// Its client was waited for too long.
    Lost,
    /// The server goes.
    Stop,
}

/// Answers one request of a connection.
async fn respond(
    shared: Arc<Shared>,
    request: http::Request<Incoming>,
    peer: SocketAddr,
) -> Result<http::Response<Answered>, Infallible> {
    let Shared { routes, lease, unread } = &*shared;
    unread.patience().await_nothing();
    let is_http1 = request.version() < Version::HTTP_2;
    // A client that asked whether to send its body, and is refused, does not send it.
    let asks_first = request.headers().contains_key(header::EXPECT);
    let mut request = request.map(|body| match is_http1 {
        true => Watched::http1(body, unread),
        false => Watched::http2(body),
    });
    if request.headers().contains_key(header::UPGRADE) {
        request.extensions_mut().insert(Arc::clone(lease));
    }
    let mut response = match &routes.cors {
        None => answer(routes, request, peer).await,
        Some(layer) => Box::pin(cors::around(layer, request, |request| answer(routes, request, peer))).await,
    };
    if is_http1 {
        let goes_on = if asks_first { !unread.forget() } else { unread.finish(waits(routes).body).await };
        // Whoever comes again is to come to another server, where an address stands for several.
        let is_leaving = routes.app.readiness.is_draining() && response.status() != StatusCode::SWITCHING_PROTOCOLS;
        if !goes_on || is_leaving {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
    let connection = is_http1.then(|| Arc::clone(unread));
    Ok(response.map(|body| Answered::new(body, connection)))
}
