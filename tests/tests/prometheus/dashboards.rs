//! Every query of every dashboard, asked of a Prometheus that scrapes a server at work.

use crate::scraper::{Scraper, deploy};
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use servoir_tests::api::{Api, REGISTRY};
use servoir_tests::fixture::Fixture;
use servoir_tests::server::TestServer;
use std::fmt::Write as _;
use std::time::Duration;

/// A scrape a second, a rate over ten.
const PATIENCE: Duration = Duration::from_secs(90);

#[tokio::test]
async fn every_query_of_the_dashboards_has_data() {
    let server = TestServer::start().await;
    let api = server.api();
    let (model, body) = monitored(&api).await;
    let mut scraper = Scraper::start(server.address());
    let mut waiting = queries();
    assert!(waiting.len() > 25, "{waiting:?}");
    let answered = async {
        while !waiting.is_empty() {
            for _ in 0..10 {
                api.post(&format!("/v1/predict/{model}"), body.clone()).await.expect(200);
            }
            api.get(&format!("{REGISTRY}/models/{model}/drift?window=1h")).await.expect(200);
            let mut still = Vec::new();
            for (panel, query) in &waiting {
                if scraper.query(query).await.is_none_or(|series| series.is_empty()) {
                    still.push((panel.clone(), query.clone()));
                }
            }
            waiting = still;
        }
    };
    let all = tokio::time::timeout(PATIENCE, answered).await;
    assert!(all.is_ok(), "no data for {waiting:#?}");
    server.stop().await;
}

/// A model that is live and has a baseline, and a request of 50 rows of it.
async fn monitored(api: &Api) -> (String, Value) {
    let fixture = Fixture::read("rf_zipmap_string");
    let first = Fixture::rows(&fixture.cases[0])[0].clone();
    let model = api.serve("churn", fixture.model).await;
    // Rows around the first: a feature with one value has no drift.
    let row = |number: u32| -> Vec<f64> {
        let values = first.iter().map(|value| value.as_f64().unwrap_or_default());
        values.map(|value| value + f64::from(number % 25) / 10.0).collect()
    };
    let names: Vec<_> = (0..first.len()).map(|column| format!("f{column}")).collect();
    let mut table = names.join(",");
    for number in 0..200 {
        let cells: Vec<_> = row(number).iter().map(ToString::to_string).collect();
        let _ = write!(table, "\n{}", cells.join(","));
    }
    let form = Form::new().part("file", Part::text(table).file_name("rows.csv"));
    api.send(api.request(Method::POST, &format!("{REGISTRY}/models/{model}/baselines")).multipart(form))
        .await
        .expect(201);
    let many: Vec<_> = (0..50).map(row).collect();
    (model, json!({"instances": many}))
}

/// The panels' queries, with the dashboards' variables filled in.
fn queries() -> Vec<(String, String)> {
    let mut queries = Vec::new();
    for name in ["serving", "drift", "training"] {
        let text = std::fs::read_to_string(deploy(&format!("grafana/{name}.json"))).expect(name);
        let dashboard: Value = serde_json::from_str(&text).expect(name);
        for panel in dashboard["panels"].as_array().expect("panels") {
            for target in panel["targets"].as_array().expect("targets") {
                let query = target["expr"].as_str().expect("a query");
                let query = query.replace("$model", ".*").replace("$__rate_interval", "10s");
                queries.push((format!("{name}: {}", panel["title"]), query));
            }
        }
    }
    queries
}
