//! A model that answers all along.

use serde_json::{Value, json};
use servoir_tests::api::{Answer, Api};
use servoir_tests::fixture::Fixture;
use servoir_tests::load::Load;
use servoir_tests::server::BOOTSTRAP_KEY;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long what must come about may take.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The model that is served.
pub fn model() -> Vec<u8> {
    Fixture::read("xgb_binary").model
}

/// Another model of the same signature.
pub fn other_model() -> Vec<u8> {
    Fixture::read("xgb_binary_v2").model
}

/// A prediction of one row.
pub fn question() -> Value {
    json!({"instances": [Fixture::rows(&Fixture::read("xgb_binary").cases[0])[0]]})
}

/// Asks again until it is so.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        tokio::task::yield_now().await;
    }
}

/// Connections that ask a model all along.
const ASKING: usize = 2;

/// Asks a model all along; every request must be answered.
pub struct AllAlong(Load);

impl AllAlong {
    pub fn ask(api: &Api, model: &str) -> Self {
        Self(Load::start(api, BOOTSTRAP_KEY, &format!("/v1/predict/{model}"), &question(), ASKING))
    }

    /// Ends it.
    pub async fn was_well(self) {
        let outcome = self.0.stop().await;
        println!("{} predictions were answered all along", outcome.answered.len());
        assert_eq!(outcome.failed, std::collections::BTreeMap::new());
        assert!(!outcome.answered.is_empty());
    }
}

/// How long the server waits for a database, or for its turn to write to it.
pub const DATABASE_WAIT: Duration = Duration::from_secs(5);
/// How long a call may take that needs what is away: the wait for its turn, that for a connection, that for the database, and what a
/// busy machine adds.
pub const TOLD_WITHIN: Duration = DATABASE_WAIT.saturating_mul(3).saturating_add(Duration::from_secs(5));

/// Makes a call that must be answered 503 within the time limit, with this code, a reason that names `named` and a time
/// after which to try again.
pub async fn refused(what: &str, call: impl Future<Output = Answer>, (code, named): (&str, &str)) {
    let begun = Instant::now();
    let answer = call.await;
    let took = begun.elapsed();
    assert_eq!((answer.status.as_u16(), answer.code()), (503, code), "{what}: {}", answer.text);
    assert!(answer.json["detail"].as_str().is_some_and(|detail| detail.contains(named)), "{what}: {}", answer.text);
    assert!(answer.header("retry-after").parse::<u64>().is_ok(), "{what}: {:?}", answer.headers);
    assert!(took < TOLD_WITHIN, "{what}: {took:?}");
}

/// Files below a folder.
pub fn files_below(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| if entry.path().is_dir() { files_below(&entry.path()) } else { 1 }).sum()
}
