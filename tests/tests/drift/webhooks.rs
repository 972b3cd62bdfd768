//! Messages of alerts: signed, posted until they arrive, and never to where they must not go.

use crate::receiver::{Message, Reaction, Receiver};
use crate::world::{Shift, World};
use serde_json::{Value, json};
use servoir::monitoring::webhooks::deliver_due;
use servoir_tests::environment;
use servoir_types::Timestamp;
use std::process::Stdio;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SHIFT: Shift = Shift { feature: 21, deviations: 3.0 };

/// What any receiver can do with Python's standard library: the signature of a message, computed anew.
const VERIFY: &str = "
import base64, hashlib, hmac, json, sys
given = json.load(sys.stdin)
key = base64.b64decode(given['secret'].removeprefix('whsec_')) if given['secret'].startswith('whsec_') else given['secret'].encode()
signed = f\"{given['id']}.{given['timestamp']}.{given['body']}\".encode()
print('v1,' + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode())
";

async fn signature(message: &Message, secret: &str) -> String {
    let given = json!({"secret": secret, "id": message.headers["webhook-id"],
        "timestamp": message.headers["webhook-timestamp"], "body": message.body});
    let mut python = Command::new(environment::required("SERVOIR_TEST_PYTHON"))
        .args(["-c", VERIFY])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python starts");
    let mut stdin = python.stdin.take().expect("standard input");
    stdin.write_all(given.to_string().as_bytes()).await.expect("Python reads");
    drop(stdin);
    let output = python.wait_with_output().await.expect("Python ends");
    String::from_utf8(output.stdout).expect("text").trim().to_owned()
}

/// A world with a webhook and an alert, of which it is to be told.
async fn alerted(data: &TempDir, private_allowed: bool, url: &str) -> World {
    let mut world =
        World::start(data.path(), |config| config.monitoring.webhooks_private_allowed = private_allowed).await;
    let webhook = json!({"id": "ops", "url": url, "secret": SECRET, "events": ["raised", "acknowledged", "cleared"]});
    world
        .configure(json!({"windows": ["1h"], "hysteresis": {"raise_after": 1, "clear_after": 1}, "webhooks": [webhook],
        "feature_thresholds": {}}))
        .await;
    world.step(300, Some(SHIFT)).await;
    world
}

/// The messages of the version's own alert, as the API shows them.
async fn deliveries(world: &World) -> Vec<Value> {
    let alerts = world.alerts("").await;
    let drift = alerts.iter().find(|alert| alert["subject"] == "drift").expect("an alert of the version");
    drift["deliveries"].as_array().expect("deliveries").clone()
}

fn time(delivery: &Value) -> Timestamp {
    delivery["next_attempt_at"].as_str().and_then(Timestamp::parse).expect("a next attempt")
}

#[tokio::test]
async fn messages_are_signed_and_say_what_happened() {
    let data = TempDir::new().expect("a temporary folder");
    let receiver = Receiver::start().await;
    let url = format!("http://127.0.0.1:{}/hook", receiver.port);
    let mut world = alerted(&data, true, &url).await;
    let posted = deliver_due(world.app(), world.clock).await.expect("the database answers");
    let came = receiver.wait_for(posted).await;
    assert_eq!((posted, came.len()), (world.alerts("").await.len(), posted), "one for each alert");
    let of_drift = |message: &&Message| message.body.contains(r#""subject":"drift""#);
    let message = came.iter().find(of_drift).expect("a message of the version's alert");
    let body: Value = serde_json::from_str(&message.body).expect("JSON");
    assert_eq!((&body["type"], &body["data"]["status"]), (&json!("alert.raised"), &json!("raised")));
    assert_eq!((&body["data"]["modelId"], &body["data"]["version"]), (&json!(world.model), &json!(1)));
    assert_eq!(message.headers["content-type"], "application/json");
    for message in &came {
        assert_eq!(message.headers["webhook-signature"], signature(message, SECRET).await);
        assert_ne!(message.headers["webhook-signature"], signature(message, "another secret").await);
        assert!(!message.body.contains(SECRET));
    }
    let delivered = deliveries(&world).await;
    assert_eq!((&delivered[0]["status"], &delivered[0]["attempts"]), (&json!("delivered"), &json!(1)), "{delivered:?}");
    assert_eq!(delivered[0]["message_id"], json!(message.headers["webhook-id"]));
    // What is over is told, too.
    world.pass_seconds(3600).await;
    world.step(300, None).await;
    let cleared = deliver_due(world.app(), world.clock).await.expect("the database answers");
    assert_eq!(cleared, posted);
    let last = receiver.wait_for(2 * posted).await;
    assert!(last[posted..].iter().all(|message| message.body.contains("alert.cleared")), "{last:?}");
    let config = world.api.get(&world.path("/monitoring/alerts/config")).await.expect(200);
    assert!(!config.text.contains("whsec"), "a secret is shown: {}", config.text);
    world.stop().await;
}

#[tokio::test]
async fn what_fails_is_tried_again_and_in_the_end_given_up() {
    let data = TempDir::new().expect("a temporary folder");
    let receiver = Receiver::start().await;
    let url = format!("http://127.0.0.1:{}/hook?token=hidden", receiver.port);
    let world = alerted(&data, true, &url).await;
    let alerts = world.alerts("").await.len();
    // Every message fails the first time, in a way that passes.
    let passing = ["500 Oops", "503 Later\r\nretry-after: 120", "429 Slow\r\nretry-after: 99999999"];
    let mut now = world.clock;
    receiver.will(passing.iter().cycle().take(alerts).map(|answer| Reaction::Answer(answer)));
    assert_eq!(deliver_due(world.app(), now).await.expect("the database answers"), alerts);
    assert_eq!(deliver_due(world.app(), now).await.expect("the database answers"), 0, "not at once");
    let waiting = deliveries(&world).await;
    assert_eq!((&waiting[0]["status"], &waiting[0]["attempts"]), (&json!("waiting"), &json!(1)), "{waiting:?}");
    let error = waiting[0]["last_error"].as_str().expect("an error");
    assert!(error.starts_with("answered ") && !error.contains("hidden"), "{error}");
    let wait = time(&waiting[0]).as_millis() - now.as_millis();
    let expected = match &error[9..12] {
        "500" => 5_000..6_300,
        "503" => 120_000..120_001,
        _ => 3_600_000..3_600_001,
    };
    assert!(expected.contains(&wait), "{error}: {wait} ms");
    // Then nobody answers: each waits longer than the last, until it is given up.
    let mut attempts = 1;
    while let Some(waiting) = deliveries(&world).await.into_iter().find(|one| one["status"] == "waiting") {
        assert_eq!(waiting["attempts"], attempts);
        now = Timestamp::from_millis(now.as_millis().max(time(&waiting).as_millis()) + 3_600_000);
        receiver.will((0..alerts).map(|_| Reaction::HangUp));
        deliver_due(world.app(), now).await.expect("the database answers");
        attempts += 1;
    }
    let given_up = deliveries(&world).await;
    assert_eq!((&given_up[0]["status"], &given_up[0]["attempts"]), (&json!("given-up"), &json!(12)), "{given_up:?}");
    assert!(
        given_up[0]["last_error"].as_str().is_some_and(|error| error.starts_with("cannot be reached")),
        "{given_up:?}"
    );
    let ids: std::collections::HashSet<_> =
        receiver.came().iter().map(|one| one.headers["webhook-id"].clone()).collect();
    assert_eq!(ids.len(), alerts, "an attempt has the id of its message");
    world.stop().await;
}

#[tokio::test]
async fn some_answers_are_final() {
    for (answer, error) in [
        ("404 Not Found", "answered 404 Not Found"),
        ("410 Gone", "answered 410 Gone"),
        ("302 Found\r\nlocation: http://127.0.0.1:1/", "redirects are not followed"),
    ] {
        let data = TempDir::new().expect("a temporary folder");
        let receiver = Receiver::start().await;
        let world = alerted(&data, true, &format!("http://127.0.0.1:{}/", receiver.port)).await;
        let alerts = world.alerts("").await.len();
        receiver.will((0..alerts).map(|_| Reaction::Answer(answer)));
        assert_eq!(deliver_due(world.app(), world.clock).await.expect("the database answers"), alerts);
        let given_up = deliveries(&world).await;
        assert_eq!(given_up[0]["status"], "given-up", "{answer}: {given_up:?}");
        assert!(given_up[0]["last_error"].as_str().is_some_and(|said| said.contains(error)), "{given_up:?}");
        assert_eq!(receiver.came().len(), alerts, "{answer}");
        world.stop().await;
    }
}

#[tokio::test]
async fn addresses_of_this_machine_are_refused_unless_the_configuration_allows_them() {
    let receiver = Receiver::start().await;
    for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1"] {
        let data = TempDir::new().expect("a temporary folder");
        let world = alerted(&data, false, &format!("http://{host}:{}/", receiver.port)).await;
        deliver_due(world.app(), world.clock).await.expect("the database answers");
        let refused = deliveries(&world).await;
        assert_eq!(refused[0]["status"], "given-up", "{host}: {refused:?}");
        let error = refused[0]["last_error"].as_str().expect("an error");
        assert!(error.contains("monitoring.webhooks_private_allowed"), "{host}: {error}");
        world.stop().await;
    }
    assert!(receiver.came().is_empty());
}

#[tokio::test]
async fn a_webhook_that_is_taken_away_is_told_nothing_more() {
    let data = TempDir::new().expect("a temporary folder");
    let receiver = Receiver::start().await;
    let world = alerted(&data, true, &format!("http://127.0.0.1:{}/", receiver.port)).await;
    world.configure(json!({"windows": ["1h"]})).await;
    deliver_due(world.app(), world.clock).await.expect("the database answers");
    let dropped = deliveries(&world).await;
    assert_eq!(dropped[0]["last_error"], "the model's settings have no such webhook any more", "{dropped:?}");
    assert!(receiver.came().is_empty());
    world.stop().await;
}
