//! gRPC without memory of its own: frames of HTTP/2 (RFC 9113) whose heads (RFC 7541) are made once.

use crate::Caller;
use servoir_tests::server::BOOTSTRAP_KEY;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;

/// Flags. That a frame acknowledges another has the bit of a stream's end.
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// Of a frame's head, and in it of the stream's number.
const FRAME_HEAD_BYTES: usize = 9;
const STREAM_AT: usize = 5;
/// A message is told whether it is compressed, and how long it is.
const MESSAGE_HEAD_BYTES: usize = 5;
/// More than the frames of an answer take.
const ANSWER_BYTES_MAX: usize = 2048;

/// Fields that are in HPACK's own table: `:method: POST` and `:scheme: http`.
const KNOWN: [u8; 2] = [0x80 | 3, 0x80 | 6];
/// The first place behind HPACK's own table: that of the field that was added last.
const LAST_ADDED: usize = 62;

/// A connection that makes one call again and again.
pub struct Grpc {
    stream: TcpStream,
    /// The frames of the first call, which tell the fields of its head, and of all others, which say that they are the same.
    first: Vec<u8>,
    next: Vec<u8>,
    /// The last call's stream.
    number: u32,
    /// What came and was not read.
    came: Vec<u8>,
    len: usize,
}

impl Grpc {
    /// A connection to a server that calls `path` with a message.
    pub fn new(address: SocketAddr, path: &str, message: &[u8]) -> Self {
        // In place of a name, its number in HPACK's own table.
        let named = |name: &str| [&[0x40, name.len() as u8], name.as_bytes()].concat();
        let fields = [
            (vec![0x40 | 1], "localhost"),
            (vec![0x40 | 4], path),
            (vec![0x40 | 31], "application/grpc"),
            (named("te"), "trailers"),
            (named("x-api-key"), BOOTSTRAP_KEY),
        ];
        let (mut told, mut same) = (KNOWN.to_vec(), KNOWN.to_vec());
        for (place, (name, value)) in fields.iter().enumerate() {
            told.extend_from_slice(name);
            told.push(value.len() as u8);
            told.extend_from_slice(value.as_bytes());
            same.push(0x80 | (LAST_ADDED + fields.len() - 1 - place) as u8);
        }
        let message = [&[0], &(message.len() as u32).to_be_bytes()[..], message].concat();
        let call = |head: &[u8]| [frame(HEADERS, END_HEADERS, head), frame(DATA, END_STREAM, &message)].concat();
        let mut stream = TcpStream::connect(address).expect("the server accepts");
        stream.set_nodelay(true).expect("a connection");
        // Answers of all calls together may be as long as they can be.
        let room = frame(WINDOW_UPDATE, 0, &(1_u32 << 30).to_be_bytes());
        let begin = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &frame(SETTINGS, 0, &[])[..], &room].concat();
        stream.write_all(&begin).expect("the connection begins");
        let came = vec![0; ANSWER_BYTES_MAX];
        // A client's streams have odd numbers.
        Self { stream, first: call(&told), next: call(&same), number: u32::MAX, came, len: 0 }
    }

    /// Makes sure that so many bytes have come.
    fn await_bytes(&mut self, count: usize) {
        while self.len < count {
            let more = self.stream.read(&mut self.came[self.len..]).expect("an answer comes");
            assert!(more > 0, "the connection stays, and there is room");
            self.len += more;
        }
    }

    /// Answers the server where it waits for that.
    fn acknowledge(&mut self, kind: u8, payload: [u8; 8], len: usize) {
        let mut frame = [0; FRAME_HEAD_BYTES + 8];
        (frame[2], frame[3], frame[4]) = (len as u8, kind, ACK);
        frame[FRAME_HEAD_BYTES..].copy_from_slice(&payload);
        self.stream.write_all(&frame[..FRAME_HEAD_BYTES + len]).expect("sent");
    }
}

impl Caller for Grpc {
    fn ask(&mut self) {
        let is_first = self.number == u32::MAX;
        self.number = self.number.wrapping_add(2);
        let number = self.number.to_be_bytes();
        let call = if is_first { &mut self.first } else { &mut self.next };
        let data = FRAME_HEAD_BYTES + payload_len(call);
        for head in [0, data] {
            call[head + STREAM_AT..head + FRAME_HEAD_BYTES].copy_from_slice(&number);
        }
        self.stream.write_all(call).expect("the call is sent");
        let mut message_bytes = 0;
        loop {
            self.await_bytes(FRAME_HEAD_BYTES);
            let len = payload_len(&self.came);
            let end = FRAME_HEAD_BYTES + len;
            self.await_bytes(end);
            let (kind, flags) = (self.came[3], self.came[4]);
            let is_its = self.came[STREAM_AT..FRAME_HEAD_BYTES] == number;
            let mut begin = [0; 8];
            let shown = len.min(begin.len());
            begin[..shown].copy_from_slice(&self.came[FRAME_HEAD_BYTES..FRAME_HEAD_BYTES + shown]);
            self.came.copy_within(end..self.len, 0);
            self.len -= end;
            match kind {
                SETTINGS if flags & ACK == 0 => self.acknowledge(SETTINGS, [0; 8], 0),
                PING if flags & ACK == 0 => self.acknowledge(PING, begin, 8),
                SETTINGS | PING | WINDOW_UPDATE => {}
                DATA if is_its => message_bytes += len,
                HEADERS if is_its && flags & END_STREAM == 0 => {}
                HEADERS if is_its => break,
                _ => panic!("a frame of kind {kind} with flags {flags} and {begin:?}"),
            }
        }
        // What fails has no message.
        assert!(message_bytes > MESSAGE_HEAD_BYTES, "an answer");
    }
}

/// A frame of a connection, or of the stream whose number is written into it later.
fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let [_, len @ ..] = (payload.len() as u32).to_be_bytes();
    [&len, &[kind, flags][..], &[0; 4], payload].concat()
}

/// What the head of a frame says.
fn payload_len(frame: &[u8]) -> usize {
    u32::from_be_bytes([0, frame[0], frame[1], frame[2]]) as usize
}
