//! Connections that predict without pause, each answer checked against what its version should say.

use super::assets::Example;
use super::tour::TOLERANCE;
use crate::cli::client::{Client, ClientError};
use serde_json::{Value, json};
use servoir_types::Secret;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// How many connections predict at once.
pub const CONNECTIONS: usize = 16;
/// The longest that they go on, whatever happens beside them.
const SECONDS_MAX: u64 = 60;
/// Failures after which a connection gives up: the swap has failed then, and its first failure is known.
const FAILURES_MAX: u64 = 10;

/// Load that goes on until it is ended.
pub struct Load {
    stop: Arc<AtomicBool>,
    workers: JoinSet<Tally>,
    started: Instant,
}

/// What came of the load.
#[derive(Debug, Default)]
pub struct Tally {
    /// Answers by version.
    pub by_version: BTreeMap<u64, u64>,
    /// Requests without an answer.
    pub failed: u64,
    /// Answers that are not what their version's own library says.
    pub wrong: u64,
    /// The first failure's words.
    pub first_failure: Option<String>,
    /// The first answer of each version, since the load began.
    pub first_answer: BTreeMap<u64, Duration>,
    /// The last answer of each version, since the load began.
    pub last_answer: BTreeMap<u64, Duration>,
    /// How long the load went on.
    pub elapsed: Duration,
}

impl Load {
    /// Begins to ask `model` for the example's rows, one at a time, on connections of its own.
    pub fn begin(url: &str, key: &Secret, model: &str, example: &Arc<Example>) -> Result<Self, ClientError> {
        let (stop, started) = (Arc::new(AtomicBool::new(false)), Instant::now());
        let mut workers = JoinSet::new();
        for first_row in 0..CONNECTIONS {
            // A client of its own is a connection of its own.
            let client = Client::new(url, Some(key.clone()))?;
            let connection = Connection { client, model: model.to_owned(), example: example.clone(), started };
            workers.spawn(connection.ask_until(stop.clone(), first_row));
        }
        Ok(Self { stop, workers, started })
    }

    /// How long it has gone on.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Lets each connection finish its request, and counts.
    pub async fn end(self) -> Tally {
        self.stop.store(true, Ordering::Relaxed);
        let tallies = self.workers.join_all().await;
        let mut all = tallies.into_iter().fold(Tally::default(), Tally::plus);
        all.elapsed = self.started.elapsed();
        all
    }
}

/// One of the connections.
struct Connection {
    client: Client,
    model: String,
    example: Arc<Example>,
    started: Instant,
}

impl Connection {
    /// Asks for one row after the other, beginning with `first_row`.
    async fn ask_until(self, stop: Arc<AtomicBool>, first_row: usize) -> Tally {
        let patience = Duration::from_secs(SECONDS_MAX);
        let mut tally = Tally::default();
        let rows = (0..self.example.rows.len()).cycle().skip(first_row);
        for row in rows {
            if stop.load(Ordering::Relaxed) || self.started.elapsed() >= patience || tally.failed >= FAILURES_MAX {
                break;
            }
            let body = json!({"instances": [self.example.rows[row]]});
            match self.client.post(&["v1", "predict", &self.model], &[], &body).await {
                Ok(answer) => tally.count(&answer, &self.example, row, self.started.elapsed()),
                Err(error) => tally.fail(error.to_string()),
            }
        }
        tally
    }
}

impl Tally {
    /// All requests.
    pub fn requests(&self) -> u64 {
        self.by_version.values().sum::<u64>() + self.failed
    }

    fn count(&mut self, answer: &Value, example: &Example, row: usize, at: Duration) {
        let version = answer["version"].as_u64().unwrap_or(0);
        *self.by_version.entry(version).or_default() += 1;
        self.first_answer.entry(version).or_insert(at);
        self.last_answer.insert(version, at);
        let agrees =
            example.expected(version, row).zip(answer["probabilities"][0].as_array()).is_some_and(|(own, got)| {
                own.len() == got.len()
                    && own
                        .iter()
                        .zip(got)
                        .all(|(own, got)| got.as_f64().is_some_and(|got| (own - got).abs() <= TOLERANCE))
            });
        if !agrees {
            self.wrong += 1;
        }
    }

    fn fail(&mut self, words: String) {
        self.failed += 1;
        self.first_failure.get_or_insert(words);
    }

    fn plus(mut self, other: Self) -> Self {
        for (version, count) in other.by_version {
            *self.by_version.entry(version).or_default() += count;
        }
        for (version, at) in other.first_answer {
            let first = self.first_answer.entry(version).or_insert(at);
            *first = (*first).min(at);
        }
        for (version, at) in other.last_answer {
            let last = self.last_answer.entry(version).or_insert(at);
            *last = (*last).max(at);
        }
        self.failed += other.failed;
        self.wrong += other.wrong;
        self.first_failure = self.first_failure.or(other.first_failure);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::demo::assets::Assets;

    #[test]
    fn an_answer_counts_as_right_only_with_its_own_versions_numbers() {
        let example = Assets::embedded().unwrap().churn;
        let (one, two) = (example.expected(1, 0).unwrap().to_vec(), example.expected(2, 0).unwrap().to_vec());
        let cases = [(1, &one, 0), (2, &two, 0), (1, &two, 1), (2, &one, 1), (3, &one, 1)];
        for (version, probabilities, wrong) in cases {
            let mut tally = Tally::default();
            let answer = json!({"version": version, "probabilities": [probabilities]});
            tally.count(&answer, &example, 0, Duration::from_millis(5));
            assert_eq!((tally.wrong, tally.requests()), (wrong, 1), "version {version}");
        }
    }

    #[test]
    fn tallies_add_up() {
        let of = |ms: u64, failed| Tally {
            by_version: BTreeMap::from([(1, 2)]),
            first_answer: BTreeMap::from([(1, Duration::from_millis(ms))]),
            last_answer: BTreeMap::from([(1, Duration::from_millis(ms))]),
            failed,
            ..Tally::default()
        };
        let sum = of(7, 1).plus(of(3, 0));
        assert_eq!((sum.requests(), sum.failed), (5, 1));
        assert_eq!(sum.first_answer[&1], Duration::from_millis(3));
        assert_eq!(sum.last_answer[&1], Duration::from_millis(7));
    }
}
