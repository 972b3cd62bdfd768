//! Clients that break the rules of HTTP, or take their time.

use crate::{Target, models};
use futures_util::future::join_all;
use servoir_tests::server::BOOTSTRAP_KEY;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Far more than the servers of these tests allow.
const PATIENCE: Duration = Duration::from_secs(60);
/// Far more than removing a file takes once its upload is seen to have ended.
const CLEARED_WITHIN: Duration = Duration::from_secs(30);

/// Sends bytes, keeps the connection open, and reads until the server closes it.
async fn exchange(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("the server accepts");
    // The server may close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "the server keeps a broken connection open; so far: {}", String::from_utf8_lossy(&answer));
    String::from_utf8_lossy(&answer).into_owned()
}

fn head(target: &Target, extra: &str) -> String {
    format!(
        "POST /v1/predict/{} HTTP/1.1\r\nhost: x\r\nx-api-key: {BOOTSTRAP_KEY}\r\ncontent-type: application/json\r\n{extra}\r\n",
        target.model
    )
}

#[tokio::test]
async fn broken_and_slow_connections_are_closed() {
    let target = Target::start().await;
    let close = "connection: close\r\n";
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("garbage", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n".to_vec(), "400"),
        ("half a request line", b"POST /v1/pre".to_vec(), ""),
        ("half a head", b"POST /v1/predict/x HTTP/1.1\r\nhost: x\r\nx-a".to_vec(), ""),
        ("half of HTTP/2's preface", b"PRI * HT".to_vec(), ""),
        ("nothing at all", Vec::new(), ""),
        ("a head of 1 MB", format!("GET / HTTP/1.1\r\nhost: x\r\na: {}\r\n\r\n", "x".repeat(1 << 20)).into(), "431"),
        ("a body that stalls", format!("{}{{\"inst", head(&target, "content-length: 100\r\n")).into(), "408"),
        ("a chunk that stalls", format!("{}5\r\n{{\"a", head(&target, "transfer-encoding: chunked\r\n")).into(), "408"),
        ("a declared length over the limit", head(&target, "content-length: 99999999999\r\n").into(), "413"),
        ("a length that is no number", head(&target, "content-length: ten\r\n").into(), "400"),
        ("two lengths", head(&target, "content-length: 1\r\ncontent-length: 2\r\n").into(), "400"),
        (
            "a chunk size that overflows",
            format!("{}fffffffffffffffff\r\n", head(&target, "transfer-encoding: chunked\r\n")).into(),
            "400",
        ),
        (
            "a compressed body that is cut off",
            format!("{}\x1f\u{8b}", head(&target, &format!("content-length: 3\r\ncontent-encoding: gzip\r\n{close}")))
                .into(),
            "400",
        ),
        (
            "a body in a coding that is not known",
            format!("{}{{}}", head(&target, &format!("content-length: 2\r\ncontent-encoding: br\r\n{close}"))).into(),
            "415",
        ),
    ];
    // All at once: some are waited for as long as the server has patience.
    let address = target.address();
    join_all(cases.iter().map(async |(name, bytes, status)| {
        let started = Instant::now();
        let answer = exchange(&address, bytes).await;
        let line = answer.lines().next().unwrap_or_default();
        let took = started.elapsed();
        assert!(line.contains(status), "{name}: expected {status}, got '{line}' after {took:?}: {answer}");
    }))
    .await;
    target.unharmed("broken and slow connections").await;
    target.stop().await;
}

#[tokio::test]
async fn an_upload_that_is_cut_off_leaves_nothing() {
    let target = Target::start().await;
    let path = format!("{}/{}/versions", models(), target.model);
    let form = "--b\r\ncontent-disposition: form-data; name=\"artifact\"; filename=\"m.onnx\"\r\n\r\nhalf a mod";
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nx-api-key: {BOOTSTRAP_KEY}\r\ncontent-type: multipart/form-data; boundary=b\r\n\
         content-length: 100000\r\n\r\n{form}"
    );
    for cut in [form.len() / 2, 0] {
        let mut stream = TcpStream::connect(target.address()).await.expect("the server accepts");
        stream.write_all(&request.as_bytes()[..request.len() - cut]).await.expect("sent");
        drop(stream);
    }
    // A third one stalls instead.
    let answer = exchange(&target.address(), request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    let uploads = target.server.data_dir().join("scratch").join("uploads");
    let left = || std::fs::read_dir(&uploads).map(|entries| entries.count()).unwrap_or_default();
    let cleared = async {
        while left() > 0 {
            tokio::task::yield_now().await;
        }
    };
    let cleared = tokio::time::timeout(CLEARED_WITHIN, cleared).await;
    assert!(cleared.is_ok(), "{} files are left of cut uploads", left());
    target.unharmed("uploads cut off").await;
    let versions = target.api.get(&path).await.expect(200);
    assert_eq!(versions.json["count"], 1);
    target.stop().await;
}
