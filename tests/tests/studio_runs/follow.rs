//! Following a run: who may, from where on, and what comes.

use crate::world::{Follower, KEY, server, text};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use servoir_registry::NewFrame;
use servoir_studio::event::Event;
use servoir_studio::runs::frame::unnumbered;
use servoir_tests::server::BOOTSTRAP_KEY;
use servoir_types::{RunId, Timestamp};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

#[tokio::test]
async fn who_may_not_is_refused_before_the_upgrade() {
    let (server, place) = server(1).await;
    let model = place.model("churn", "steady").await;
    place.begin(&model).await;
    let scopes = json!({"name": "short", "scopes": ["datasets:read"]});
    let made = place.api.post("/api/v1/auth/api-keys", scopes).await.expect(201).json;
    let short = made["key"].as_str().expect("a key").to_owned();
    let browser = format!("servoir.v1, bearer.{BOOTSTRAP_KEY}");
    let wrong = "bearer.nothing";
    let protocol = "sec-websocket-protocol";
    type Case<'a> = (&'a str, &'a str, &'a [(&'static str, &'a str)], Option<(u16, &'a str)>);
    let cases: [Case<'_>; 10] = [
        ("", &model, &[], Some((401, "credential-missing"))),
        ("", &model, &[("x-api-key", "nothing")], Some((401, "api-key-invalid"))),
        ("", &model, &[(protocol, wrong)], Some((401, "token-invalid"))),
        ("", &model, &[("x-api-key", &short)], Some((403, "scope-required"))),
        ("", "model_none", KEY, Some((404, "not-found"))),
        ("?run_id=run_none", &model, KEY, Some((404, "not-found"))),
        ("?from_seq=0", &model, KEY, Some((400, "validation"))),
        ("?from_seq=999999", &model, KEY, Some((400, "validation"))),
        ("?token=x", &model, KEY, Some((400, "validation"))),
        ("", &model, &[(protocol, &browser)], None),
    ];
    for (query, model, headers, expected) in cases {
        let opened = Follower::open(place.address, model, query, headers).await;
        let refused = opened.err();
        let expected = expected.map(|(status, code)| (status, code.to_owned()));
        assert_eq!(refused, expected, "{query} {headers:?}");
    }
    let plain = place.api.get(&format!("/api/v1/models/{model}/training-metrics/ws")).await.expect(400);
    assert_eq!(plain.code(), "websocket-expected");
    server.stop().await;
}

/// Frames of the run that is followed from everywhere: several pages, and more than are kept in memory.
const FRAMES: u64 = 1500;

#[tokio::test]
async fn every_frame_comes_from_wherever_somebody_begins() {
    let (server, place) = server(1).await;
    let model = place.api.create_model("churn").await;
    let runs = format!("/api/v1/models/{model}/runs");
    let run = text(&place.api.post(&runs, json!({"external": true})).await.expect(201).json["run_id"]);
    let id = RunId::from_text(run.clone());
    let mut live = place.follow(&model, None).await;
    let frames: Vec<_> = (1..=FRAMES).map(metrics).collect();
    server.app().registry.append_frames(&id, None, &frames, None).await.expect("the run goes on");
    server.app().runs.poke(&id);
    // Who was there before them may be spared some. Who comes when they are known is told all of them.
    while live.seq < Some(FRAMES) {
        live.next().await.expect("a frame");
    }
    let mut late = place.follow(&model, Some(1)).await;
    place.api.post(&format!("{runs}/{run}/complete"), json!({"metrics": {"auc": 0.9}})).await.expect(200);
    let (whole, rest) = (late.until_it_ends().await, live.until_it_ends().await);
    let last = FRAMES + 1;
    assert_eq!((whole.len() as u64, late.snapshots), (last + 1, 1), "a snapshot, and every frame");
    assert_eq!(rest[..], whole[whole.len() - 1..], "the end");
    // When it is over: the same frames from the registry, from everywhere.
    for from in [1, 2, 3, 500, 501, 502, 1000, 1001, last - 1, last, last + 1] {
        let again = place.follow(&model, Some(from)).await.until_it_ends().await;
        assert_eq!(again[0]["type"], "snapshot");
        assert_eq!(again[0]["seq"], from - 1, "the state before {from}");
        assert_eq!(again[1..], whole[usize::try_from(from).expect("small")..], "from {from}");
    }
    let end = place.follow(&model, None).await.until_it_ends().await;
    assert_eq!(end.iter().map(|frame| frame["type"].clone()).collect::<Vec<_>>(), ["snapshot", "complete"]);
    // A snapshot is what the frames before it come to.
    let state = place.follow(&model, Some(last)).await.next().await.expect("a snapshot");
    assert_eq!((&state["status"], &state["epochs_completed"]), (&json!("running"), &json!(FRAMES)));
    assert_eq!(state["total_epochs"], FRAMES);
    assert_eq!(state["epochs"].as_array().map(|epochs| epochs[0].clone()), Some(json!(1)));
    server.stop().await;
}

/// What a run says of an epoch.
fn metrics(epoch: u64) -> NewFrame {
    let metrics = [("loss".to_owned(), 1.0 / epoch as f64)].into();
    let event = Event::Metrics { epoch, total_epochs: FRAMES, candidate: None, metrics };
    unnumbered(Timestamp::now(), &event).expect("a frame")
}

#[tokio::test]
async fn who_follows_a_run_from_its_begin_is_told_every_frame_of_it() {
    let (server, place) = server(1).await;
    let model = place.model("churn", "steady rounds=50 delay=0.001").await;
    place.begin(&model).await;
    let mut live = place.follow(&model, None).await;
    let whole = place.follow(&model, Some(1)).await.until_it_ends().await;
    let rest = live.until_it_ends().await;
    assert_eq!(rest[1..], whole[whole.len() - rest.len() + 1..], "the same frames");
    let last = whole.last().expect("frames")["seq"].as_u64().expect("a number");
    assert_eq!(last + 1, whole.len() as u64, "without a gap");
    let state = place.follow(&model, Some(last)).await.next().await.expect("a snapshot");
    assert_eq!((&state["status"], &state["phase"]), (&json!("running"), &json!("artifact_upload")));
    assert_eq!((&state["epochs_completed"], &state["total_epochs"]), (&json!(50), &json!(50)));
    let state = place.follow(&model, Some(last + 1)).await.next().await.expect("a snapshot");
    assert_eq!((&state["status"], &state["final_metrics"]["auc"]), (&json!("completed"), &json!(0.9)));
    let board: Vec<_> =
        state["leaderboard"].as_array().expect("candidates").iter().map(|c| c["name"].clone()).collect();
    assert_eq!(board, ["gradient_boosting-1", "baseline"]);
    server.stop().await;
}

#[tokio::test]
async fn each_end_of_a_socket_has_its_reason() {
    let (server, place) = server(1).await;
    let model = place.model("churn", "steady stop_at=evaluation").await;
    place.begin(&model).await;
    let mut loud = place.follow(&model, None).await;
    loud.stream.send(Message::text("x".repeat(70_000))).await.expect("sent");
    let end = async {
        loop {
            if let Err(code) = loud.next().await {
                return code;
            }
        }
    };
    assert_eq!(end.await, CloseCode::Size);

    let made = place.api.post("/api/v1/auth/api-keys", json!({"name": "short", "scopes": ["studio:read"]})).await;
    let made = made.expect(201).json;
    let (id, key) = (made["id"].as_str().expect("an id"), made["key"].as_str().expect("a key"));
    let mut revoked = Follower::open(place.address, &model, "", &[("x-api-key", key)]).await.expect("a socket");
    revoked.next().await.expect("a snapshot");
    place.api.delete(&format!("/api/v1/auth/api-keys/{id}")).await.expect(204);
    let end = async {
        loop {
            if let Err(code) = revoked.next().await {
                return code;
            }
        }
    };
    assert_eq!(end.await, CloseCode::Policy);

    let mut leaving = place.follow(&model, None).await;
    leaving.stream.close(None).await.expect("goodbye");
    while leaving.stream.next().await.is_some() {}

    let mut last = place.follow(&model, None).await;
    let end = async {
        loop {
            if let Err(code) = last.next().await {
                return code;
            }
        }
    };
    let ((), code) = tokio::join!(server.stop(), end);
    assert_eq!(code, CloseCode::Away);
}
