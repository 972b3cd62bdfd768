//! Model files that would bring a server down: they are tried in a process of its own, and what is live answers all along.

mod damaged;
mod endings;
mod external;
mod folder;
mod hostile;
mod measured;
mod restart;
mod worker;

use serde_json::Value;
use servoir_tests::api::{Api, REGISTRY};

/// A version as the registry shows it.
pub async fn version(api: &Api, model: &str, number: u64) -> Value {
    api.get(&format!("{REGISTRY}/models/{model}/versions/{number}")).await.expect(200).json
}

/// How many files were tried, by outcome.
pub async fn tried(api: &Api, outcome: &str) -> u64 {
    let metrics = api.get("/metrics").await.expect(200).text;
    let name = format!("servoir_preflights_total{{outcome=\"{outcome}\"}} ");
    let line = metrics.lines().find_map(|line| line.strip_prefix(&name)).expect("a series of each outcome");
    line.parse().expect("a number")
}
