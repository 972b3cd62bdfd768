//! The node's part of monitoring: keeps each version's tap as its baseline and settings want it, and writes down what was
//! counted.

use super::ledger::Ledger;
use super::recording::{self, Recording};
use super::tap::{Subject, VersionTap};
use super::totals::Counted;
use crate::telemetry::metrics::Followed;
use servoir_registry::{Registry, RegistryError, Watched};
use servoir_runtime::Deployment;
use servoir_types::{ModelId, Timestamp};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Buckets that one transaction writes.
const ROWS_PER_WRITE: usize = 100;

/// The node's part of monitoring.
pub struct Monitoring {
    pub(super) registry: Registry,
    node: String,
    watches: Mutex<Watches>,
    /// Held while a version's tap is brought to what the registry says, so that an older word never follows a newer one.
    pub(super) following: tokio::sync::Mutex<()>,
    written: tokio::sync::Mutex<Written>,
}

/// What is watched.
#[derive(Default)]
pub(super) struct Watches {
    pub deployments: Vec<Watch>,
    /// Every tap that may still count something.
    pub taps: Vec<Arc<VersionTap>>,
    /// One for each version that is recorded, until its hour is over.
    pub recordings: Vec<Arc<Recording>>,
}

/// A deployment, for as long as it is in memory.
pub(super) struct Watch {
    pub deployment: Weak<Deployment>,
    pub subject: Subject,
    /// What its tap was made for; `None` until the registry has said it.
    pub wanted: Option<Watched>,
}

/// What was counted and is to be written, and how far the requests were counted.
struct Written {
    ledger: Ledger,
    followed: Vec<(Subject, Followed)>,
}

impl Monitoring {
    /// On a node whose name no other run of a server has.
    pub fn new(registry: Registry, node: &str) -> Self {
        let ledger = Ledger::new(node.to_owned(), Timestamp::now());
        Self {
            registry,
            node: node.to_owned(),
            watches: Mutex::default(),
            following: tokio::sync::Mutex::default(),
            written: tokio::sync::Mutex::new(Written { ledger, followed: Vec::new() }),
        }
    }

    /// Watches a deployment that does not answer yet: what it is asked from its first request on is counted. While the
    /// database is away, nothing is, until it is there again.
    pub async fn watch(&self, deployment: &Arc<Deployment>) {
        let identity = deployment.identity();
        let version = i64::try_from(identity.version).unwrap_or_default();
        let subject = Subject { model: identity.model.clone(), version, baseline: None };
        let watch = Watch { deployment: Arc::downgrade(deployment), subject, wanted: None };
        self.lock().deployments.push(watch);
        self.follow(Some(&identity.model)).await;
    }

    /// Writes down what was counted up to now.
    ///
    /// # Errors
    /// When the database is away. Nothing is lost then: it is written with the next.
    pub async fn flush(&self) -> Result<(), RegistryError> {
        self.flush_at(Timestamp::now()).await
    }

    /// The same at a moment of the caller's: what was counted up to now belongs to the buckets that are open until then.
    ///
    /// # Errors
    /// As [`Self::flush`].
    pub async fn flush_at(&self, now: Timestamp) -> Result<(), RegistryError> {
        self.write(now, true).await
    }

    /// Begins buckets anew, because the clock was put back to `now`. What was counted up to now belongs to those that were open.
    pub(super) async fn put_back(&self, now: Timestamp) {
        let mut written = self.written.lock().await;
        self.collect(&mut written);
        written.ledger.put_back(now);
    }

    /// Writes down what was counted, and recordings that were not written for a while, or when `asked`.
    pub(super) async fn write(&self, now: Timestamp, asked: bool) -> Result<(), RegistryError> {
        let mut written = self.written.lock().await;
        self.collect(&mut written);
        written.ledger.turn(now);
        for rows in written.ledger.unwritten().chunks(ROWS_PER_WRITE) {
            self.registry.put_buckets(rows).await?;
        }
        written.ledger.written();
        self.write_recordings(now, asked).await
    }

    /// Takes over what was counted since this was last done.
    fn collect(&self, written: &mut Written) {
        let mut watches = self.lock();
        let Written { ledger, followed } = written;
        watches.taps.retain(|tap| {
            // Whoever counts holds the tap: when nobody else does, what is in it is all there will be.
            let is_over = Arc::strong_count(tap) == 1;
            ledger.take(tap);
            !is_over
        });
        for watch in &watches.deployments {
            let Some(deployment) = watch.deployment.upgrade() else { continue };
            match followed.iter_mut().find(|(_, followed)| followed.is_of(&deployment)) {
                Some((subject, _)) => *subject = watch.subject.clone(),
                None => followed.extend(Followed::of(&deployment).map(|followed| (watch.subject.clone(), followed))),
            }
        }
        followed.retain_mut(|(subject, followed)| {
            let is_over = followed.is_over();
            ledger.note(subject, &followed.added());
            !is_over
        });
    }

    /// What this node has counted of a version since it is counted as it is now, by each tap.
    pub fn counted(&self, model: &ModelId, version: i64) -> Vec<Counted> {
        let watches = self.lock();
        let of_version = |tap: &&Arc<VersionTap>| tap.subject.model == *model && tap.subject.version == version;
        watches.taps.iter().filter(of_version).filter_map(|tap| tap.counted()).collect()
    }

    async fn write_recordings(&self, now: Timestamp, asked: bool) -> Result<(), RegistryError> {
        // When nobody draws any more and the hour is over, what is in it is all there will be.
        let is_left = |recording: &Arc<Recording>| Arc::strong_count(recording) == 2;
        let (over, going): (Vec<_>, Vec<_>) =
            self.lock().recordings.iter().cloned().partition(|recording| is_left(recording) && recording.is_over(now));
        recording::write(&self.registry, &self.node, &over, (now, asked)).await?;
        // Somebody may draw again meanwhile.
        let is_done =
            |recording: &Arc<Recording>| is_left(recording) && over.iter().any(|over| Arc::ptr_eq(over, recording));
        self.lock().recordings.retain(|recording| !is_done(recording));
        recording::write(&self.registry, &self.node, &going, (now, asked)).await
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Watches> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
