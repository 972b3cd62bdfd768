//! What one caller may take of the server, and what the bodies of all may.

use crate::Churn;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use servoir_tests::api::{Answer, Api, REGISTRY};
use servoir_tests::server::{BOOTSTRAP_KEY, Database, TestServer};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// More than any caller of these tests asks while it is being set up, and fewer than any machine answers.
const PER_SECOND: u32 = 10;
/// Requests at once, again and again until one is refused,
const AT_ONCE: u32 = 3 * PER_SECOND;
/// and at most so many.
const ASKED_MAX: u32 = 100 * AT_ONCE;

/// Asks in haste until somebody is refused. As many are let in as may be in the time that it takes: the statuses.
async fn in_haste<F: Future<Output = Answer>>(ask: impl Fn() -> F, let_in: u16) {
    let begun = Instant::now();
    let (mut inside, mut refused) = (0, 0);
    while refused == 0 {
        assert!(inside < ASKED_MAX, "{inside} let in, and none refused");
        for answer in join_all((0..AT_ONCE).map(|_| ask())).await {
            match answer.status.as_u16() {
                429 => {
                    assert_eq!((answer.code(), answer.header("retry-after")), ("rate-limited", "1"), "{}", answer.text);
                    refused += 1;
                }
                status => {
                    assert_eq!(status, let_in, "{}", answer.text);
                    inside += 1;
                }
            }
        }
    }
    let most = f64::from(PER_SECOND) * (1.0 + begun.elapsed().as_secs_f64());
    assert!(inside > 0, "none let in, {refused} refused");
    assert!(f64::from(inside) <= most, "{inside} let in, {PER_SECOND} a second make {most} at most");
}

#[tokio::test]
async fn a_caller_in_haste_is_held_up_and_no_other() {
    let server = TestServer::start_with(Database::Sqlite, |config| {
        config.limits.caller_requests_per_second_max = PER_SECOND;
    })
    .await;
    let churn = Churn::read();
    let owner = server.api();
    // To look whether the server is well is not counted.
    for answer in join_all((0..AT_ONCE).map(|_| owner.get("/readyz"))).await {
        answer.expect(200);
    }
    owner.serve("churn", churn.model.clone()).await;
    let made =
        owner.post("/api/v1/auth/api-keys", json!({"name": "other", "scopes": ["inference:invoke"]})).await.expect(201);
    let other = Api::new(server.url(), made.json["key"].as_str());
    let nobody = Api::new(server.url(), Some("a-key-that-nobody-has-0123456789-0123456789"));

    in_haste(|| owner.post("/v1/predict/churn", churn.body.clone()), 200).await;
    other.post("/v1/predict/churn", churn.body.clone()).await.expect(200);

    // Keys are guessed no faster, and whether the server is well is told whoever asks.
    let models = format!("{REGISTRY}/models");
    in_haste(|| nobody.get(&models), 401).await;
    for path in ["/livez", "/readyz", "/v2/health/ready"] {
        nobody.get(path).await.expect(200);
    }
    server.stop().await;
}

#[tokio::test]
async fn long_bodies_share_a_bounded_memory() {
    const MIB: usize = 1 << 20;
    let server = TestServer::start_with(Database::Sqlite, |config| config.limits.bodies_bytes_max = 4 * MIB).await;
    let churn = Churn::read();
    let api = server.api();
    api.serve("churn", churn.model.clone()).await;
    let body = churn.body.to_string();
    let padded = |bytes: usize| format!("{body}{}", " ".repeat(bytes - body.len()));
    let ask = async |bytes: usize| {
        let request = api.request(Method::POST, "/v1/predict/churn").header("content-type", "application/json");
        api.send(request.body(padded(bytes))).await
    };

    // Somebody has sent most of a long body, and does not go on.
    let mut slow = TcpStream::connect(server.address()).await.expect("the server accepts");
    let whole = padded(3 * MIB);
    let head = format!(
        "POST /v1/predict/churn HTTP/1.1\r\nhost: x\r\nx-api-key: {BOOTSTRAP_KEY}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        whole.len()
    );
    slow.write_all(head.as_bytes()).await.expect("the head is sent");
    slow.write_all(&whole.as_bytes()[..whole.len() - 1]).await.expect("the body is sent");
    let free = async |bytes: RangeInclusive<usize>| {
        let waited = async {
            while !bytes.contains(&server.app().bodies.free_bytes()) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waited)
            .await
            .expect("the server reads what is sent, and lets it go");
    };
    free(0..=MIB).await;
    let refused = ask(2 * MIB).await.expect(429);
    assert_eq!((refused.code(), refused.header("retry-after")), ("bodies-too-large", "1"), "{}", refused.text);
    // Short ones are not held up, and the first gets its answer; then there is room again.
    api.post("/v1/predict/churn", churn.body.clone()).await.expect(200);
    slow.write_all(b" ").await.expect("the rest is sent");
    let mut answer = [0; 15];
    slow.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    free(4 * MIB..=4 * MIB).await;
    ask(2 * MIB).await.expect(200);
    server.stop().await;
}
