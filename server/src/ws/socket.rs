//! A socket that sends: frames are numbered, silence is questioned, and the end has a reason.

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use servoir_types::Timestamp;
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::{Instant, Interval, interval_at, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_util::sync::CancellationToken;

/// How often a client is asked whether it is still there. One that has not answered by the next time is gone.
const PING_EVERY: Duration = Duration::from_secs(20);
/// How long a client may take to make room for a frame before it is given up.
const SEND_WITHIN: Duration = Duration::from_secs(20);
/// How long a client may take to say goodbye.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);
/// The largest message that is taken where nothing else is said, in bytes.
pub const INCOMING_BYTES_MAX: usize = 64 * 1024;
/// What is kept ready for reading, and gathered before writing, in bytes: little, for many quiet clients.
const BUFFER_BYTES: usize = 4 * 1024;

/// Why a socket ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// There is nothing more to say: close code 1000, with these words.
    Finished(&'static str),
    /// The server goes: 1001.
    Stopping,
    /// What the client was let in for is no longer granted: 1008.
    Refused,
    /// The server cannot go on just now: 1011.
    Failed,
    /// The client broke the protocol: 1002.
    Malformed,
    /// The client sent a text that is not UTF-8: 1007.
    NotText,
    /// The client sent more than is taken: 1009.
    TooLarge,
    /// The client said goodbye.
    Left,
    /// The client is not there any more, or too slow to be.
    Gone,
}

/// A WebSocket to a client, over what was an HTTP connection.
pub struct Socket<S = TokioIo<Upgraded>> {
    stream: WebSocketStream<S>,
    stop: CancellationToken,
    pings: Interval,
    awaits_pong: bool,
    /// The number of the last frame.
    seq: u64,
}

/// A frame as it is sent.
#[derive(Serialize)]
struct Frame<'a, T> {
    seq: u64,
    r#type: &'a str,
    timestamp: Timestamp,
    #[serde(flatten)]
    body: &'a T,
}

/// The bounds of a socket that takes messages of so many bytes.
pub fn bounds(message_bytes_max: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(message_bytes_max))
        .max_frame_size(Some(message_bytes_max))
        .read_buffer_size(BUFFER_BYTES)
        .write_buffer_size(BUFFER_BYTES)
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    /// A socket that ends when `stop` says so.
    pub fn new(stream: WebSocketStream<S>, stop: CancellationToken) -> Self {
        let pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        Self { stream, stop, pings, awaits_pong: false, seq: 0 }
    }

    /// Sends a frame: a JSON text with `seq` (from 1, without gaps), `type`, `timestamp` and the fields of `body`.
    /// Nothing is queued: it returns when the client has room for the next.
    ///
    /// # Errors
    /// Why the socket ends instead.
    pub async fn send(&mut self, kind: &str, body: &(impl Serialize + Sync)) -> Result<(), End> {
        let frame = Frame { seq: self.seq + 1, r#type: kind, timestamp: Timestamp::now(), body };
        let Ok(text) = serde_json::to_string(&frame) else { return Err(End::Gone) };
        self.write(Message::text(text)).await?;
        self.seq += 1;
        Ok(())
    }

    /// Sends a text that has its number already.
    ///
    /// # Errors
    /// Why the socket ends instead.
    pub async fn send_text(&mut self, text: Bytes) -> Result<(), End> {
        let Ok(text) = Utf8Bytes::try_from(text) else { return Err(End::Failed) };
        self.write(Message::Text(text)).await
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// Why the socket ends instead.
    pub async fn send_bytes(&mut self, bytes: Bytes) -> Result<(), End> {
        self.write(Message::Binary(bytes)).await
    }

    /// Waits for `wake`, while the client is heard and asked whether it is there. What it says is not asked for, and
    /// not kept.
    ///
    /// # Errors
    /// Why the socket ends instead.
    pub async fn wait<T>(&mut self, wake: impl Future<Output = T>) -> Result<T, End> {
        let mut wake = pin!(wake);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return Err(End::Stopping),
                came = self.stream.next() => drop(self.hear(came)?),
                _ = self.pings.tick() => self.ping().await?,
                woken = wake.as_mut() => return Ok(woken),
            }
        }
    }

    /// The next message, while the client is asked whether it is there.
    ///
    /// # Errors
    /// Why the socket ends instead.
    pub async fn receive(&mut self) -> Result<Message, End> {
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return Err(End::Stopping),
                came = self.stream.next() => {
                    if let Some(message) = self.hear(came)? {
                        return Ok(message);
                    }
                }
                _ = self.pings.tick() => self.ping().await?,
            }
        }
    }

    /// Closes the socket, saying why, and gives the client a moment to answer.
    pub async fn close(mut self, end: End) {
        let (code, reason) = match end {
            End::Finished(reason) => (CloseCode::Normal, reason),
            End::Stopping => (CloseCode::Away, "the server is shutting down"),
            End::Refused => (CloseCode::Policy, "the credential is no longer valid"),
            End::Failed => (CloseCode::Error, "the server cannot go on just now; connect again"),
            End::Malformed => (CloseCode::Protocol, "the protocol was broken"),
            End::NotText => (CloseCode::Invalid, "a text is not UTF-8"),
            End::TooLarge => (CloseCode::Size, "the message is too large"),
            End::Left => (CloseCode::Normal, ""),
            End::Gone => return,
        };
        let goodbye = async {
            // After the client's own goodbye this only finishes the answer to it.
            let _ = self.stream.close(Some(CloseFrame { code, reason: reason.into() })).await;
            while let Some(Ok(_)) = self.stream.next().await {}
            // A connection that is dropped with bytes of the client unread is reset, and the goodbye is lost with it.
            let connection = self.stream.get_mut();
            let _ = connection.shutdown().await;
            let mut unread = [0; BUFFER_BYTES];
            while connection.read(&mut unread).await.is_ok_and(|bytes| bytes > 0) {}
        };
        let _ = timeout(CLOSE_WITHIN, goodbye).await;
    }

    /// What came, when it is a message.
    fn hear(&mut self, came: Option<Result<Message, Error>>) -> Result<Option<Message>, End> {
        match came {
            Some(Ok(Message::Pong(_))) => self.awaits_pong = false,
            Some(Ok(Message::Close(_))) => return Err(End::Left),
            Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => return Ok(Some(message)),
            Some(Ok(_)) => {}
            Some(Err(Error::Capacity(_))) => return Err(End::TooLarge),
            Some(Err(Error::Utf8(_))) => return Err(End::NotText),
            // A client that is gone is no breach: the stream ends without a goodbye.
            Some(Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))) => return Err(End::Gone),
            Some(Err(Error::Protocol(_))) => return Err(End::Malformed),
            Some(Err(_)) | None => return Err(End::Gone),
        }
        Ok(None)
    }

    async fn ping(&mut self) -> Result<(), End> {
        if self.awaits_pong {
            return Err(End::Gone);
        }
        self.awaits_pong = true;
        self.write(Message::Ping(Bytes::new())).await
    }

    async fn write(&mut self, message: Message) -> Result<(), End> {
        let sent = timeout(SEND_WITHIN, self.stream.send(message));
        match self.stop.run_until_cancelled(sent).await {
            Some(Ok(Ok(()))) => Ok(()),
            Some(_) => Err(End::Gone),
            None => Err(End::Stopping),
        }
    }
}
