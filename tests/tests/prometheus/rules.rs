//! `promtool` on the rules, on the configuration, and on the metrics of a server that has worked.

use crate::scraper::{deploy, promtool};
use servoir_tests::fixture::Fixture;
use servoir_tests::server::TestServer;

#[test]
fn rules_and_configuration_are_as_prometheus_wants_them() {
    let rules = deploy("prometheus/servoir.rules.yml");
    for arguments in [
        ["check", "rules", &rules],
        ["check", "config", &deploy("prometheus/prometheus.yml")],
        ["test", "rules", &deploy("prometheus/servoir.rules.test.yml")],
    ] {
        let (said, succeeded) = promtool(&arguments, "");
        assert!(succeeded, "promtool {arguments:?}: {said}");
    }
}

#[test]
fn each_alert_has_a_test_that_raises_it() {
    let read = |file: &str| std::fs::read_to_string(deploy(file)).expect(file);
    let (rules, tests) = (read("prometheus/servoir.rules.yml"), read("prometheus/servoir.rules.test.yml"));
    let alerts: Vec<_> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 10, "{alerts:?}");
    for alert in alerts {
        let raised = format!("alertname: {alert}\n        exp_alerts:");
        assert!(tests.contains(&raised), "nothing raises {alert}");
    }
}

#[tokio::test]
async fn the_metrics_are_as_prometheus_wants_them() {
    let server = TestServer::start().await;
    let api = server.api();
    let fixture = Fixture::read("xgb_binary");
    let body = serde_json::json!({"instances": Fixture::rows(&fixture.cases[0])});
    let model = api.serve("churn", fixture.model).await;
    api.post(&format!("/v1/predict/{model}"), body).await.expect(200);
    let metrics = api.get("/metrics").await.expect(200).text;
    let (said, succeeded) = promtool(&["check", "metrics"], &metrics);
    assert!(succeeded && said.is_empty(), "{said}");
    server.stop().await;
}
