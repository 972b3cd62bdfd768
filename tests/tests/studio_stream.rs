//! Training from one socket: the table in the first message, the run's frames after it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use servoir_tests::environment;
use servoir_tests::server::{BOOTSTRAP_KEY, Database, TestServer};
use std::time::Duration;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};

/// Far more than training on a few rows takes.
const PATIENCE: Duration = Duration::from_secs(120);

async fn server() -> TestServer {
    TestServer::start_with(Database::Sqlite, |config| config.studio.worker = Some(environment::binary())).await
}

/// Every frame that follows a first message, until the server says goodbye.
async fn frames(server: &TestServer, first: &Value) -> Vec<Value> {
    let address = server.address();
    let stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let mut request = format!("ws://{address}/api/v1/models/train-stream").into_client_request().expect("a request");
    request.headers_mut().insert("x-api-key", BOOTSTRAP_KEY.parse().expect("a header"));
    let (mut socket, _) = client_async(request, stream).await.expect("an upgrade");
    socket.send(Message::text(first.to_string())).await.expect("sent");
    let read = async {
        let mut frames = Vec::new();
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Text(text) = message {
                frames.push(serde_json::from_str(&text).expect("JSON"));
            }
        }
        frames
    };
    tokio::time::timeout(PATIENCE, read).await.expect("the run ends")
}

#[tokio::test]
async fn a_table_in_a_message_becomes_a_model() {
    let server = server().await;
    let table = std::fs::read(environment::fixtures().join("training/wines.csv")).expect("a fixture");
    let wish = json!({
        "action": "start_training", "file_data": BASE64_STANDARD.encode(table), "ml_task": "classification",
        "target_variable": "cultivar", "model_type": "logistic_regression", "task_name": "wines", "test_size": 0.3,
    });
    let frames = frames(&server, &wish).await;
    assert_eq!(frames[0]["type"], "snapshot", "{}", frames[0]);
    let numbers: Vec<_> = frames.iter().map(|frame| frame["seq"].as_u64().expect("a number")).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "no gap: {numbers:?}");
    let last = frames.last().expect("a last frame");
    assert_eq!(last["type"], "complete", "{last}");
    assert!(last["metrics"]["accuracy"].as_f64().expect("a number") > 0.9, "{last}");
    let model = server.api().get("/api/v1/models/wines").await.expect(200).json;
    assert_eq!((&model["status"], &model["config"]["validation"]["test_size"]), (&json!("ready"), &json!(0.3)));
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_trained_is_told_and_leaves_nothing() {
    let server = server().await;
    let table = BASE64_STANDARD.encode("a,b\n1,0\n2,1\n");
    let wish = |changes: Value| {
        let mut wish = json!({
            "action": "start_training", "file_data": table, "ml_task": "classification", "target_variable": "b",
            "task_name": "small",
        });
        wish.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        wish
    };
    for (changes, code) in [
        (json!({"action": "stop"}), "validation"),
        (json!({"file_data": "%"}), "validation"),
        (json!({"file_data": ""}), "unreadable-dataset"),
        (json!({"ml_task": "poetry"}), "validation"),
        (json!({"model_type": "magic"}), "validation"),
        (json!({"test_size": 0.9}), "validation"),
        (json!({"target_variable": "c"}), "columns-missing"),
        (json!({"task_name": ""}), "validation"),
        (json!({"colour": 1}), "validation"),
    ] {
        let frames = frames(&server, &wish(changes.clone())).await;
        assert_eq!(frames.len(), 1, "{changes}: {frames:?}");
        assert_eq!((&frames[0]["type"], &frames[0]["code"]), (&json!("failed"), &json!(code)), "{changes}: {frames:?}");
    }
    let api = server.api();
    for list in ["/api/v1/models", "/api/v1/datasets"] {
        assert_eq!(api.get(list).await.expect(200).json["total"], 0, "{list}");
    }
    server.stop().await;
}

#[tokio::test]
async fn nobody_trains_over_a_socket() {
    let server = server().await;
    let address = server.address();
    let stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let request = format!("ws://{address}/api/v1/models/train-stream").into_client_request().expect("a request");
    match client_async(request, stream).await {
        Err(Error::Http(response)) => assert_eq!(response.status(), 401),
        other => panic!("not refused: {:?}", other.map(|_| ())),
    }
    server.stop().await;
}
