//! Versions that answer otherwise than the one before, where it is limited how far they may.

use crate::world::{STRETCH, ask, audit, deployment, series, stretches, until_rolled_back, versions};
use serde_json::{Value, json};
use servoir::app::SharedApp;
use servoir::config::Config;
use servoir_tests::api::{Api, REGISTRY};
use servoir_tests::fixture::Fixture;
use servoir_tests::server::{Database, TestServer};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(120);

/// Any distance is allowed, and any time that an answer takes: a busy machine is no reason here.
fn unlimited(config: &mut Config) {
    config.swap.watch_seconds = 300;
    config.swap.slower_percent_max = 100_000;
}

/// Numbers may be as far apart as 1 % on average.
fn near(config: &mut Config) {
    unlimited(config);
    config.swap.scores_differ_percent_max = 1;
}

async fn watching(change: impl FnOnce(&mut Config)) -> TestServer {
    TestServer::start_with(Database::Sqlite, change).await
}

/// A row for which both versions of `xgb_binary` give probabilities that are 0.28 apart.
fn row() -> Value {
    json!(Fixture::rows(&Fixture::read("xgb_binary").cases[1])[3])
}

/// Asks until so many requests were compared: what the status shows of the versions then.
async fn compared(app: &SharedApp, api: &Api, (model, row): (&str, &Value), requests: u64) -> Value {
    let path = format!("{REGISTRY}/models/{model}/status");
    let asking = async {
        loop {
            stretches(app, api, (model, row), 1).await;
            let shown = api.get(&path).await.expect(200).json["divergence"].clone();
            if shown[0]["requests"].as_u64() >= Some(requests) {
                return shown[0].clone();
            }
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.expect("answers are compared")
}

#[tokio::test]
async fn a_version_that_answers_otherwise_is_rolled_back_with_its_evidence() {
    let server = watching(near).await;
    let (api, app) = (server.api(), server.app());
    let model = versions(&api, "m", &["xgb_binary", "xgb_binary_v2"]).await;
    let asked = (model.as_str(), &row());
    stretches(app, &api, asked, 2).await;
    api.deploy(&model, json!({"version": 2})).await.expect(200);
    let back = until_rolled_back(app, &api, asked, 60).await;
    assert_eq!((&back["version"], &back["state"]), (&json!(1), &json!("ready")));
    let shown = &back["rolledBack"];
    assert_eq!((&shown["version"], &shown["cause"]), (&json!(2), &json!("divergence")));
    let reason = shown["reason"].as_str().expect("a reason");
    assert!(reason.contains(" apart from those of version 1 ") && reason.ends_with("and 1 % are allowed"), "{reason}");
    assert_eq!(ask(&api, &model, &row()).await.expect(200).json["version"], 1);
    let entries = audit(&api, &model, "model.rolled_back").await;
    assert_eq!((entries.len(), &entries[0]["actor_id"]), (1, &json!("system")));
    let evidence = &entries[0]["after"]["evidence"];
    assert_eq!(
        (&evidence["cause"], &evidence["part"], &evidence["reason"]),
        (&json!("divergence"), &json!("scores"), &shown["reason"])
    );
    assert_eq!(
        (&evidence["version"], &evidence["comparedWith"], &evidence["onTrial"]),
        (&json!(2), &json!(1), &json!("primary"))
    );
    assert_eq!((&evidence["limit"], &evidence["falseAlarmsOneIn"]), (&json!(0.01), &json!(1000)));
    let number = |name: &str| evidence[name].as_f64().expect("a number");
    assert!(number("limit") < number("bound") && number("bound") < number("share"), "{evidence}");
    // Each request is counted once at most.
    let all = api.get(&format!("/v2/models/{model}/versions/1/stats")).await.expect(200).json;
    assert!(number("requests") >= 1.0 && number("requests") <= 60.0 * STRETCH as f64, "{evidence} {all}");
    assert_eq!(series(&api, "servoir_rollbacks_total{cause=\"divergence\"}").await, Some(1.0));
    // It stays so, and nothing is compared any more.
    stretches(app, &api, asked, 2).await;
    assert_eq!(deployment(&api, &model).await["version"], 1);
    let status = api.get(&format!("{REGISTRY}/models/{model}/status")).await.expect(200).json;
    assert_eq!(status["divergence"], json!([]));
    server.stop().await;
}

#[tokio::test]
async fn a_canary_that_answers_otherwise_is_taken_away() {
    let server = watching(near).await;
    let (api, app) = (server.api(), server.app());
    let model = versions(&api, "m", &["xgb_binary", "xgb_binary_v2"]).await;
    api.deploy(&model, json!({"version": 2, "strategy": {"canary": {"percent": 50}}})).await.expect(200);
    let alone = until_rolled_back(app, &api, (&model, &row()), 120).await;
    assert_eq!((&alone["version"], &alone["canary"]), (&json!(1), &Value::Null));
    assert_eq!((&alone["rolledBack"]["version"], &alone["rolledBack"]["cause"]), (&json!(2), &json!("divergence")));
    let entries = audit(&api, &model, "model.rolled_back").await;
    assert_eq!((entries.len(), &entries[0]["after"]["evidence"]["onTrial"]), (1, &json!("canary")));
    server.stop().await;
}

#[tokio::test]
async fn a_version_that_answers_alike_stays() {
    let server = watching(near).await;
    let (api, app) = (server.api(), server.app());
    let model = versions(&api, "m", &["xgb_binary", "xgb_binary"]).await;
    api.deploy(&model, json!({"version": 2})).await.expect(200);
    // What is kept out of monitoring is kept out of this.
    let test = json!({"instances": [row()], "source": "test"});
    api.post(&format!("/v1/predict/{model}"), test).await.expect(200);
    let shown = compared(app, &api, (&model, &row()), 50).await;
    assert_eq!((&shown["version"], &shown["comparedWith"]), (&json!(2), &json!(1)));
    assert_eq!(shown["scoresDifferPercent"], 0.0);
    let live = deployment(&api, &model).await;
    assert_eq!((&live["version"], &live["rolledBack"]), (&json!(2), &Value::Null));
    server.stop().await;
}

#[tokio::test]
async fn another_answer_is_no_reason_where_it_was_forced_allowed_or_not_to_be_watched() {
    let unwatched = |config: &mut Config| {
        near(config);
        config.swap.watch_divergence = false;
    };
    let cases: [(fn(&mut Config), bool, &str); 3] = [
        (near, true, "forced"),
        (unlimited, false, "any distance is allowed"),
        (unwatched, false, "not to be watched"),
    ];
    for (change, force, why) in cases {
        let server = watching(change).await;
        let (api, app) = (server.api(), server.app());
        let model = versions(&api, "m", &["xgb_binary", "xgb_binary_v2"]).await;
        api.deploy(&model, json!({"version": 2, "force": force})).await.expect(200);
        stretches(app, &api, (&model, &row()), 30).await;
        let live = deployment(&api, &model).await;
        assert_eq!((&live["version"], &live["rolledBack"]), (&json!(2), &Value::Null), "{why}");
        let status = api.get(&format!("{REGISTRY}/models/{model}/status")).await.expect(200).json;
        assert_eq!(status["divergence"], json!([]), "{why}");
        server.stop().await;
    }
}
