//! Connections that predict without pause.

use crate::api::Api;
use reqwest::Method;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// One prediction that was answered.
#[derive(Debug, Clone)]
pub struct Observed {
    /// When it was asked.
    pub asked: Instant,
    /// When its answer was there.
    pub answered: Instant,
    /// The version that it says answered.
    pub version: u64,
    /// Its first probabilities or predictions, to tell which version's numbers they are.
    pub numbers: Value,
}

/// What a load has seen.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Answered with 200.
    pub answered: Vec<Observed>,
    /// Everything else, by what it was.
    pub failed: BTreeMap<String, usize>,
}

/// How often a gentle load asks.
const GENTLY_EVERY: Duration = Duration::from_millis(20);

/// Predictions under way.
pub struct Load {
    stop: Arc<AtomicBool>,
    connections: JoinSet<Outcome>,
}

impl Load {
    /// Starts `connections` clients, each with a connection of its own, that send `body` to `path` again and again.
    pub fn start(api: &Api, key: &str, path: &str, body: &Value, connections: usize) -> Self {
        Self::start_every(Duration::ZERO, (api, key), (path, body), connections)
    }

    /// Starts one client that asks now and then, and leaves the machine to others.
    pub fn gently(api: &Api, key: &str, path: &str, body: &Value) -> Self {
        Self::start_every(GENTLY_EVERY, (api, key), (path, body), 1)
    }

    fn start_every(
        every: Duration,
        (api, key): (&Api, &str),
        (path, body): (&str, &Value),
        connections: usize,
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for _ in 0..connections {
            let (api, path, body, stop) = (Api::new(api.url(), Some(key)), path.to_owned(), body.clone(), stop.clone());
            tasks.spawn(async move { predict_until(&api, (&path, &body), every, &stop).await });
        }
        Self { stop, connections: tasks }
    }

    /// Lets every connection finish its last request and gives what all have seen.
    pub async fn stop(self) -> Outcome {
        self.stop.store(true, Ordering::Relaxed);
        self.connections.join_all().await.into_iter().fold(Outcome::default(), |mut all, one| {
            all.answered.extend(one.answered);
            for (what, count) in one.failed {
                *all.failed.entry(what).or_default() += count;
            }
            all
        })
    }
}

async fn predict_until(api: &Api, (path, body): (&str, &Value), every: Duration, stop: &AtomicBool) -> Outcome {
    let mut outcome = Outcome::default();
    while !stop.load(Ordering::Relaxed) {
        let asked = Instant::now();
        let answer = api.try_send(api.request(Method::POST, path).json(body)).await;
        let answered = Instant::now();
        match answer {
            Ok(answer) if answer.status == 200 => {
                let version = answer.json["version"].as_u64().unwrap_or_default();
                let numbers = answer.json["probabilities"][0].clone();
                outcome.answered.push(Observed { asked, answered, version, numbers });
            }
            Ok(answer) => *outcome.failed.entry(format!("{} {}", answer.status, answer.text)).or_default() += 1,
            Err(error) => *outcome.failed.entry(error.to_string()).or_default() += 1,
        }
        if !every.is_zero() {
            tokio::time::sleep(every).await;
        }
    }
    outcome
}
