//! Calls made byte by byte over HTTP/2, for what a well-behaved client does not send.

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use hyper::{HeaderMap, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use servoir_tests::server::BOOTSTRAP_KEY;
use std::convert::Infallible;
use tokio::net::TcpStream;

/// How the body of a call goes on after its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It ends.
    End,
    /// Nothing more comes, and no end.
    Silence,
}

/// Headers beside the credential.
pub type Headers<'a> = &'a [(&'a str, &'a str)];

/// What came: the head's headers with the trailers'.
#[derive(Debug)]
pub struct Reply(HeaderMap);

impl Reply {
    /// `grpc-status`.
    pub fn code(&self) -> tonic::Code {
        tonic::Code::from_bytes(self.text("grpc-status").as_bytes())
    }

    /// `grpc-message`, decoded.
    pub fn message(&self) -> String {
        percent_decoded(self.text("grpc-message"))
    }

    /// A header's value, or nothing.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Makes a call with these headers and this body.
pub async fn call(url: &str, path: &str, headers: Headers<'_>, body: &[u8], then: Then) -> Reply {
    let address = url.strip_prefix("http://").expect("a plain URL");
    let stream = TcpStream::connect(address).await.expect("a connection");
    let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.expect("HTTP/2");
    let connection = tokio::spawn(connection);
    let mut request = Request::post(format!("{url}{path}")).header("x-api-key", BOOTSTRAP_KEY);
    if !headers.iter().any(|(name, _)| *name == "content-type") {
        request = request.header("content-type", "application/grpc");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let first = Frame::data(Bytes::copy_from_slice(body));
    let rest = match then {
        Then::End => stream::empty().left_stream(),
        Then::Silence => stream::pending().right_stream(),
    };
    let body = stream::iter([first]).chain(rest).map(Ok::<_, Infallible>);
    let request = request.body(StreamBody::new(body)).expect("a request");
    let response = sender.send_request(request).await.expect("an answer");
    assert_eq!(response.status(), 200, "{response:?}");
    let (head, body) = response.into_parts();
    let trailers = body.collect().await.expect("a whole answer").trailers().cloned().unwrap_or_default();
    connection.abort();
    Reply(head.headers.into_iter().chain(trailers).filter_map(|(name, value)| Some((name?, value))).collect())
}

/// A message in its frame.
pub fn frame(message: &impl prost::Message) -> Vec<u8> {
    let message = message.encode_to_vec();
    [&[0], &(message.len() as u32).to_be_bytes()[..], &message].concat()
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        match code.filter(|_| byte == b'%') {
            Some(decoded) => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            None => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).expect("UTF-8")
}
