//! Preflight: a model file that is not known to be safe is first opened and run once in a child process of the same
//! program, under limits. What crashes, hangs or devours memory does so there.

pub mod child;
mod kept;
mod reason;
mod remembered;
mod run;
mod watch;
mod wire;

pub use reason::{Failed, OUTCOMES, Reason};

use crate::config::Config;
use crate::telemetry::metrics::Metrics;
use crate::tuning::Opens;
use kept::{KeptVerdicts, Safe};
use remembered::Remembered;
use servoir_child::{Limits, Program};
use servoir_runtime::{Artifact, EngineName, Engines};
use servoir_types::Digest;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use watch::Patience;
use wire::Job;

/// The hidden command of this program that tries a model file.
pub const COMMAND: &str = "preflight";

/// Children at once. Each takes a core, at low priority, and the memory of a model.
const AT_ONCE: usize = 2;
/// How far a child steps back behind what is served, as `nice` has it.
const NICE: i32 = 10;
/// A child that is given no processor time for twice of what it may use and so much more counts as hanging: it waits for something.
const PATIENCE: Duration = Duration::from_secs(30);
/// So many times that long a child may take by the clock. On a machine that is busy with what comes first it waits for its turns, and is
/// not to blame.
const PATIENCES_MAX: u32 = 10;

/// Engines that must not open a model which another opens well, and why.
pub type Barred = Vec<(EngineName, String)>;

/// What stands for a model file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKey {
    /// What is in it and beside it: good wherever it lies and whenever.
    Content(Digest),
    /// Where it lies, how long it is and when it was written: good for as long as this process lives.
    Place(Digest),
}

impl FileKey {
    /// What the file is remembered under.
    pub fn digest(self) -> Digest {
        let (Self::Content(digest) | Self::Place(digest)) = self;
        digest
    }
}

/// Tries model files in children. What came of it is remembered for as long as this process lives; which files were safe, for longer.
pub struct Preflight {
    /// `None`: it is off, or this process does not know its own program.
    program: Option<Program>,
    limits: Limits,
    patience: Patience,
    onnxruntime: Option<PathBuf>,
    turns: Semaphore,
    remembered: Mutex<Remembered>,
    kept: Arc<KeptVerdicts>,
    metrics: Arc<Metrics>,
}

impl Preflight {
    /// As configured.
    pub fn new(config: &Config, engines: &Engines, metrics: Arc<Metrics>) -> Self {
        let settings = &config.preflight;
        let program = settings.enabled.then(|| Program::this_or(settings.worker.as_deref(), COMMAND));
        let idle = Duration::from_secs(settings.seconds.saturating_mul(2)).saturating_add(PATIENCE);
        let untried = |error: &std::io::Error| tracing::error!(%error, "model files are loaded untried");
        Self {
            program: program.and_then(|program| program.inspect_err(untried).ok()),
            limits: Limits {
                memory_bytes_max: settings.memory_bytes,
                cpu_seconds_max: Some(settings.seconds),
                nice: NICE,
            },
            patience: Patience { idle, longest: idle.saturating_mul(PATIENCES_MAX) },
            onnxruntime: config.onnxruntime.clone(),
            turns: Semaphore::new(AT_ONCE),
            remembered: Mutex::default(),
            kept: Arc::new(KeptVerdicts::new(config, engines)),
            metrics,
        }
    }

    /// Tries a file with each engine that will open it, but for those that are known to be safe with it or not.
    ///
    /// # Errors
    /// When no engine opens it, or not the one that it is to run on.
    pub async fn pass(&self, artifact: &Artifact, key: FileKey, opens: &Opens) -> Result<Barred, Failed> {
        let Some(program) = &self.program else { return Ok(Barred::new()) };
        let file = key.digest();
        let untried = || self.remembered().untried(file, &opens.engines);
        if !untried().is_empty() {
            self.recall(key).await;
        }
        if !untried().is_empty() {
            let _turn = self.turns.acquire().await;
            // Somebody else may have tried the same file in the meantime.
            let untried = untried();
            if !untried.is_empty() {
                let result = self.try_now(program, artifact, file, (opens, untried)).await;
                self.keep(key).await;
                return result;
            }
        }
        self.remembered().result(file, opens)
    }

    /// Remembers what was kept of a file.
    async fn recall(&self, key: FileKey) {
        let FileKey::Content(content) = key else { return };
        let kept = Arc::clone(&self.kept);
        let safe = tokio::task::spawn_blocking(move || kept.of(content)).await.unwrap_or_default();
        self.remembered().recall(content, &safe);
    }

    /// Keeps what is known of a file.
    async fn keep(&self, key: FileKey) {
        let FileKey::Content(content) = key else { return };
        let (kept, safe) = (Arc::clone(&self.kept), self.remembered().safe(content));
        if !safe.is_empty() {
            // Nothing waits for it but the next restart.
            drop(tokio::task::spawn_blocking(move || kept.keep(content, &safe)).await);
        }
    }

    /// How much memory a file was found to take with one session of the engine of these that takes most; `None` when it was not
    /// tried with any of them.
    pub fn bytes(&self, key: Digest, engines: &[Option<EngineName>]) -> Option<u64> {
        self.remembered().bytes(key, engines)
    }

    async fn try_now(
        &self,
        program: &Program,
        artifact: &Artifact,
        key: Digest,
        (opens, untried): (&Opens, Vec<Option<EngineName>>),
    ) -> Result<Barred, Failed> {
        let started = Instant::now();
        for (engine, outcome) in self.outcomes(program, artifact, &untried).await {
            self.remembered().note((key, engine), outcome);
        }
        let result = self.remembered().result(key, opens);
        let outcome = result.as_ref().map_or_else(|failed| failed.reason.outcome(), |_| reason::SAFE);
        self.metrics.preflights.count(outcome, started.elapsed());
        if let Err(failed) = &result {
            tracing::warn!(file = %artifact.path.display(), outcome, %failed, "a model file did not pass its preflight");
        }
        result
    }

    /// What came of each engine, in one child as far as that lives.
    async fn outcomes(
        &self,
        program: &Program,
        artifact: &Artifact,
        engines: &[Option<EngineName>],
    ) -> Vec<(Option<EngineName>, Result<u64, Reason>)> {
        let mut outcomes = Vec::new();
        while let Some((&next, _)) = engines[outcomes.len()..].split_first() {
            let left = &engines[outcomes.len()..];
            let job = Job::new(artifact, left, (self.limits, self.onnxruntime.as_deref()));
            let (said, ending) = run::run(program, &job, self.patience).await;
            // An engine whose turn came after others had less than the whole of the limits: it is tried again, first.
            match said.is_empty() {
                true => outcomes.push((next, Err(ending))),
                false => outcomes.extend(left.iter().copied().zip(said)),
            }
        }
        outcomes
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
