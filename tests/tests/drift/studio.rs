//! The Studio's view: health, charts, what was over time, and when alerts are raised.

use crate::world::{Shift, World};
use serde_json::{Value, json};
use servoir_tests::fixture::Fixture;
use tempfile::TempDir;

fn span(world: &World, hours: i64) -> String {
    format!("from={}&to={}", world.clock.plus_seconds(-hours * 3600), world.clock)
}

fn numbers(chart: &Value, series: &str) -> Vec<Option<f64>> {
    let values = chart["series"][series].as_array().unwrap_or_else(|| panic!("no series {series} in {chart:#}"));
    values.iter().map(Value::as_f64).collect()
}

#[tokio::test]
async fn charts_have_a_place_for_every_hour_and_null_where_nothing_was_asked() {
    let data = TempDir::new().expect("a temporary folder");
    let mut world = World::without_baseline(data.path(), |_| {}).await;
    for chart in ["throughput", "feature_drift"] {
        let answer = world.api.get(&world.path(&format!("/monitoring/charts?chart={chart}"))).await.expect(404);
        assert_eq!(answer.code(), "monitoring-not-begun", "{chart}");
    }
    world.make_baseline().await;
    world.pass_seconds(3600).await;
    world.ask(300, None).await;
    world.pass_seconds(3 * 3600).await;
    world.ask(300, Some(Shift { feature: 21, deviations: 2.0 })).await;
    world.pass_seconds(3600).await;
    let path = |chart: &str| world.path(&format!("/monitoring/charts?chart={chart}&{}", span(&world, 4)));
    let get = async |chart: &str| world.api.get(&path(chart)).await.expect(200).json;

    let throughput = get("throughput").await;
    assert_eq!(throughput["timestamps"].as_array().map(Vec::len), Some(4));
    assert_eq!(throughput["granularity"], "1h");
    assert_eq!(numbers(&throughput, "rows"), [Some(300.0), None, None, Some(300.0)]);
    assert_eq!(numbers(&throughput, "errors"), [Some(0.0), None, None, Some(0.0)]);
    let drift = get("feature_drift").await;
    let moved = numbers(&drift, &format!("feature:{}", world.names[21]));
    assert!(moved[0].is_some_and(|psi| psi < 0.1) && moved[3].is_some_and(|psi| psi > 0.5), "{moved:?}");
    assert_eq!((moved[1], moved[2]), (None, None));
    assert_eq!(drift["series"].as_object().map(serde_json::Map::len), Some(31));
    let predictions = get("prediction_distribution").await;
    let shares = [numbers(&predictions, "label=0"), numbers(&predictions, "label=1")];
    let whole = shares[0][0].zip(shares[1][0]).map(|(a, b)| a + b);
    assert!(whole.is_some_and(|whole| (whole - 1.0).abs() < 1e-9), "{predictions:#}");
    let quality = get("data_quality").await;
    let outside = numbers(&quality, &format!("feature:{}.out_of_range", world.names[21]));
    assert!(outside[0] == Some(0.0) && outside[3].is_some_and(|share| share > 0.0), "{outside:?}");

    for (query, status) in [
        ("chart=nothing", 400),
        ("granularity=2h", 400),
        ("from=2020-01-01T00:00:00Z", 400),
        ("from=2999-01-01T00:00:00Z", 400),
        ("version_id=2", 404),
        ("version_id=1&granularity=7d", 200),
    ] {
        world.api.get(&world.path(&format!("/monitoring/charts?{query}"))).await.expect(status);
    }
    world.stop().await;
}

#[tokio::test]
async fn over_time_is_cut_where_another_version_was_made_live() {
    let data = TempDir::new().expect("a temporary folder");
    let world = World::start(data.path(), |_| {}).await;
    world.predict(&world.rows[..10]).await;
    world.api.upload(&world.model, Fixture::read("xgb_binary_v2").model).await.expect(201);
    world.api.deploy(&world.model, json!({"version": 2})).await.expect(200);
    world.predict(&world.rows[..10]).await;
    let path = world.path("/monitoring/over-time?indicators=throughput,latency,drift,alert_count");
    let answer = world.api.get(&path).await.expect(200).json;
    let segments = answer["segments"].as_array().expect("segments");
    assert_eq!(segments.len(), 2, "{answer:#}");
    assert!(segments[0]["version_id"].as_str().is_some_and(|id| id.ends_with("_1")), "{segments:?}");
    assert!(segments[1]["version_id"].as_str().is_some_and(|id| id.ends_with("_2")), "{segments:?}");
    assert_eq!((&segments[0]["to"], &segments[1]["to"]), (&segments[1]["from"], &Value::Null));
    let points = answer["data_points"].as_array().expect("points");
    assert!(points.len() >= 30, "thirty days: {}", points.len());
    let first = &points[0];
    assert_eq!(first["version_id"], Value::Null, "{first:#}");
    let names = ["alert_count", "drift", "latency", "throughput"];
    let expected: Value =
        names.iter().map(|name| ((*name).to_owned(), Value::Null)).collect::<serde_json::Map<_, _>>().into();
    assert_eq!(first["indicators"], expected, "null, not 0, where nothing was asked");
    let last = points.last().expect("a point");
    assert_eq!((&last["version_id"], &last["indicators"]["throughput"]), (&segments[1]["version_id"], &json!(1.0)));
    assert!(last["indicators"]["latency"].as_f64().is_some_and(|millis| millis > 0.0), "{last:#}");
    for query in ["indicators=speed", "indicators=", "from=2999-01-01T00:00:00Z", "from=1999-01-01T00:00:00Z"] {
        let status = if query == "indicators=" { 200 } else { 400 };
        world.api.get(&world.path(&format!("/monitoring/over-time?{query}"))).await.expect(status);
    }
    world.stop().await;
}

#[tokio::test]
async fn health_tells_of_traffic_drift_and_the_last_alert() {
    let data = TempDir::new().expect("a temporary folder");
    let mut world = World::in_real_time(data.path(), |_| {}).await;
    world.predict(&world.rows[..10]).await;
    let health = world.api.get(&world.path("/monitoring/health")).await.expect(200).json;
    assert_eq!((&health["ready"], &health["state"]), (&json!(true), &json!("ready")));
    assert_eq!((&health["drift"], &health["last_alert"]), (&Value::Null, &Value::Null));
    assert_eq!((&health["requests"], &health["error_rate"]), (&json!(1), &json!(0.0)), "{health:#}");
    assert!(health["latency_ms"]["p99"].as_f64() >= health["latency_ms"]["p50"].as_f64());
    world.configure(json!({"windows": ["1h"], "hysteresis": {"raise_after": 1}})).await;
    world.pass().await;
    world.step(300, Some(Shift { feature: 21, deviations: 3.0 })).await;
    let health = world.api.get(&world.path("/monitoring/health")).await.expect(200).json;
    assert_eq!((&health["drift"]["status"], &health["drift"]["window"]), (&json!("alert"), &json!("1h")), "{health:#}");
    assert_eq!(health["last_alert"]["status"], "raised");
    assert_eq!(health["alerts_raised"], world.alerts("?status=raised").await.len());
    let idle = world.api.create_model("idle").await;
    let health = world.api.get(&format!("/api/v1/models/{idle}/monitoring/health")).await.expect(200).json;
    assert_eq!((&health["state"], &health["version_id"]), (&json!("undeployed"), &Value::Null));
    assert_eq!((&health["error_rate"], &health["latency_ms"]), (&Value::Null, &Value::Null));
    world.stop().await;
}

#[tokio::test]
async fn the_two_dialects_show_one_configuration() {
    let data = TempDir::new().expect("a temporary folder");
    let world = World::without_baseline(data.path(), |_| {}).await;
    let path = world.path("/monitoring/alerts/config");
    let usual = world.api.get(&path).await.expect(200).json;
    assert_eq!(usual["hysteresis"], json!({"raise_after": 2, "clear_after": 2, "on_warning": false}));
    assert_eq!((&usual["windows"], &usual["interval_seconds"]), (&json!(["1h", "1d"]), &json!(300)));
    let webhook = json!({"id": "ops", "url": "https://example.org/hook", "secret": "a secret of sixteen"});
    let changed =
        json!({"windows": ["6h"], "thresholds": {"psi": {"warning": 0.05, "alert": 0.1}}, "webhooks": [webhook]});
    let after = world.api.put(&path, changed.clone()).await.expect(200).json;
    assert_eq!((&after["windows"], &after["thresholds"]), (&json!(["6h"]), &changed["thresholds"]));
    let shown = json!([{"id": "ops", "url": "https://example.org/hook", "events": ["raised", "worsened", "cleared"]}]);
    assert_eq!(after["webhooks"], shown);
    assert_eq!(world.api.get(&path).await.expect(200).json, after);
    // The secret stays when it is not given again.
    world.api.put(&path, json!({"webhooks": shown})).await.expect(200);
    for (wrong, pointer) in [
        (json!({"hysteresis": {"raise_after": 0}}), "raise"),
        (json!({"webhooks": [{"url": "https://example.org/"}]}), "secret"),
        (json!({"windows": []}), "windows"),
        (json!({"record_inputs": true}), "record_inputs"),
    ] {
        let refused = world.api.put(&path, wrong).await.expect(400);
        assert!(refused.text.to_lowercase().contains(pointer), "{}", refused.text);
    }
    world.stop().await;
}
