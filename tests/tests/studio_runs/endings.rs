//! How runs end: well, badly, by somebody, by the clock. Each end leaves the right rows, the right frames, and no files.

use crate::world::{Place, gone, server, text};
use serde_json::{Value, json};
use std::time::Instant;

/// The codes of a run's failure and of its status, and what is left when it is over.
async fn ended(place: &Place, model: &str, run: &str) -> Value {
    let frames = place.follow(model, Some(1)).await.until_it_ends().await;
    assert_eq!(frames[0]["type"], "snapshot");
    assert_eq!(frames[0]["seq"], 0);
    let ended = place.run(model, run).await;
    let last = frames.last().expect("frames");
    assert_eq!(last["seq"], ended["last_seq"], "{last}");
    let expected = match ended["status"].as_str().expect("a status") {
        "completed" => "complete",
        other => other,
    };
    assert_eq!(last["type"], expected);
    ended
}

#[tokio::test]
async fn a_run_goes_from_the_queue_to_a_promoted_version() {
    let (server, place) = server(1).await;
    let model = place.model("churn", "steady rounds=20 delay=0.05").await;
    let body = json!({"run_label": "first", "priority": "high", "config_override": {"algorithm": "gradient_boosting"}});
    let queued = place.train(&model, body).await.expect(202);
    let run = text(&queued.json["run_id"]);
    assert_eq!(queued.header("location"), format!("/api/v1/models/{model}/runs/{run}"));
    assert_eq!((&queued.json["status"], &queued.json["priority"]), (&json!("queued"), &json!("high")));
    assert_eq!(queued.json["config"]["algorithm"], "gradient_boosting");
    assert_eq!(queued.json["config"]["validation"]["seed"], 42, "the whole configuration");

    let run_after = ended(&place, &model, &run).await;
    let version = format!("ver_{}_1", model.strip_prefix("model_").expect("a prefix"));
    assert_eq!((&run_after["status"], &run_after["version_id"]), (&json!("completed"), &json!(version)));
    let frames = place.follow(&model, Some(1)).await.until_it_ends().await;
    let phases: Vec<_> = frames.iter().filter(|frame| frame["type"] == "progress").map(|f| text(&f["phase"])).collect();
    let mut in_order = phases.clone();
    in_order.dedup();
    let stages = ["data_validation", "preprocessing", "algorithm_search", "evaluation", "artifact_upload"];
    assert_eq!(in_order, stages);
    let last = frames.last().expect("frames");
    assert_eq!((&last["version_id"], &last["metrics"]["auc"]), (&json!(version), &json!(0.9)));

    let base = format!("/api/v1/models/{model}/training-metrics");
    for path in [base.clone(), format!("/api/v1/models/{model}/training/metrics")] {
        let metrics = place.api.get(&format!("{path}?resolution=5&metric=train_loss")).await.expect(200).json;
        assert_eq!((&metrics["status"], &metrics["epochs_completed"]), (&json!("completed"), &json!(20)));
        assert_eq!((&metrics["epochs"][0], &metrics["epochs"][4]), (&json!(1), &json!(20)), "{metrics}");
        assert_eq!(metrics["metrics"], json!({"train_loss": [1.0, 0.2, 0.1, 1.0 / 15.0, 0.05]}));
        let details = place.api.get(&format!("{path}/details")).await.expect(200).json;
        assert_eq!(
            (&details["final_algorithm"], &details["version_id"]),
            (&json!("gradient_boosting"), &json!(version))
        );
        assert_eq!(details["rows_used"], json!({"train": 7, "validation": 1, "test": 2}));
        assert!(details["peak_memory_bytes"].as_u64() > Some(1 << 20), "{details}");
        assert!(details["duration_seconds"].as_f64() > Some(0.0), "{details}");
        let logs = place.api.get(&format!("{path}/logs?level=info&tail=true&limit=1")).await.expect(200).json;
        assert!(logs["lines"][0]["message"].as_str().is_some_and(|line| line.starts_with("pid ")), "{logs}");
        assert_eq!((&logs["total"], &logs["limit"]), (&json!(2), &json!(1)));
    }
    let file = place.api.get(&format!("{base}/logs/download")).await.expect(200);
    assert_eq!(file.header("content-disposition"), format!("attachment; filename=\"{run}.log\""));
    assert_eq!(file.text.lines().count(), 2, "{}", file.text);
    let file = place.api.get(&format!("{base}/logs/download?format=json")).await.expect(200);
    assert!(file.text.lines().all(|line| serde_json::from_str::<Value>(line).is_ok_and(|line| line["seq"].is_u64())));

    let versions = place.api.get(&format!("/api/v1/model-registry/models/{model}/versions")).await.expect(200).json;
    assert_eq!((&versions["count"], &versions["versions"][0]["metrics"]["auc"]), (&json!(1), &json!(0.9)));
    assert!(versions["versions"][0]["signature"]["inputs"].is_array(), "{versions}");
    let kept =
        "select count(*) from evaluations join baselines using (model, version) join trainings using (model, version)";
    assert_eq!(place.count(kept).await, 4);
    assert_eq!(place.count("select promoted_version from studio_models").await, 1);
    let audited = "select count(*) from audit where action in ('model.training_started', 'model.training_completed')";
    assert_eq!((place.count(audited).await, place.leftovers()), (2, 0));
    let exposed = place.api.get("/metrics").await.text;
    assert!(exposed.contains("servoir_training_runs_total{status=\"completed\"} 1"), "{exposed}");
    server.stop().await;
}

#[tokio::test]
async fn what_goes_wrong_is_told_apart() {
    let (server, place) = server(1).await;
    let cases = [
        ("failed", "one-class-only", "the target has one class only"),
        ("crash", "crashed", "exit status 101: index out of bounds"),
        ("memory", "out-of-memory", "studio.memory_bytes_max"),
        ("nothing", "crashed", "without a result"),
        ("broken", "result-unfit", "model.onnx"),
        ("link", "result-unfit", "importance.json"),
    ];
    for (script, code, message) in cases {
        let model = place.model(script, script).await;
        let run = place.begin(&model).await;
        let ended = ended(&place, &model, &run).await;
        assert_eq!(
            (&ended["status"], &ended["failure"]["code"]),
            (&json!("failed"), &json!(code)),
            "{script}: {ended}"
        );
        assert!(ended["failure"]["message"].as_str().is_some_and(|said| said.contains(message)), "{script}: {ended}");
    }
    assert_eq!((place.leftovers(), place.artifacts()), (0, cases.len()), "the datasets alone are left");
    assert_eq!(place.count("select count(*) from versions").await, 0);
    let failures = "select count(*) from audit where action = 'model.training_failed' and actor = 'system'";
    assert_eq!(place.count(failures).await, cases.len() as i64);
    server.stop().await;
}

#[tokio::test]
async fn a_worker_that_says_too_much_or_nonsense_is_borne() {
    let (server, place) = server(1).await;
    let flood = place.model("flood", "flood rounds=200000").await;
    let begun = Instant::now();
    let run = place.begin(&flood).await;
    assert_eq!(ended(&place, &flood, &run).await["status"], "completed");
    // Ten times a second 128 at most are kept, and a line that says how many were not.
    let most = 129.0 * (begun.elapsed().as_secs_f64() / 0.1 + 2.0);
    let frames = place.run(&flood, &run).await["last_seq"].as_u64().expect("a number");
    assert!(frames as f64 <= most, "{frames} frames of 200,000 were kept, {most} at most");
    let metrics = place.api.get(&format!("/api/v1/models/{flood}/training-metrics")).await.expect(200).json;
    assert_eq!((&metrics["epochs_completed"], &metrics["total_epochs"]), (&json!(200_000), &json!(200_000)));

    let garbage = place.model("garbage", "garbage").await;
    let run = place.begin(&garbage).await;
    assert_eq!(ended(&place, &garbage, &run).await["status"], "completed");
    let logs = place.api.get(&format!("/api/v1/models/{garbage}/training-metrics/logs?level=warning")).await.json;
    let said: Vec<_> = logs["lines"].as_array().expect("lines").iter().map(|line| text(&line["message"])).collect();
    assert!(said.len() >= 4 && said.iter().all(|line| line.contains("no event")), "{said:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_run_is_cancelled_at_every_stage() {
    let (server, place) = server(1).await;
    let stages = ["data_validation", "preprocessing", "algorithm_search", "evaluation", "artifact_upload"];
    for (index, stage) in stages.into_iter().enumerate() {
        let behaviour = if index % 2 == 0 { "steady" } else { "deaf" };
        let model = place.model(stage, &format!("{behaviour} stop_at={stage}")).await;
        let run = place.begin(&model).await;
        let mut follower = place.follow(&model, Some(1)).await;
        let pid =
            follower.until("its id", |frame| frame["message"].as_str().is_some_and(|m| m.starts_with("pid "))).await;
        let child = follower.until("the stage", |frame| frame["level"] == "warning").await;
        let number = |frame: &Value| text(&frame["message"]).rsplit(' ').next().and_then(|n| n.parse().ok());
        let cancelled = place.api.post(&format!("/api/v1/models/{model}/train/cancel"), json!({"run_id": run})).await;
        assert_eq!(cancelled.expect(200).json["status"], "cancelled");
        let rest = follower.until_it_ends().await;
        assert_eq!(rest.last().expect("a last frame")["type"], "cancelled");
        for process in [&pid, &child] {
            gone(number(process).expect("a number")).await;
        }
        let again = place.api.post(&format!("/api/v1/models/{model}/train/cancel"), json!({})).await.expect(409);
        assert_eq!(again.code(), "run-ended");
    }
    // The place of a cancelled run is free for the next, which is when its folder is gone.
    let model = place.model("next", "steady").await;
    let run = place.begin(&model).await;
    assert_eq!(ended(&place, &model, &run).await["status"], "completed");
    assert_eq!((place.leftovers(), place.count("select count(*) from versions").await), (0, 1));
    let cancelled = "select count(*) from audit where action = 'model.training_cancelled' and actor <> 'system'";
    assert_eq!(place.count(cancelled).await, stages.len() as i64);
    server.stop().await;
}

#[tokio::test]
async fn a_run_that_takes_too_long_is_cancelled() {
    let (server, place) = server(1).await;
    let model = place.model("slow", "deaf stop_at=algorithm_search").await;
    let run = text(&place.train(&model, json!({"timeout_seconds": 1})).await.expect(202).json["run_id"]);
    let ended = ended(&place, &model, &run).await;
    assert_eq!((&ended["status"], &ended["failure"]["code"]), (&json!("cancelled"), &json!("timed-out")));
    let by_system = "select count(*) from audit where action = 'model.training_cancelled' and actor = 'system'";
    assert_eq!((place.count(by_system).await, place.leftovers()), (1, 0));
    server.stop().await;
}

#[tokio::test]
async fn runs_wait_their_turn_and_can_leave_the_queue() {
    let (server, place) = server(1).await;
    let first = place.model("first", "steady stop_at=preprocessing").await;
    let run = place.begin(&first).await;
    place.follow(&first, Some(1)).await.until("its stage", |frame| frame["level"] == "warning").await;
    let mut waiting = Vec::new();
    for (name, priority) in [("low", "low"), ("normal", "normal"), ("high", "high"), ("leaves", "high")] {
        let model = place.model(name, "steady").await;
        let queued = place.train(&model, json!({"priority": priority})).await.expect(202).json;
        waiting.push((model, text(&queued["run_id"])));
    }
    let (leaves, left) = waiting.pop().expect("the last");
    place.api.post(&format!("/api/v1/models/{leaves}/train/cancel"), json!({})).await.expect(200);
    let refused = place.train(&first, json!({})).await.expect(409);
    assert_eq!(refused.code(), "run-in-progress");
    place.api.post(&format!("/api/v1/models/{first}/train/cancel"), json!({})).await.expect(200);
    for (model, run) in &waiting {
        assert_eq!(ended(&place, model, run).await["status"], "completed");
    }
    let overtaken = "select count(*) from runs a join runs b on a.started_at <= b.started_at and a.priority < b.priority \
                     where a.status = 'completed' and b.status = 'completed'";
    assert_eq!(place.count(overtaken).await, 0, "high before normal before low");
    let left = place.run(&leaves, &left).await;
    assert_eq!((&left["status"], &left["started_at"]), (&json!("cancelled"), &Value::Null));
    assert_eq!(place.run(&first, &run).await["status"], "cancelled");
    server.stop().await;
}

#[tokio::test]
async fn a_run_that_cannot_be_is_refused() {
    let (server, place) = server(1).await;
    let model = place.model("churn", "steady").await;
    let bare = place.api.create_model("bare").await;
    place.sql(&format!("update studio_models set task_type = 'regression' where model = '{bare}'")).await;
    let plain = place.api.create_model("plain").await;
    let cases = [
        (&model, json!({"timeout_seconds": 0}), 400, "validation"),
        (&model, json!({"priority": "urgent"}), 400, "validation"),
        (&model, json!({"epochs": 3}), 400, "validation"),
        (&model, json!({"config_override": {"algorithm": "magic"}}), 400, "validation"),
        (&model, json!({"config_override": {"alogrithm": "auto"}}), 400, "validation"),
        (&model, json!({"config_override": {"target_column": null}}), 422, "no-target"),
        (&model, json!({"config_override": {"feature_columns": ["target"]}}), 422, "target-among-features"),
        (&model, json!({"config_override": {"feature_columns": ["a", "b"]}}), 422, "columns-missing"),
        (&bare, json!({}), 422, "no-dataset"),
        (&plain, json!({}), 422, "no-task"),
    ];
    for (model, body, status, code) in cases {
        let refused = place.train(model, body.clone()).await.expect(status);
        assert_eq!(refused.code(), code, "{body}: {}", refused.text);
    }
    let missing = place.train(&model, json!({"config_override": {"feature_columns": ["a", "b"]}})).await;
    assert!(missing.text.contains(": a, b"), "{}", missing.text);
    assert_eq!(place.count("select count(*) from runs").await, 0);
    server.stop().await;
}
