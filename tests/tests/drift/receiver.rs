//! A receiver of webhooks on a port of its own: it answers as it is told, and keeps what came.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// How long a message may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A message that came.
#[derive(Debug, Clone)]
pub struct Message {
    /// By lower-case name.
    pub headers: HashMap<String, String>,
    pub body: String,
}

/// What the receiver does with a message.
#[derive(Debug, Clone)]
pub enum Reaction {
    /// Answers with this status line and these headers.
    Answer(&'static str),
    /// Hangs up without an answer.
    HangUp,
}

#[derive(Default)]
struct Shared {
    reactions: Mutex<VecDeque<Reaction>>,
    came: Mutex<Vec<Message>>,
    more: tokio::sync::Notify,
}

/// A receiver of webhooks.
pub struct Receiver {
    pub port: u16,
    shared: Arc<Shared>,
}

impl Receiver {
    /// Answers 204 to whatever no other reaction is told for.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared::default());
        let here = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&here);
                tokio::spawn(async move { serve(stream, &shared).await });
            }
        });
        Self { port, shared }
    }

    /// What happens to the next messages, in turn.
    pub fn will(&self, reactions: impl IntoIterator<Item = Reaction>) {
        self.shared.reactions.lock().expect("no panic").extend(reactions);
    }

    /// Everything that came so far.
    pub fn came(&self) -> Vec<Message> {
        self.shared.came.lock().expect("no panic").clone()
    }

    /// Waits until so many have come.
    pub async fn wait_for(&self, count: usize) -> Vec<Message> {
        let waiting = async {
            loop {
                let more = self.shared.more.notified();
                let came = self.came();
                if came.len() >= count {
                    return came;
                }
                more.await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("the messages come")
    }
}

async fn serve(stream: TcpStream, shared: &Shared) {
    let mut stream = BufReader::new(stream);
    while let Some(message) = read(&mut stream).await {
        shared.came.lock().expect("no panic").push(message);
        shared.more.notify_waiters();
        let reaction = shared.reactions.lock().expect("no panic").pop_front();
        let answer = match reaction.unwrap_or(Reaction::Answer("204 No Content")) {
            Reaction::Answer(answer) => format!("HTTP/1.1 {answer}\r\ncontent-length: 0\r\n\r\n"),
            Reaction::HangUp => return,
        };
        if stream.get_mut().write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Message> {
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some((name, value)) => drop(headers.insert(name.to_ascii_lowercase(), value.to_owned())),
            None if line.trim_end().is_empty() => break,
            None => {}
        }
    }
    let length = headers.get("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some(Message { headers, body: String::from_utf8(body).ok()? })
}
