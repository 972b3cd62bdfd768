//! Runs that go on elsewhere: fed over REST, followed like any other.

use crate::world::{server, text};
use serde_json::{Value, json};

#[tokio::test]
async fn an_external_run_is_fed_and_followed() {
    let (server, place) = server(1).await;
    let model = place.api.create_model("churn").await;
    let path = format!("/api/v1/models/{model}/runs");
    let opened = place.api.post(&path, json!({"external": true, "run_label": "notebook"})).await.expect(201);
    let run = text(&opened.json["run_id"]);
    assert_eq!((&opened.json["status"], &opened.json["external"]), (&json!("running"), &json!(true)));
    let mut follower = place.follow(&model, None).await;
    let first = follower.next().await.expect("a snapshot");
    assert_eq!((&first["type"], &first["seq"], &first["status"]), (&json!("snapshot"), &json!(0), &json!("running")));
    let feed = async |what: &str, body: Value| place.api.post(&format!("{path}/{run}/{what}"), body).await;
    for epoch in 1..=30 {
        let metrics = json!({"epoch": epoch, "total_epochs": 30, "metrics": {"loss": 1.0 / f64::from(epoch)}});
        let taken = feed("metrics", metrics).await.expect(200).json;
        assert_eq!(taken, json!({"run_id": run, "seq": epoch}));
        let frame = follower.next().await.expect("a frame");
        assert_eq!((&frame["type"], &frame["epoch"]), (&json!("metrics"), &json!(epoch)));
    }
    feed("logs", json!({"level": "warning", "message": "careful"})).await.expect(200);
    assert_eq!(follower.next().await.expect("a frame")["message"], "careful");
    let live = place.api.get(&format!("/api/v1/models/{model}/training-metrics")).await.expect(200).json;
    assert_eq!((&live["status"], &live["epochs_completed"]), (&json!("running"), &json!(30)));

    let refused = [
        ("metrics", json!({"epoch": 0, "metrics": {}}), 400, "validation"),
        ("metrics", json!({"epoch": 3, "total_epochs": 2, "metrics": {}}), 400, "validation"),
        ("metrics", json!({"epoch": 1, "metrics": {"x".repeat(129): 1}}), 400, "validation"),
        (
            "metrics",
            json!({"epoch": 1, "metrics": (0..33).map(|n| (n.to_string(), json!(n))).collect::<serde_json::Map<_, _>>()}),
            400,
            "validation",
        ),
        ("metrics", json!({"epoch": 1, "metrics": {"x": "high"}}), 400, "validation"),
        ("logs", json!({"message": ""}), 400, "validation"),
        ("logs", json!({"message": "x".repeat(2049)}), 400, "validation"),
        ("logs", json!({"message": "x", "level": "loud"}), 400, "validation"),
        ("complete", json!({"status": "running"}), 400, "validation"),
        ("complete", json!({"metrics": {"a": [1]}}), 400, "validation"),
    ];
    for (what, body, status, code) in refused {
        let answer = feed(what, body.clone()).await.expect(status);
        assert_eq!(answer.code(), code, "{what} {body}: {}", answer.text);
    }
    let done = feed("complete", json!({"metrics": {"auc": 0.8}})).await.expect(200).json;
    assert_eq!((&done["status"], &done["version_id"]), (&json!("completed"), &Value::Null));
    let rest = follower.until_it_ends().await;
    assert_eq!((&rest[0]["type"], &rest[0]["metrics"]["auc"]), (&json!("complete"), &json!(0.8)));
    for what in ["metrics", "logs", "complete"] {
        let body = match what {
            "metrics" => json!({"epoch": 1, "metrics": {}}),
            "logs" => json!({"message": "late"}),
            _ => json!({}),
        };
        assert_eq!(feed(what, body).await.expect(409).code(), "run-ended");
    }
    server.stop().await;
}

#[tokio::test]
async fn an_external_run_ends_as_who_runs_it_says() {
    let (server, place) = server(1).await;
    let model = place.api.create_model("churn").await;
    let path = format!("/api/v1/models/{model}/runs");
    for (status, last) in [("failed", "failed"), ("cancelled", "cancelled"), ("completed", "complete")] {
        let run = text(&place.api.post(&path, json!({"external": true})).await.expect(201).json["run_id"]);
        let second = place.api.post(&path, json!({"external": true})).await.expect(409);
        assert_eq!(second.code(), "run-in-progress");
        let ended = place.api.post(&format!("{path}/{run}/complete"), json!({"status": status, "message": "so"})).await;
        assert_eq!(ended.expect(200).json["status"], status);
        assert_eq!(place.follow(&model, Some(1)).await.until_it_ends().await.last().expect("a frame")["type"], last);
    }
    let list = place.api.get(&format!("{path}?page=1&page_size=2")).await.expect(200).json;
    assert_eq!((&list["total"], list["results"].as_array().map(Vec::len)), (&json!(3), Some(2)));
    assert_eq!(list["results"][0]["status"], "completed", "the newest first");
    let internal = place.model("here", "steady stop_at=evaluation").await;
    let run = place.begin(&internal).await;
    let fed = place.api.post(&format!("/api/v1/models/{internal}/runs/{run}/logs"), json!({"message": "x"})).await;
    assert_eq!(fed.expect(422).code(), "run-not-external");
    assert_eq!(place.api.post(&path, json!({"external": false})).await.expect(400).code(), "validation");
    server.stop().await;
}
