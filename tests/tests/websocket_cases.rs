//! The framing of our WebSockets, case by case: what RFC 6455 has a server take, and what it has it refuse with which code.
//! The cases follow the sections of the Autobahn test suite: 1 framing, 2 pings, 3 reserved bits, 4 opcodes, 5
//! fragmentation, 6 UTF-8, 7 closing, 9 limits.

use servoir::ws::{INCOMING_BYTES_MAX, Socket, bounds};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(30);
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
const FIN: u8 = 0x80;

/// What a server that repeats every message answers.
#[derive(Debug, Clone, PartialEq)]
enum Said {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Pong(Vec<u8>),
    /// With this code; none when there is no code.
    Close(Option<u16>),
    /// The end of the connection.
    End,
}

/// A frame of a client: masked, its first byte as given.
fn frame(head: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let mut bytes = vec![head];
    match payload.len() {
        short @ 0..126 => bytes.push(0x80 | short as u8),
        medium @ 126..65536 => {
            bytes.push(0x80 | 126);
            bytes.extend((medium as u16).to_be_bytes());
        }
        long => {
            bytes.push(0x80 | 127);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    bytes.extend(mask);
    bytes.extend(payload.iter().enumerate().map(|(index, byte)| byte ^ mask[index % 4]));
    bytes
}

fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(FIN | CLOSE, &[&code.to_be_bytes(), reason].concat())
}

/// Whole messages that are repeated.
fn whole(head: u8, payload: &[u8]) -> (Vec<u8>, Vec<Said>) {
    let said = if head & 15 == TEXT { Said::Text(payload.to_vec()) } else { Said::Binary(payload.to_vec()) };
    (frame(head, payload), vec![said])
}

async fn server() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let stream =
                    accept_async_with_config(stream, Some(bounds(INCOMING_BYTES_MAX))).await.expect("a handshake");
                let mut socket = Socket::new(stream, CancellationToken::new());
                let end = loop {
                    let repeated = match socket.receive().await {
                        Ok(Message::Text(text)) => socket.send_text(text.into()).await,
                        Ok(Message::Binary(bytes)) => socket.send_bytes(bytes).await,
                        Ok(_) => Ok(()),
                        Err(end) => break end,
                    };
                    if let Err(end) = repeated {
                        break end;
                    }
                };
                socket.close(end).await;
            });
        }
    });
    address
}

async fn connect(address: std::net::SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("the server accepts");
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("an answer"));
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
    stream
}

/// The next thing that the server says.
async fn read(stream: &mut TcpStream) -> Said {
    let Ok(head) = stream.read_u8().await else { return Said::End };
    let Ok(length) = stream.read_u8().await else { return Said::End };
    assert_eq!((head & 0x70, length & 0x80), (0, 0), "no reserved bits, no mask");
    let length = match length {
        126 => u64::from(stream.read_u16().await.expect("a length")),
        127 => stream.read_u64().await.expect("a length"),
        short => u64::from(short),
    };
    let mut payload = vec![0; usize::try_from(length).expect("a length")];
    stream.read_exact(&mut payload).await.expect("a payload");
    assert_eq!(head & FIN, FIN, "answers are not fragmented");
    match head & 15 {
        TEXT => Said::Text(payload),
        BINARY => Said::Binary(payload),
        PONG => Said::Pong(payload),
        CLOSE => Said::Close(payload.first_chunk().map(|code| u16::from_be_bytes(*code))),
        other => panic!("an answer with the opcode {other}"),
    }
}

/// Sends bytes in pieces of `chunk`, then a normal close, and checks everything that comes.
async fn check(address: std::net::SocketAddr, name: &str, bytes: &[u8], expected: Vec<Said>, chunk: usize) {
    let mut stream = connect(address).await;
    let closes = expected.iter().any(|said| matches!(said, Said::Close(_)));
    for piece in bytes.chunks(chunk) {
        // A server that has refused what came so far may be gone.
        if stream.write_all(piece).await.is_err() {
            break;
        }
        if chunk < bytes.len() {
            tokio::task::yield_now().await;
        }
    }
    if !closes {
        stream.write_all(&close(1000, b"")).await.expect("written");
    }
    let expected: Vec<Said> =
        if closes { expected } else { expected.into_iter().chain([Said::Close(Some(1000))]).collect() };
    let came = async {
        let mut came = Vec::new();
        loop {
            let said = read(&mut stream).await;
            let over = matches!(said, Said::Close(_) | Said::End);
            came.push(said);
            if over {
                return came;
            }
        }
    };
    let came = tokio::time::timeout(PATIENCE, came).await.unwrap_or_else(|_| panic!("{name}: no answer"));
    assert!(came == expected, "{name} in pieces of {chunk}: {came:?}");
}

type Case = (String, Vec<u8>, Vec<Said>);

fn refused(name: impl Into<String>, bytes: Vec<u8>, code: u16) -> Case {
    (name.into(), bytes, vec![Said::Close(Some(code))])
}

fn framing(cases: &mut Vec<Case>) {
    for length in [0, 1, 125, 126, 127, 128, 32_768, 65_535, 65_536] {
        for (section, head, byte) in [("1.1", FIN | TEXT, b'*'), ("1.2", FIN | BINARY, 0xfe)] {
            let (bytes, said) = whole(head, &vec![byte; length]);
            cases.push((format!("{section} {length} bytes"), bytes, said));
        }
    }
    cases.push(refused("9 a message over the limit", frame(FIN | BINARY, &vec![0; 65_537]), 1009));
    let halves = [frame(BINARY, &vec![0; 40_000]), frame(FIN, &vec![0; 40_000])].concat();
    cases.push(refused("9 fragments over the limit", halves, 1009));
    let mut huge = vec![FIN | BINARY, 0x80 | 127];
    huge.extend(u64::MAX.to_be_bytes());
    huge.extend([0; 4]);
    cases.push(refused("9 a length that no message has", huge, 1009));
}

fn pings(cases: &mut Vec<Case>) {
    for payload in [&b""[..], b"Hello", &[0, 0xff, 0xfe, 0xfd], &[0xfe; 125]] {
        let bytes = frame(FIN | PING, payload);
        cases.push((format!("2 a ping of {} bytes", payload.len()), bytes, vec![Said::Pong(payload.to_vec())]));
    }
    cases.push(refused("2.5 a ping of 126 bytes", frame(FIN | PING, &[0xfe; 126]), 1002));
    cases.push(("2.7 a pong that nobody asked for".into(), frame(FIN | PONG, b"unasked"), vec![]));
    let text = [frame(FIN | PONG, b"x"), frame(FIN | PING, b"y"), frame(FIN | TEXT, b"z")].concat();
    cases.push(("2.9 both, and a text".into(), text, vec![Said::Pong(b"y".to_vec()), Said::Text(b"z".to_vec())]));
}

fn reserved(cases: &mut Vec<Case>) {
    for bits in 1..8 {
        for opcode in [TEXT, BINARY, PING, CLOSE] {
            cases.push(refused(
                format!("3 bits {bits} of opcode {opcode}"),
                frame(FIN | bits << 4 | opcode, b""),
                1002,
            ));
        }
    }
    for opcode in (3..8).chain(11..16) {
        for payload in [&b""[..], b"reserved"] {
            cases.push(refused(format!("4 opcode {opcode}"), frame(FIN | opcode, payload), 1002));
        }
    }
    let unmasked = [FIN | TEXT, 5, b'H', b'e', b'l', b'l', b'o'].to_vec();
    cases.push(refused("5.1 of the RFC: a frame without a mask", unmasked, 1002));
}

fn fragments(cases: &mut Vec<Case>) {
    let said = |text: &[u8]| vec![Said::Text(text.to_vec())];
    for opcode in [PING, PONG, CLOSE] {
        let bytes = [frame(opcode, b"part"), frame(FIN, b"rest")].concat();
        cases.push(refused(format!("5.1 opcode {opcode} in fragments"), bytes, 1002));
    }
    cases.push(("5.3 two".into(), [frame(TEXT, b"one"), frame(FIN, b"two")].concat(), said(b"onetwo")));
    let between = [frame(TEXT, b"one"), frame(FIN | PING, b"p"), frame(0, b"two"), frame(FIN, b"")].concat();
    let mut answers = vec![Said::Pong(b"p".to_vec())];
    answers.extend(said(b"onetwo"));
    cases.push(("5.6 a ping between".into(), between, answers));
    cases.push(refused("5.9 a continuation of nothing", frame(FIN, b"rest"), 1002));
    cases.push(refused("5.12 a continuation of nothing, to be continued", frame(0, b"rest"), 1002));
    cases.push(refused("5.18 another message within", [frame(TEXT, b"a"), frame(FIN | TEXT, b"b")].concat(), 1002));
    cases.push(refused("5.18 another kind within", [frame(TEXT, b"a"), frame(BINARY, b"b")].concat(), 1002));
    let empty = [frame(TEXT, b""), frame(0, b""), frame(FIN, b"")].concat();
    cases.push(("6.1 nothing in fragments".into(), empty, said(b"")));
    let many: Vec<u8> =
        (0..100).flat_map(|n| frame(if n == 0 { TEXT } else { 0 }, b"x")).chain(frame(FIN, b"")).collect();
    cases.push(("5.15 a hundred".into(), many, said(&[b'x'; 100])));
}

/// Texts that are UTF-8 and byte sequences that are not: Markus Kuhn's boundary conditions and impossible sequences.
fn utf8(cases: &mut Vec<Case>) {
    let good = [
        "κόσμε",
        "\0",
        "\u{7f}",
        "\u{80}",
        "\u{7ff}",
        "\u{800}",
        "\u{d7ff}",
        "\u{e000}",
        "\u{fffd}",
        "\u{fffe}",
        "\u{ffff}",
        "\u{10000}",
        "\u{10ffff}",
        "Hello-µ@ßöäüàá-UTF-8!!",
    ];
    for text in good {
        let (bytes, said) = whole(FIN | TEXT, text.as_bytes());
        cases.push((format!("6 {text:?}"), bytes, said));
        let bytes: Vec<u8> = text
            .bytes()
            .enumerate()
            .flat_map(|(n, byte)| frame(if n == 0 { TEXT } else { 0 }, &[byte]))
            .chain(frame(FIN, b""))
            .collect();
        cases.push((format!("6 {text:?}, byte by byte"), bytes, vec![Said::Text(text.into())]));
    }
    let bad: [&[u8]; 22] = [
        b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
        b"\x80",
        b"\xbf",
        b"\x80\xbf",
        b"\xc0 ",
        b"\xe0 ",
        b"\xf0 ",
        b"\xc3",
        b"\xe2\x82",
        b"\xf0\x9f\x98",
        b"\xfe",
        b"\xff",
        b"\xfe\xfe\xff\xff",
        b"\xc0\xaf",
        b"\xe0\x80\xaf",
        b"\xf0\x80\x80\xaf",
        b"\xc1\xbf",
        b"\xed\xa0\x80",
        b"\xed\xbf\xbf",
        b"\xed\xa0\x80\xed\xb0\x80",
        b"\xf4\x90\x80\x80",
        b"\xf8\x88\x80\x80\x80",
    ];
    for bytes in bad {
        cases.push(refused(format!("6 {bytes:x?}"), frame(FIN | TEXT, bytes), 1007));
        let (first, rest) = bytes.split_at(bytes.len() / 2);
        let halves = [frame(TEXT, first), frame(FIN, rest)].concat();
        cases.push(refused(format!("6 {bytes:x?} in fragments"), halves, 1007));
    }
}

fn closing(cases: &mut Vec<Case>) {
    cases.push(("7.1 after a text".into(), frame(FIN | TEXT, b"bye"), vec![Said::Text(b"bye".to_vec())]));
    cases.push(("7.3.1 without a code".into(), frame(FIN | CLOSE, b""), vec![Said::Close(None)]));
    cases.push(refused("7.3.2 of one byte", frame(FIN | CLOSE, &[3]), 1002));
    cases.push(refused("7.3.5 with a reason", close(1000, &[b'x'; 123]), 1000));
    cases.push(refused("7.3.6 of 126 bytes", close(1000, &[b'x'; 124]), 1002));
    cases.push(refused("7.5.1 a reason that is not UTF-8", close(1000, b"\xce\xba\xed\xa0\x80"), 1007));
    for code in [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999] {
        cases.push(refused(format!("7.7 code {code}"), close(code, b""), code));
    }
    for code in [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535] {
        cases.push(refused(format!("7.9 code {code}"), close(code, b""), 1002));
    }
    let late = [close(1000, b""), frame(FIN | TEXT, b"late"), frame(FIN | PING, b"late")].concat();
    cases.push(refused("7.1.3 a text and a ping after it", late, 1000));
}

#[tokio::test]
async fn every_case_is_answered_as_the_rfc_says() {
    let address = server().await;
    let mut cases = Vec::new();
    for section in [framing, pings, reserved, fragments, utf8, closing] {
        section(&mut cases);
    }
    let count = cases.len();
    for (name, bytes, expected) in cases {
        check(address, &name, &bytes, expected.clone(), usize::MAX).await;
        if bytes.len() < 1024 {
            check(address, &name, &bytes, expected, 1).await;
        }
    }
    assert!(count > 150, "{count} cases");
}
