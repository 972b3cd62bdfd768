//! HTTP/1.1 without memory of its own.

use crate::Caller;
use servoir_tests::server::BOOTSTRAP_KEY;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

/// The longest answer.
const ANSWER_BYTES_MAX: usize = 2048;

/// A connection that sends one request again and again.
pub struct Http1 {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Http1 {
    /// `fields` are lines of the head, each with its end.
    pub fn new(address: SocketAddr, (path, fields): (&str, &str), body: &[u8]) -> Self {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {BOOTSTRAP_KEY}\r\n{fields}Content-Length: {}\r\n\r\n",
            body.len()
        );
        let stream = TcpStream::connect(address).expect("the server accepts");
        Self { stream, request: [head.as_bytes(), body].concat(), answer: vec![0; ANSWER_BYTES_MAX] }
    }
}

impl Caller for Http1 {
    fn ask(&mut self) {
        self.stream.write_all(&self.request).expect("the request is sent");
        let mut came = 0;
        while !is_whole(&self.answer[..came]) {
            let more = self.stream.read(&mut self.answer[came..]).expect("an answer comes");
            assert!(more > 0, "the connection stays, and there is room");
            came += more;
        }
        assert!(self.answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&self.answer[..came]));
    }
}

/// Whether the body is as long as the head says.
fn is_whole(answer: &[u8]) -> bool {
    const END: &[u8] = b"\r\n\r\n";
    let Some(head) = answer.windows(END.len()).position(|end| end == END) else { return false };
    let lines = std::str::from_utf8(&answer[..head]).expect("a head").lines();
    let length = lines.filter_map(|line| line.strip_prefix("content-length: ")).next().expect("a length");
    answer.len() == head + END.len() + length.parse::<usize>().expect("a number")
}
