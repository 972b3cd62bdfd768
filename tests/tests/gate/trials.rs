//! Versions that turn out worse than the one before, and those that do not.

use crate::world::{STRETCH, ask, audit, deployment, series, stretches, until_rolled_back, versions};
use serde_json::{Value, json};
use servoir_tests::api::REGISTRY;
use servoir_tests::fixture::Fixture;
use servoir_tests::server::{Database, TestServer};
use std::time::{Duration, Instant};

/// A row that `slow` answers and on which `fails_on_negative` fails.
fn negative() -> Value {
    json!([-1.0])
}

/// A row that `fails_on_negative` answers at once.
fn positive() -> Value {
    json!([1.0])
}

/// A server that watches for errors. How long answers take is no reason: the machine may be busy.
async fn watching() -> TestServer {
    watching_for(100_000).await
}

/// A server that watches for errors, and for answers that take so many per cent longer.
async fn watching_for(slower_percent_max: u64) -> TestServer {
    TestServer::start_with(Database::Sqlite, |config| {
        config.swap.watch_seconds = 300;
        config.swap.slower_percent_max = slower_percent_max;
    })
    .await
}

#[tokio::test]
async fn a_version_that_fails_is_rolled_back_once_with_its_evidence() {
    let server = watching().await;
    let (api, app) = (server.api(), server.app());
    let model = versions(&api, "m", &["slow", "fails_on_negative"]).await;
    let asked = (model.as_str(), &negative());
    stretches(app, &api, asked, 3).await;
    for round in 1..=2 {
        // What a person deploys again is compared again.
        api.deploy(&model, json!({"version": 2})).await.expect(200);
        let back = until_rolled_back(app, &api, asked, 20).await;
        assert_eq!((&back["version"], &back["state"]), (&json!(1), &json!("ready")));
        let shown = &back["rolledBack"];
        assert_eq!((&shown["version"], &shown["cause"]), (&json!(2), &json!("errors")));
        let reason = shown["reason"].as_str().expect("a reason");
        assert!(reason.contains("requests failed; of version 1 it was 0 of"), "{reason}");
        assert_eq!(ask(&api, &model, &negative()).await.expect(200).json["version"], 1);

        // It stays so, however much is asked.
        stretches(app, &api, asked, 2).await;
        assert_eq!(&deployment(&api, &model).await, &back);
        let entries = audit(&api, &model, "model.rolled_back").await;
        assert_eq!(entries.len(), round);
        let entry = &entries[0];
        assert_eq!((&entry["actor_id"], &entry["credential"]), (&json!("system"), &json!("system")));
        assert_eq!(entry["before"]["primary"]["version"], 2);
        assert_eq!(entry["after"]["primary"]["version"], 1);
        let evidence = &entry["after"]["evidence"];
        assert_eq!((&evidence["reason"], &evidence["onTrial"]), (&shown["reason"], &json!("primary")));
        assert_eq!((&evidence["version"], &evidence["comparedWith"]), (&json!(2), &json!(1)));
        assert_eq!(evidence["falseAlarmsOneIn"], 1000);
        let (before, after) = (&evidence["before"], &evidence["after"]);
        assert_eq!((&before["count"], &after["share"]), (&json!(0), &json!(1.0)));
        assert!(before["of"].as_u64() >= Some(STRETCH as u64), "{evidence}");
        assert!(after["bound"].as_f64() > before["bound"].as_f64().map(|bound| bound + 0.01), "{evidence}");
        assert_eq!(series(&api, "servoir_rollbacks_total{cause=\"errors\"}").await, Some(round as f64));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_version_that_is_slow_is_rolled_back() {
    let server = watching_for(100).await;
    let (api, app) = (server.api(), server.app());
    let model = versions(&api, "m", &["fails_on_negative", "slow"]).await;
    let asked = (model.as_str(), &positive());
    stretches(app, &api, asked, 60).await;
    api.deploy(&model, json!({"version": 2})).await.expect(200);
    let back = until_rolled_back(app, &api, asked, 30).await;
    assert_eq!((&back["version"], &back["rolledBack"]["version"]), (&json!(1), &json!(2)));
    assert_eq!(back["rolledBack"]["cause"], "latency");
    let entries = audit(&api, &model, "model.rolled_back").await;
    let evidence = &entries[0]["after"]["evidence"];
    assert_eq!((entries.len(), &evidence["cause"]), (1, &json!("latency")));
    assert!(evidence["slowdown"].as_f64() > Some(2.0), "{evidence}");
    assert_eq!(series(&api, "servoir_rollbacks_total{cause=\"latency\"}").await, Some(1.0));
    server.stop().await;
}

#[tokio::test]
async fn a_canary_that_fails_is_taken_away_and_what_is_live_stays() {
    let server = watching().await;
    let (api, app) = (server.api(), server.app());
    let model = versions(&api, "m", &["slow", "fails_on_negative"]).await;
    let asked = (model.as_str(), &negative());
    stretches(app, &api, asked, 3).await;
    api.deploy(&model, json!({"version": 2, "strategy": {"canary": {"percent": 50}}})).await.expect(200);
    let alone = until_rolled_back(app, &api, asked, 20).await;
    assert_eq!((&alone["version"], &alone["canary"]), (&json!(1), &Value::Null));
    assert_eq!((&alone["rolledBack"]["version"], &alone["rolledBack"]["cause"]), (&json!(2), &json!("errors")));
    for _ in 0..STRETCH {
        assert_eq!(ask(&api, &model, &negative()).await.expect(200).json["version"], 1);
    }
    let entries = audit(&api, &model, "model.rolled_back").await;
    assert_eq!((entries.len(), &entries[0]["after"]["evidence"]["onTrial"]), (1, &json!("canary")));
    assert_eq!(entries[0]["before"]["canary"]["percent"], 50);
    server.stop().await;
}

#[tokio::test]
async fn a_version_that_is_no_worse_stays() {
    let server = watching().await;
    let (api, app) = (server.api(), server.app());
    let model = versions(&api, "m", &["xgb_binary", "xgb_binary_v2"]).await;
    let row = json!(Fixture::rows(&Fixture::read("xgb_binary").cases[0])[0]);
    let asked = (model.as_str(), &row);
    stretches(app, &api, asked, 30).await;
    api.deploy(&model, json!({"version": 2})).await.expect(200);
    stretches(app, &api, asked, 30).await;
    // The trial ends with its time.
    app.reconciler.look_at_trials(app, Instant::now() + Duration::from_secs(301)).await;
    let live = deployment(&api, &model).await;
    assert_eq!((&live["version"], &live["rolledBack"]), (&json!(2), &Value::Null));
    assert_eq!(audit(&api, &model, "model.rolled_back").await, Vec::<Value>::new());
    server.stop().await;
}

#[tokio::test]
async fn what_a_person_has_gone_back_to_is_not_on_trial() {
    let server = watching().await;
    let (api, app) = (server.api(), server.app());
    let model = versions(&api, "m", &["fails_on_negative", "slow"]).await;
    api.deploy(&model, json!({"version": 2})).await.expect(200);
    let asked = (model.as_str(), &negative());
    stretches(app, &api, asked, 3).await;
    api.post(&format!("{REGISTRY}/models/{model}/rollback"), json!({})).await.expect(200);
    stretches(app, &api, asked, 10).await;
    ask(&api, &model, &negative()).await.expect(500);
    let live = deployment(&api, &model).await;
    assert_eq!((&live["version"], &live["rolledBack"]), (&json!(1), &Value::Null));
    assert_eq!(audit(&api, &model, "model.rolled_back").await.len(), 1, "the person's own");
    server.stop().await;
}

#[tokio::test]
async fn nothing_is_on_trial_when_nobody_wants_that() {
    let server = TestServer::start_with(Database::Sqlite, |config| config.swap.watch_seconds = 0).await;
    let (api, app) = (server.api(), server.app());
    let model = versions(&api, "m", &["slow", "fails_on_negative"]).await;
    let asked = (model.as_str(), &negative());
    stretches(app, &api, asked, 3).await;
    api.deploy(&model, json!({"version": 2})).await.expect(200);
    stretches(app, &api, asked, 10).await;
    assert_eq!(deployment(&api, &model).await["version"], 2);
    server.stop().await;
}
