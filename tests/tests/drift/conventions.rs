//! Conventions that compute from rows, over rows that were recorded while the server answered.

use crate::world::{Shift, World};
use serde_json::{Value, json};
use servoir_tests::python;
use servoir_types::Timestamp;
use tempfile::TempDir;

/// "worst texture".
const FEATURE: usize = 21;

/// The first moment of the next hour.
fn next_hour(moment: Timestamp) -> Timestamp {
    const HOUR_MILLIS: i64 = 3_600_000;
    Timestamp::from_millis((moment.as_millis() / HOUR_MILLIS + 1) * HOUR_MILLIS)
}

#[tokio::test]
async fn evidentlys_tests_are_made_of_recorded_rows() {
    let data = TempDir::new().expect("a temporary folder");
    let mut world = World::without_baseline(data.path(), |_| {}).await;
    let settings = json!({"recordValues": {"rowsMax": 10_000}, "convention": "evidently", "windows": ["1h"]});
    world.api.put(&world.registry_path("/monitoring"), settings).await.expect(200);
    world.app().monitoring.follow(Some(&world.id())).await;
    let (first, reference) = (Timestamp::now(), world.rows.clone());
    world.predict(&reference).await;
    // Its hour ends, and with it its recording: the baseline is made of that.
    world.clock = next_hour(world.clock);
    world.pass_seconds(0).await;
    let range = json!({"from": first.plus_seconds(-3600).to_string(), "to": world.clock.to_string()});
    let made = world.api.post(&world.registry_path("/baselines"), json!({"fromProduction": range})).await.expect(201);
    assert_eq!((&made.json["rows"], &made.json["active"]), (&json!(reference.len()), &json!(true)), "{}", made.text);
    world.app().monitoring.follow(Some(&world.id())).await;

    let current = world.drawn(700, Some(Shift { feature: FEATURE, deviations: 0.5 }));
    world.predict(&current).await;
    world.pass_seconds(3600).await;
    assert_eq!(world.turn().await, 1, "the turn has come");
    let newest = world.app().registry.newest_analysis(&world.id(), 1, "1h").await.expect("the database answers");
    let report: Value = serde_json::from_str(&newest.expect("an analysis").body).expect("JSON");
    assert_eq!((&report["convention"], &report["sampleSize"]), (&json!("evidently"), &json!(700)), "{report:#}");

    let asked = json!({"reference": reference, "current": current});
    let theirs = python::answer("drift/kolmogorov.py", &asked).await;
    let (theirs, features) = (theirs.as_array().expect("p-values"), report["features"].as_array().expect("features"));
    assert_eq!(theirs.len(), features.len());
    for (feature, theirs) in features.iter().zip(theirs) {
        let (ours, theirs) = (&feature["metrics"]["kolmogorov_smirnov"], theirs.as_f64().expect("a p-value"));
        let value = ours["value"].as_f64().unwrap_or_else(|| panic!("no test: {:#}", report["algorithmsSkipped"]));
        assert!((value - theirs).abs() <= 1e-9, "{}: {value} here, {theirs} there", feature["featureName"]);
        assert_eq!(ours["threshold"], 0.05, "{feature:#}");
        assert_eq!(feature["sampleSize"], 700, "{feature:#}");
        assert_eq!(feature["status"] == "alert", theirs < 0.05, "{feature:#}");
    }
    assert_eq!(features[FEATURE]["status"], "alert");
    world.stop().await;
}
