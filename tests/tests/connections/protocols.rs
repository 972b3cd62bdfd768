//! HTTP/1.1 and HTTP/2 on the same port.

use crate::Churn;
use crate::wire::{http2, post, read};
use servoir_tests::server::{BOOTSTRAP_KEY, Database, TestServer};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    const REQUESTS: usize = 50;
    let server = TestServer::start().await;
    let churn = Churn::read();
    server.api().serve("churn", churn.model).await;
    let body = churn.body.to_string();
    let requests: String = (0..REQUESTS)
        .map(|number| {
            let close = if number + 1 == REQUESTS { "connection: close\r\n" } else { "" };
            format!(
                "POST /v1/predict/churn HTTP/1.1\r\nhost: x\r\nx-api-key: {BOOTSTRAP_KEY}\r\nx-request-id: r-{number}\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n{close}\r\n{body}",
                body.len()
            )
        })
        .collect();
    let mut stream = TcpStream::connect(server.address()).await.expect("the server accepts");
    stream.write_all(requests.as_bytes()).await.expect("sent in one write");
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.expect("answers until the end");
    let ids: Vec<_> = answers.lines().filter_map(|line| line.strip_prefix("x-request-id: ")).collect();
    assert_eq!(ids, (0..REQUESTS).map(|number| format!("r-{number}")).collect::<Vec<_>>());
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), REQUESTS, "{answers}");
    assert_eq!(answers.matches(&format!("\"predictions\":[{}]", churn.label)).count(), REQUESTS, "{answers}");
    server.stop().await;
}

#[tokio::test]
async fn an_answer_does_not_wait_for_the_rest_of_the_next_request() {
    let server = TestServer::start().await;
    let mut stream = TcpStream::connect(server.address()).await.expect("the server accepts");
    let (request, half) = ("GET /livez HTTP/1.1\r\nhost: x\r\n\r\n", "GET /livez HTTP/1.1\r\nho");
    stream.write_all(format!("{request}{half}").as_bytes()).await.expect("sent in one write");
    let mut answer = Vec::new();
    let first = async {
        while !answer.ends_with(b"ok\n") {
            stream.read_buf(&mut answer).await.expect("an answer");
        }
    };
    tokio::time::timeout(Duration::from_secs(5), first).await.expect("the first answer comes at once");
    stream.write_all(b"st: x\r\nconnection: close\r\n\r\n").await.expect("sent");
    stream.read_to_end(&mut answer).await.expect("the second answer");
    assert_eq!(String::from_utf8_lossy(&answer).matches("HTTP/1.1 200 OK").count(), 2);
    server.stop().await;
}

#[tokio::test]
async fn a_connection_without_tls_carries_a_hundred_streams_at_once() {
    let server = TestServer::start().await;
    let churn = Churn::read();
    server.api().serve("churn", churn.model).await;
    let sender = http2(TcpStream::connect(server.address()).await.expect("the server accepts")).await;
    let mut streams = JoinSet::new();
    for _ in 0..100 {
        let mut sender = sender.clone();
        let request = post("http://localhost/v1/predict/churn", &churn.body);
        streams.spawn(async move { read(sender.send_request(request).await.expect("an answer")).await });
    }
    for (status, answer) in streams.join_all().await {
        assert_eq!((status, &answer["predictions"][0]), (200, &churn.label), "{answer}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_tensor_larger_than_every_window_comes_whole_over_http2() {
    let server = TestServer::start_with(Database::Sqlite, |config| config.batching.queue_rows_max = 1_000_000).await;
    let churn = Churn::read();
    server.api().serve("churn", churn.model).await;
    let row = churn.body["instances"][0].clone();
    let rows = 3_500_000 / row.to_string().len();
    let body = serde_json::json!({"instances": vec![row; rows]});
    assert!(body.to_string().len() > 3 << 20, "more than a stream's window");
    let mut sender = http2(TcpStream::connect(server.address()).await.expect("the server accepts")).await;
    let sent = sender.send_request(post("http://localhost/v1/predict/churn", &body)).await;
    let (status, answer) = read(sent.expect("an answer")).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["predictions"].as_array().map(Vec::len), Some(rows));
    server.stop().await;
}
