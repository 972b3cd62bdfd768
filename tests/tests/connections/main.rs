//! What lies below the routes: TLS, HTTP/1.1 and HTTP/2, browsers of other origins, proxies, WebSockets.

mod cors;
mod fairness;
mod frames;
mod live;
mod protocols;
mod proxies;
mod refusals;
mod tls;
mod wire;

use serde_json::{Value, json};
use servoir_tests::fixture::Fixture;

/// A model with the body of a prediction and what it answers.
struct Churn {
    model: Vec<u8>,
    body: Value,
    label: Value,
}

impl Churn {
    fn read() -> Self {
        let fixture = Fixture::read("xgb_binary");
        let case = &fixture.cases[0];
        let body = json!({"instances": [Fixture::rows(case)[0]]});
        let label = case["outputs"]["label"]["data"][0].clone();
        Self { body, label, model: fixture.model }
    }
}
