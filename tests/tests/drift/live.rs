//! What the live socket of a model shows of drift.

use crate::world::World;
use futures_util::StreamExt as _;
use serde_json::Value;
use servoir_tests::server::BOOTSTRAP_KEY;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

/// The first frame of a socket that is opened now.
async fn snapshot(world: &World) -> Value {
    let address = world.running.addresses[0];
    let url = format!("ws://{address}{}", world.registry_path("/live"));
    let mut request = url.into_client_request().expect("a request");
    request.headers_mut().insert("x-api-key", BOOTSTRAP_KEY.parse().expect("a value"));
    let stream = TcpStream::connect(address).await.expect("the server accepts");
    let (mut socket, _) = client_async(request, stream).await.expect("a socket");
    let frame = tokio::time::timeout(Duration::from_secs(30), socket.next()).await.expect("a frame in time");
    let Some(Ok(Message::Text(text))) = frame else { panic!("no text came: {frame:?}") };
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test]
async fn the_socket_shows_the_newest_score() {
    let data = TempDir::new().expect("a temporary folder");
    let world = World::in_real_time(data.path(), |_| {}).await;
    let before = snapshot(&world).await;
    assert_eq!((&before["type"], &before["driftScore"]), (&Value::from("snapshot"), &Value::Null));
    let mut rows = world.rows[..200].to_vec();
    rows.iter_mut().for_each(|row| row[3] += 1e4);
    world.predict(&rows).await;
    let report = world.api.get(&world.registry_path("/drift")).await.expect(200).json;
    world.app().findings.refresh(world.app()).await.expect("the database answers");
    assert!(report["driftScore"].as_f64().is_some_and(|score| score > 0.1), "{report:#}");
    assert_eq!(snapshot(&world).await["driftScore"], report["driftScore"]);
    world.stop().await;
}
