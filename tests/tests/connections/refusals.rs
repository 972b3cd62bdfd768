//! Requests that are refused before their body is read, and the connection that they came on.

use crate::Churn;
use serde_json::json;
use servoir_tests::server::{BOOTSTRAP_KEY, Database, TestServer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Connections that are tried: whether a body comes before or after the refusal is the scheduler's choice.
const TRIES: usize = 20;

fn head(model: &str, key: &str, fields: &str) -> String {
    format!("POST /v1/predict/{model} HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\n{fields}\r\n")
}

/// One answer's head, and as much of its body as its length says.
async fn answer(stream: &mut TcpStream) -> String {
    let mut came = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&came);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.and_then(|length| length.parse().ok()).unwrap_or(0) {
                return text.into_owned();
            }
        }
        let read = stream.read_buf(&mut came).await.expect("the connection holds");
        assert!(read > 0, "the connection ended after: {}", String::from_utf8_lossy(&came));
    }
}

#[tokio::test]
async fn the_connection_goes_on_after_a_body_that_nobody_read() {
    // A refused body is waited for as long as this test may be held up between two writes.
    let server = TestServer::start_with(Database::Sqlite, |config| config.limits.body_idle_seconds = 3600).await;
    let churn = Churn::read();
    server.api().serve("churn", churn.model).await;
    let body = churn.body.to_string();
    let long = format!("{body}{}", " ".repeat(1 << 20));
    let wrong_key = "a-key-that-nobody-has-0123456789-0123456789";
    for (model, key, status) in [("nobody", BOOTSTRAP_KEY, "404 Not Found"), ("churn", wrong_key, "401 Unauthorized")] {
        for sent in [&body, &long] {
            for _ in 0..TRIES {
                let mut stream = TcpStream::connect(server.address()).await.expect("the server accepts");
                let length = format!("content-length: {}\r\n", sent.len());
                stream.write_all(head(model, key, &length).as_bytes()).await.expect("the head is sent");
                tokio::task::yield_now().await;
                stream.write_all(sent.as_bytes()).await.expect("the body is sent");
                let refused = answer(&mut stream).await;
                assert!(refused.starts_with(&format!("HTTP/1.1 {status}")), "{refused}");
                let length = format!("content-length: {}\r\n", body.len());
                let next = head("churn", BOOTSTRAP_KEY, &length) + &body;
                stream.write_all(next.as_bytes()).await.expect("the next request is sent");
                let answered = answer(&mut stream).await;
                assert!(answered.starts_with("HTTP/1.1 200 OK"), "{answered}");
            }
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn an_answer_says_when_its_connection_cannot_go_on() {
    // Nobody waits long for the last one.
    let server = TestServer::start_with(Database::Sqlite, |config| config.limits.body_idle_seconds = 1).await;
    // More than is thrown away; a client that asks first; one that never sends what it announced.
    for fields in
        ["content-length: 99999999999\r\n", "content-length: 9\r\nexpect: 100-continue\r\n", "content-length: 9\r\n"]
    {
        let mut stream = TcpStream::connect(server.address()).await.expect("the server accepts");
        stream.write_all(head("nobody", BOOTSTRAP_KEY, fields).as_bytes()).await.expect("the head is sent");
        let mut refused = String::new();
        stream.read_to_string(&mut refused).await.expect("an answer, and the end");
        assert!(refused.starts_with("HTTP/1.1 4"), "{fields}: {refused}");
        assert!(refused.contains("connection: close\r\n"), "{fields}: {refused}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_long_body_is_not_read_when_its_request_would_wait_too_long() {
    let server = TestServer::start().await;
    let (api, churn) = (server.api(), Churn::read());
    let model = api.serve("churn", churn.model).await;
    // Two requests run together at once, one waits ten seconds for another; and nobody may wait for what has a cost.
    let company = json!({"maxBatchSize": 2, "maxQueueDelayMs": 10_000});
    api.deploy(&model, json!({"version": 1, "batching": company, "latencyTargetMs": 1e-6})).await.expect(200);
    let ask = || async { api.post("/v1/predict/churn", churn.body.clone()).await };
    let (one, other) = tokio::join!(ask(), ask());
    assert_eq!((one.status.as_u16(), other.status.as_u16()), (200, 200), "what a row costs is known from these");
    let mut waiting = Box::pin(ask());
    let is_queued = async {
        while server.app().serving.entries()[0].1.live().is_none_or(|live| live.primary.gauges().queue_rows == 0) {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = &mut waiting => panic!("answered alone: {}", answer.text),
        () = is_queued => {}
    }
    let mut stream = TcpStream::connect(server.address()).await.expect("the server accepts");
    let fields = "content-length: 100000\r\nexpect: 100-continue\r\n";
    stream.write_all(head("churn", BOOTSTRAP_KEY, fields).as_bytes()).await.expect("the head is sent");
    let refused = answer(&mut stream).await;
    assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
    assert!(refused.contains("\"latency-target\"") && refused.contains("retry-after: 1\r\n"), "{refused}");
    // One row that has come is asked about as before.
    ask().await.expect(429);
    drop(waiting);
    server.stop().await;
}
