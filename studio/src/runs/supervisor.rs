//! The queue: takes runs as there is room for them, says that this node is there, and ends what nobody wants any more.

use super::live::Hub;
use super::scratch;
use super::session::Session;
use servoir_child::Program;
use servoir_registry::{Registry, RegistryError, Run, RunStatus, Silences};
use servoir_types::{RunId, Signature};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How often this node says that it is there, and looks whether others are.
const BEAT_EVERY: Duration = Duration::from_secs(5);

/// Reads what format a model file has, and what it takes and gives; the reason when it is none.
pub type Inspect = Arc<dyn Fn(&Path) -> Result<(String, Option<Signature>), String> + Send + Sync>;

/// What runs the scripts of custom models.
#[derive(Debug, Clone)]
pub struct Runner {
    /// A program with its arguments; the script's path follows. Empty: scripts do not run here.
    pub command: Vec<String>,
    /// The most seconds of a processor that a script may use.
    pub cpu_seconds_max: u64,
}

/// How runs go on here.
#[derive(Clone)]
pub struct Settings {
    /// This node's name among those that share the registry.
    pub node: String,
    /// At most so many runs at once.
    pub runs_max: usize,
    /// Threads of a run's learner.
    pub threads: usize,
    /// The most memory that a run may ask for, in bytes.
    pub memory_bytes_max: u64,
    /// How far runs stand back for other processes: 0 to 19.
    pub nice: i32,
    /// The largest model file, in bytes.
    pub artifact_bytes_max: u64,
    /// A folder for runs alone. What is in it at the start is removed.
    pub scratch: PathBuf,
    /// What runs a job.
    pub command: Program,
    /// Looks into a model file.
    pub inspect: Inspect,
    /// What runs the scripts of custom models.
    pub runner: Runner,
}

/// The runs of this node.
pub struct Supervisor {
    shared: Arc<Shared>,
}

/// What the runs of a node have in common.
pub(super) struct Shared {
    pub(super) registry: Registry,
    pub(super) hub: Hub,
    pub(super) settings: Settings,
    pub(super) stop: CancellationToken,
    counts: Arc<RunCounts>,
}

/// Runs of a node, counted.
#[derive(Debug, Default)]
pub struct RunCounts {
    running: AtomicUsize,
    completed: AtomicUsize,
    failed: AtomicUsize,
    cancelled: AtomicUsize,
}

impl RunCounts {
    /// How many go on.
    pub fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    /// How many have ended since the start, by how.
    pub fn ended(&self) -> [(RunStatus, usize); 3] {
        [RunStatus::Completed, RunStatus::Failed, RunStatus::Cancelled]
            .map(|status| (status, self.of(status).load(Ordering::Relaxed)))
    }

    fn of(&self, status: RunStatus) -> &AtomicUsize {
        match status {
            RunStatus::Queued | RunStatus::Running => &self.running,
            RunStatus::Completed => &self.completed,
            RunStatus::Failed => &self.failed,
            RunStatus::Cancelled => &self.cancelled,
        }
    }
}

impl Supervisor {
    /// Runs of this registry, told to the readers of `hub`, counted in `counts`. All end with `stop`.
    pub fn new(hub: Hub, settings: Settings, counts: Arc<RunCounts>, stop: CancellationToken) -> Self {
        let registry = hub.registry().clone();
        Self { shared: Arc::new(Shared { registry, hub, settings, stop, counts }) }
    }

    /// Takes runs from the queue until the server stops. Those that go on then are interrupted.
    pub async fn supervise(self) {
        let shared = &self.shared;
        if let Err(error) = scratch::sweep(&shared.settings.scratch) {
            tracing::warn!(%error, "folders of runs that a killed server left were not removed");
        }
        let mut silences = Silences::default();
        shared.interrupt(&mut silences, true).await;
        let mut changes = shared.registry.changes();
        let mut beat = tokio::time::interval(BEAT_EVERY);
        let mut sessions = JoinSet::new();
        let mut going = HashMap::new();
        loop {
            going.retain(|_, unwanted: &mut CancellationToken| !unwanted.is_cancelled());
            while sessions.len() < shared.settings.runs_max
                && let Some(run) = shared.claim().await
            {
                let unwanted = CancellationToken::new();
                going.insert(run.id.clone(), unwanted.clone());
                sessions.spawn(Arc::clone(shared).see_through(run, unwanted));
            }
            tokio::select! {
                () = shared.stop.cancelled() => break,
                _ = changes.changed() => {}
                Some(ended) = sessions.join_next() => {
                    if let Ok(run) = ended {
                        going.remove(&run);
                    }
                }
                _ = beat.tick() => shared.beat(&mut silences).await,
            }
            shared.end_unwanted(&going).await;
        }
        while sessions.join_next().await.is_some() {}
    }
}

impl Shared {
    async fn claim(&self) -> Option<Run> {
        match self.registry.claim_run(&self.settings.node).await {
            Ok(run) => run,
            Err(error) => {
                tracing::warn!(%error, "the queue of runs cannot be read; trying again");
                None
            }
        }
    }

    /// Runs one run to its end, whatever happens.
    async fn see_through(self: Arc<Self>, run: Run, unwanted: CancellationToken) -> RunId {
        self.counts.running.fetch_add(1, Ordering::Relaxed);
        let id = run.id.clone();
        let shared = Arc::clone(&self);
        let again = run.clone();
        let session = tokio::spawn(async move {
            let live = shared.hub.open(&run.id).await?;
            Session { shared, run, live, unwanted }.go().await;
            Ok::<_, RegistryError>(())
        });
        let broken = match session.await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(error) = broken {
            tracing::error!(error, run = %id, "a run broke off");
            if let Err(error) = self.registry.interrupt(&again).await {
                tracing::warn!(%error, run = %id, "a run that broke off was not ended");
            }
        }
        self.counts.running.fetch_sub(1, Ordering::Relaxed);
        match self.registry.run_by_id(&id).await {
            Ok(run) if !run.status.is_active() => {
                self.counts.of(run.status).fetch_add(1, Ordering::Relaxed);
            }
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, run = %id, "a run's end was not counted"),
        }
        id
    }

    async fn beat(&self, silences: &mut Silences) {
        if let Err(error) = self.registry.renew_runs(&self.settings.node).await {
            tracing::warn!(%error, "the registry does not hear that this node's runs go on");
        }
        self.interrupt(silences, false).await;
    }

    async fn interrupt(&self, silences: &mut Silences, at_start: bool) {
        match self.registry.interrupt_runs(silences, Instant::now(), at_start).await {
            Ok(runs) => {
                for run in runs {
                    tracing::warn!(run = %run.id, "a run that nobody works on was ended");
                    self.hub.poke(&run.id);
                }
            }
            Err(error) => tracing::warn!(%error, "runs that nobody works on were not looked for"),
        }
    }

    /// Tells the runs that somebody else has ended.
    async fn end_unwanted(&self, going: &HashMap<RunId, CancellationToken>) {
        if going.is_empty() {
            return;
        }
        match self.registry.runs_of_node(&self.settings.node).await {
            Ok(wanted) => {
                for (_, unwanted) in going.iter().filter(|(run, _)| !wanted.contains(run)) {
                    unwanted.cancel();
                }
            }
            Err(error) => tracing::debug!(%error, "runs that nobody wants were not looked for"),
        }
    }
}
