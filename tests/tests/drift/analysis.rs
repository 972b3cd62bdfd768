//! What `GET …/drift` answers, and `servoir drift`.

use crate::world::World;
use serde_json::json;
use servoir_tests::api::REGISTRY;
use servoir_tests::environment;
use servoir_tests::fixture::Fixture;
use servoir_tests::server::BOOTSTRAP_KEY;
use tempfile::TempDir;
use tokio::process::Command;

/// Moves a feature by far more than any threshold.
const MOVED: f64 = 1e4;

#[tokio::test]
async fn the_same_rows_do_not_differ_at_all() {
    let data = TempDir::new().expect("a temporary folder");
    let world = World::in_real_time(data.path(), |_| {}).await;
    for rows in world.rows.chunks(100) {
        world.predict(rows).await;
    }
    let report = world.api.get(&world.registry_path("/drift?window=1d")).await.expect(200).json;
    assert_eq!(report["overallStatus"], "ok", "{report:#}");
    assert_eq!(report["driftScore"], 0.0);
    assert_eq!(report["sampleSize"], world.rows.len());
    assert_eq!(report["version"], 1);
    let features = report["features"].as_array().expect("features");
    assert_eq!(features.len(), 30);
    for feature in features {
        assert_eq!(
            feature["metrics"]["psi"],
            json!({"value": 0.0, "threshold": 0.1, "status": "ok",
            "chance": feature["metrics"]["psi"]["chance"]}),
            "{feature:#}"
        );
        assert_eq!((&feature["category"], &feature["severity"]), (&json!("numeric"), &json!("none")));
    }
    assert_eq!(report["predictionDrift"]["outputs"][0]["featureName"], "label");
    assert_eq!(report["predictionDrift"]["status"], "ok");
    let skipped = report["algorithmsSkipped"].as_array().expect("a list");
    assert!(skipped.is_empty(), "{skipped:?}");
    let quality = &report["dataQuality"];
    assert_eq!((&quality["status"], &quality["worstFeature"]), (&json!("ok"), &json!(null)), "{quality:#}");
    world.stop().await;
}

#[tokio::test]
async fn one_feature_that_is_far_away_is_an_alert_of_that_feature() {
    let data = TempDir::new().expect("a temporary folder");
    let world = World::in_real_time(data.path(), |_| {}).await;
    let mut moved = world.rows[..200].to_vec();
    moved.iter_mut().for_each(|row| row[3] += MOVED);
    world.predict(&moved).await;
    let report = world.api.get(&world.registry_path("/drift")).await.expect(200).json;
    assert_eq!((&report["overallStatus"], &report["window"]), (&json!("alert"), &json!("1h")));
    let feature = &report["features"][3];
    assert_eq!((&feature["featureName"], &feature["status"]), (&json!(world.names[3]), &json!("alert")));
    assert_eq!(feature["severity"], "high");
    assert!(report["driftScore"].as_f64().is_some_and(|score| score > 0.1), "{}", report["driftScore"]);
    let quality = &report["dataQuality"];
    assert_eq!((&quality["status"], &quality["worstFeature"]), (&json!("alert"), &json!(world.names[3])));
    assert_eq!(quality["features"][3]["outOfRange"], 200);
    // The command line shows the same.
    let shown = Command::new(environment::binary())
        .args(["drift", "tumours", "--window", "1h"])
        .env("SERVOIR_URL", world.api.url())
        .env("SERVOIR_API_KEY", BOOTSTRAP_KEY)
        .output()
        .await
        .expect("the binary runs");
    let text = String::from_utf8(shown.stdout).expect("text");
    assert!(text.starts_with("tumours version 1, last 1h: alert, drift score "), "{text}");
    let worst = text.lines().nth(3).expect("a first row");
    assert!(worst.starts_with(&world.names[3]) && worst.ends_with("####################"), "{text}");
    world.stop().await;
}

#[tokio::test]
async fn without_enough_to_compare_there_is_a_reason_and_no_number() {
    let data = TempDir::new().expect("a temporary folder");
    let world = World::without_baseline(data.path(), |_| {}).await;
    let report = world.api.get(&world.registry_path("/drift")).await.expect(200).json;
    assert_eq!((&report["overallStatus"], &report["baseline"]), (&json!("no-data"), &json!(null)));
    assert!(report["reason"].as_str().is_some_and(|reason| reason.contains("POST …/baselines")), "{report:#}");
    world.make_baseline().await;
    world.predict(&world.rows[..29]).await;
    let report = world.api.get(&world.registry_path("/drift")).await.expect(200).json;
    assert_eq!((&report["overallStatus"], &report["driftScore"]), (&json!("no-data"), &json!(null)));
    assert!(report["reason"].as_str().is_some_and(|reason| reason.contains("asks for 30")), "{report:#}");
    assert!(report["features"].as_array().expect("features").iter().all(|one| one["metrics"] == json!({})));
    world.stop().await;
}

#[tokio::test]
async fn what_cannot_be_analysed_is_refused() {
    let data = TempDir::new().expect("a temporary folder");
    let world = World::without_baseline(data.path(), |_| {}).await;
    let idle = world.api.create_model("idle").await;
    world.api.upload(&idle, Fixture::read("xgb_binary").model).await.expect(201);
    let of_idle = |rest: &str| format!("{REGISTRY}/models/{idle}/drift{rest}");
    for (path, status, code) in [
        (of_idle(""), 409, "not-deployed"),
        (of_idle("?version=1"), 200, ""),
        (of_idle("?version=2"), 404, "not-found"),
        (of_idle("?version=0"), 400, "validation"),
        (of_idle("?window=2h"), 400, "validation"),
        (of_idle("?convention=mine"), 400, "validation"),
        (format!("{REGISTRY}/models/nobody/drift"), 404, "not-found"),
    ] {
        let answer = world.api.get(&path).await.expect(status);
        assert_eq!(answer.code(), code, "{path}: {}", answer.text);
    }
    world.stop().await;
}
