//! The life of an alert: raised, acknowledged, worse, cleared; over a restart; of versions that go.

use crate::world::{Shift, World};
use serde_json::{Value, json};
use servoir_tests::fixture::Fixture;
use tempfile::TempDir;

/// Rows in a window.
const ROWS: usize = 500;
/// Half an hour would do: the window is one bucket, because there is nothing before it.
const HOUR: i64 = 3600;
const FEATURE: usize = 21;

/// An alert, and one of more than twice the threshold.
const BAD: Shift = Shift { feature: FEATURE, deviations: 0.4 };
const WORSE: Shift = Shift { feature: FEATURE, deviations: 3.0 };

/// A window of its own, and an analysis of it.
async fn window(world: &mut World, shift: Option<Shift>) {
    world.step(ROWS, shift).await;
    world.pass_seconds(HOUR).await;
}

async fn of_drift(world: &World) -> Vec<Value> {
    let alerts = world.alerts("").await;
    alerts.into_iter().filter(|alert| alert["subject"] == "drift").collect()
}

fn standing(alerts: &[Value]) -> Vec<(&str, &str)> {
    alerts.iter().map(|alert| (alert["status"].as_str().unwrap(), alert["severity"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn an_alert_is_one_entry_from_when_it_is_raised_to_when_it_is_cleared() {
    let data = TempDir::new().expect("a temporary folder");
    let mut world = World::start(data.path(), |_| {}).await;
    world.configure(json!({"windows": ["1h"]})).await;
    window(&mut world, None).await;
    window(&mut world, Some(BAD)).await;
    assert_eq!(standing(&of_drift(&world).await), [], "one window alone is no alert");
    window(&mut world, None).await;
    window(&mut world, Some(BAD)).await;
    assert_eq!(standing(&of_drift(&world).await), [], "nor are two that do not follow one another");
    // What has been counted towards an alert survives a restart.
    let clock = world.clock;
    world = World::again(data.path(), world).await;
    world.clock = clock;
    world.pass().await;
    window(&mut world, Some(BAD)).await;
    let raised = of_drift(&world).await;
    assert_eq!(standing(&raised), [("raised", "medium")]);
    let id = raised[0]["alert_id"].as_str().expect("an id").to_owned();

    let acknowledge = world.path(&format!("/monitoring/alerts/{id}/acknowledge"));
    let seen = world.api.post(&acknowledge, json!({})).await.expect(200).json;
    assert_eq!((&seen["status"], seen["acknowledged_by"].is_string()), (&json!("acknowledged"), true));
    let again = world.api.post(&acknowledge, json!({})).await.expect(200).json;
    assert_eq!(again, seen, "twice changes nothing");
    let entries = world.api.get(&world.path("/audit-logs?action=model.alert_acknowledged")).await.expect(200).json;
    assert_eq!(entries["total"], 1, "{entries:#}");

    window(&mut world, Some(WORSE)).await;
    assert_eq!(standing(&of_drift(&world).await), [("raised", "high")], "worse than when it was seen");
    window(&mut world, None).await;
    assert_eq!(standing(&of_drift(&world).await), [("raised", "high")], "one good window does not clear it");
    // A window without rows says nothing, either way.
    world.pass().await;
    assert_eq!(world.turn().await, 1);
    assert_eq!(standing(&of_drift(&world).await), [("raised", "high")]);
    world.pass_seconds(HOUR).await;
    window(&mut world, None).await;
    let cleared = of_drift(&world).await;
    assert_eq!(standing(&cleared), [("cleared", "high")]);
    assert_eq!(cleared[0]["alert_id"], json!(id), "the same entry all along");
    assert_eq!(world.api.post(&acknowledge, json!({})).await.expect(409).code(), "alert-cleared");

    for (query, count) in [
        ("?status=raised", 0),
        ("?severity=high&status=cleared", world.alerts("?severity=high").await.len()),
        ("?from=2000-01-01T00:00:00Z&to=2001-01-01T00:00:00Z", 0),
        ("?page=2&page_size=100", 0),
    ] {
        assert_eq!(world.alerts(query).await.len(), count, "{query}");
    }
    assert!(!world.alerts("?severity=high").await.is_empty());
    world.stop().await;
}

#[tokio::test]
async fn an_alert_of_a_version_that_does_not_answer_any_more_is_cleared() {
    let data = TempDir::new().expect("a temporary folder");
    let mut world = World::start(data.path(), |_| {}).await;
    world.configure(json!({"windows": ["1h"], "hysteresis": {"raise_after": 1}})).await;
    window(&mut world, Some(WORSE)).await;
    assert_eq!(standing(&of_drift(&world).await), [("raised", "high")]);
    world.api.upload(&world.model, Fixture::read("xgb_binary_v2").model).await.expect(201);
    world.api.deploy(&world.model, json!({"version": 2})).await.expect(200);
    world.pass().await;
    world.turn().await;
    let cleared = of_drift(&world).await;
    assert_eq!(standing(&cleared), [("cleared", "high")]);
    assert_eq!(cleared[0]["message"], "the version does not answer any more");
    world.stop().await;
}

#[tokio::test]
async fn unusable_values_are_an_alert_of_their_own() {
    let data = TempDir::new().expect("a temporary folder");
    let mut world = World::start(data.path(), |_| {}).await;
    world.configure(json!({"windows": ["1h"], "hysteresis": {"raise_after": 1}})).await;
    let mut broken = world.rows[..400].to_vec();
    broken[..40].iter_mut().for_each(|row| row[0] = -1e9);
    for rows in broken.chunks(100) {
        world.predict(rows).await;
    }
    world.pass().await;
    world.turn().await;
    let alerts = world.alerts("").await;
    let quality: Vec<&Value> = alerts.iter().filter(|alert| alert["subject"] == "data_quality").collect();
    assert_eq!(quality.len(), 1, "{alerts:?}");
    assert_eq!((&quality[0]["severity"], &quality[0]["threshold"]), (&json!("medium"), &json!(0.05)), "{}", quality[0]);
    assert!(quality[0]["message"].as_str().is_some_and(|text| text.contains(&world.names[0])), "{}", quality[0]);
    world.stop().await;
}
