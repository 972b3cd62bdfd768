//! What monitoring shows in `/metrics`, and for how long.

use crate::world::World;
use serde_json::json;
use servoir_tests::api::Api;
use tempfile::TempDir;

/// The value of the series whose name and labels these are parts of.
pub async fn series(api: &Api, name: &str, labels: &[&str]) -> Option<f64> {
    let text = api.get("/metrics").await.expect(200).text;
    let is_it = |line: &&str| line.starts_with(name) && labels.iter().all(|label| line.contains(label));
    let line = text.lines().find(is_it)?.to_owned();
    line.rsplit_once(' ').and_then(|(_, value)| value.parse().ok())
}

#[tokio::test]
async fn gauges_show_the_newest_analysis_for_as_long_as_the_version_answers() {
    let data = TempDir::new().expect("a temporary folder");
    let world = World::in_real_time(data.path(), |_| {}).await;
    let mut rows = world.rows[..200].to_vec();
    rows.iter_mut().for_each(|row| row[3] += 1e4);
    world.predict(&rows).await;
    let report = world.api.get(&world.registry_path("/drift")).await.expect(200).json;
    world.app().findings.refresh(world.app()).await.expect("the database answers");
    let (api, of_hour) = (&world.api, &["window=\"1h\"", "version=\"1\""][..]);
    assert_eq!(series(api, "servoir_drift_score{", of_hour).await, report["driftScore"].as_f64());
    let feature = format!("feature=\"{}\"", world.names[3]);
    let psi = report["features"][3]["metrics"]["psi"]["value"].as_f64();
    assert_eq!(series(api, "servoir_feature_drift_score{", &["window=\"1h\"", &feature]).await, psi);
    for (status, value) in [("alert", 1.0), ("ok", 0.0), ("no-data", 0.0)] {
        let label = format!("status=\"{status}\"");
        assert_eq!(series(api, "servoir_drift_status{", &["window=\"1h\"", &label]).await, Some(value), "{status}");
    }
    assert!(series(api, "servoir_analysis_timestamp_seconds{", of_hour).await.is_some_and(|at| at > 1.7e9));
    let outside = series(api, "servoir_data_quality_total{", &["problem=\"out_of_range\"", &feature]).await;
    assert_eq!(outside, Some(200.0));
    let classes = ["0", "1"].map(|class| format!("value=\"{class}\""));
    let mut predicted = 0.0;
    for class in &classes {
        predicted +=
            series(api, "servoir_predicted_values_total{", &["output=\"label\"", class]).await.expect("a class");
    }
    assert_eq!(predicted, 200.0);
    world.api.post(&world.registry_path("/undeploy"), json!({})).await.expect(200);
    for name in ["servoir_drift_score{", "servoir_drift_status{", "servoir_data_quality_total{"] {
        assert_eq!(series(api, name, &[]).await, None, "{name}");
    }
    world.stop().await;
}
