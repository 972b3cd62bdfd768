//! A model with two versions, asked again and again, with its trials looked at whenever the test says so.

use serde_json::{Value, json};
use servoir::app::SharedApp;
use servoir_tests::api::{Answer, Api, REGISTRY};
use servoir_tests::fixture::Fixture;
use std::time::Instant;

/// Requests after which trials are looked at: as many as make a stretch.
pub const STRETCH: usize = 10;

/// A model of `name` whose versions are these fixtures, the first of them live; its id.
pub async fn versions(api: &Api, name: &str, fixtures: &[&str]) -> String {
    let model = api.serve(name, Fixture::read(fixtures[0]).model).await;
    for fixture in &fixtures[1..] {
        api.upload(&model, Fixture::read(fixture).model).await.expect(201);
    }
    model
}

/// Asks for one row.
pub async fn ask(api: &Api, model: &str, row: &Value) -> Answer {
    api.post(&format!("/v1/predict/{model}"), json!({ "instances": [row] })).await
}

/// Asks for a row again and again, stretch by stretch, and looks at the trials after each.
pub async fn stretches(app: &SharedApp, api: &Api, (model, row): (&str, &Value), count: usize) {
    for _ in 0..count {
        for _ in 0..STRETCH {
            ask(api, model, row).await;
        }
        app.reconciler.look_at_trials(app, Instant::now()).await;
    }
}

/// The same until the server has taken a version down, for at most so many stretches.
pub async fn until_rolled_back(app: &SharedApp, api: &Api, (model, row): (&str, &Value), count: usize) -> Value {
    for _ in 0..count {
        stretches(app, api, (model, row), 1).await;
        let deployment = deployment(api, model).await;
        if !deployment["rolledBack"].is_null() {
            return deployment;
        }
    }
    panic!("nothing was taken down within {count} stretches");
}

/// What should run.
pub async fn deployment(api: &Api, model: &str) -> Value {
    api.get(&format!("{REGISTRY}/models/{model}")).await.expect(200).json["deployment"].clone()
}

/// The model's audit entries of an action, newest first.
pub async fn audit(api: &Api, model: &str, action: &str) -> Vec<Value> {
    let page = api.get(&format!("/api/v1/models/{model}/audit-logs?action={action}")).await.expect(200).json;
    page["results"].as_array().expect("a page").clone()
}

/// The value of the series that is written so.
pub async fn series(api: &Api, series: &str) -> Option<f64> {
    let text = api.get("/metrics").await.expect(200).text;
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ').map(str::to_owned));
    value.and_then(|value| value.parse().ok())
}
