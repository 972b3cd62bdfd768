//! One run, from its claim to its end.

use super::frame::cut;
use super::job_of;
use super::live::Live;
use super::process::{cancel, explain, start};
use super::publish::{Unfit, gather};
use super::scratch::RunFolder;
use super::script;
use super::storing::{Heard, Storing, lock};
use super::supervisor::Shared;
use super::usage::Usage;
use crate::event::{Event, Level, Phase};
use crate::job::{self, Job};
use crate::task::Task;
use serde_json::{Map, Value, json};
use servoir_child::Process;
use servoir_registry::{Actor, Failure, RegistryError, Run, TaskType, TrainedVersion};
use std::pin::pin;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// How often what a child has said is stored.
const STORE_EVERY: Duration = Duration::from_millis(100);
/// How often a child's use of the machine is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long a registry that is away is given before it is asked again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How far a run is, in per cent, when its child has ended well.
const TRAINED_PERCENT: f64 = 97.0;

/// Why a run ends here, other than well.
pub(super) enum Ending {
    /// For a reason of its own.
    Failed(Failure),
    /// It took too long.
    TimedOut,
    /// Somebody has ended it already: it is not running any more.
    Unwanted,
    /// The server stops.
    Stopping,
}

/// One run that goes on here.
pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) run: Run,
    pub(super) live: Arc<Live>,
    /// Somebody has ended the run.
    pub(super) unwanted: CancellationToken,
}

impl Session {
    /// Runs it. What it ends as is in the registry afterwards, unless that is away to the end.
    pub(super) async fn go(self) {
        let heard = Arc::new(Mutex::new(Heard::default()));
        let mut details = Map::from_iter([("node".to_owned(), json!(self.shared.settings.node))]);
        let outcome = self.attempt(&heard, &mut details).await;
        details.entry("leaderboard").or_insert_with(|| json!(lock(&heard).leaderboard));
        let settled = match outcome {
            Ok(trained) => self.complete(&trained).await,
            Err(ending) => self.settle(&ending, &Value::Object(details)).await,
        };
        if let Err(error) = settled {
            tracing::warn!(%error, run = %self.run.id, "a run's end could not be kept");
        }
        if let Err(error) = self.live.refresh(&self.shared.registry).await {
            tracing::debug!(%error, run = %self.run.id, "readers hear of a run's end later");
        }
    }

    /// Everything up to the files of a version.
    async fn attempt(
        &self,
        heard: &Arc<Mutex<Heard>>,
        details: &mut Map<String, Value>,
    ) -> Result<TrainedVersion, Ending> {
        let message = format!("the run began on {}", self.shared.settings.node);
        lock(heard).outgoing.push(Event::Log { level: Level::Info, message });
        let mut storing = Storing::new(self, Arc::clone(heard));
        storing.all().await?;
        let scratch = &self.shared.settings.scratch;
        let folder = RunFolder::make(scratch, &self.run.id).map_err(|error| failed("no-scratch-folder", error))?;
        let job = self.job(&folder).await?;
        let (status, said) = self.work(&job, &mut storing, details).await?;
        if let Some(failure) = lock(heard).failure.take() {
            return Err(Ending::Failed(failure));
        }
        if !status.success() || !folder.path().join(job::OUTCOME).is_file() {
            let (code, message) = explain(status, &said, job.memory_bytes_max);
            return Err(failed(code, message));
        }
        lock(heard).outgoing.push(Event::Progress {
            phase: Phase::ArtifactUpload,
            progress: self.live.progress().max(TRAINED_PERCENT),
            message: "keeping the model".to_owned(),
            eta_seconds: None,
        });
        storing.all().await?;
        let Shared { registry, settings, .. } = &*self.shared;
        gather(registry, settings, &self.run, folder.path(), details.clone()).await.map_err(|error| match error {
            Unfit::File { .. } => failed("result-unfit", error),
            Unfit::Registry(error) => failed(error.code(), error),
        })
    }

    async fn job(&self, folder: &RunFolder) -> Result<Job, Ending> {
        let Shared { registry, settings, .. } = &*self.shared;
        let away = |error: RegistryError| failed(error.code(), error);
        let id = self.run.dataset.as_deref().unwrap_or_default();
        let dataset = registry.run_dataset(&self.run.organization, id).await.map_err(away)?;
        let dataset = dataset.ok_or_else(|| failed("no-dataset", "the dataset was deleted"))?;
        let model = registry.studio_model(&self.run.organization, self.run.model.as_str()).await.map_err(away)?;
        let task = match model.task_type {
            Some(TaskType::Classification) => Task::Classification,
            Some(TaskType::Regression) => Task::Regression,
            None => return Err(failed("no-task", "the model has no task_type")),
        };
        Ok(Job {
            dataset: registry.fetch_artifact(dataset.digest).await.map_err(away)?,
            format: job_of::format(&dataset).map_err(|reason| failed("dataset-unreadable", reason))?,
            task,
            config: job_of::config(&self.run).map_err(|reason| failed("config-unreadable", reason))?,
            output: folder.path().to_owned(),
            threads: settings.threads,
            memory_bytes_max: settings.memory_bytes_max,
            nice: settings.nice,
            script: script::of(&self.shared, &self.run, &model, folder).await?,
        })
    }

    /// Has a child do the job. How it ended, and what it wrote for people.
    async fn work(
        &self,
        job: &Job,
        storing: &mut Storing<'_>,
        details: &mut Map<String, Value>,
    ) -> Result<(ExitStatus, String), Ending> {
        let hearing = storing.heard();
        let command = &self.shared.settings.command;
        let started = start(command, job, move |line| lock(&hearing).hear(line)).await;
        let mut process = started.map_err(|error| failed("no-worker", error))?;
        let mut usage = Usage::of(process.pid());
        let outcome = self.watch(&mut process, &mut usage, storing).await;
        if outcome.is_err() {
            cancel(&mut process).await;
        }
        let said = process.finish().await;
        details.insert("peak_cpu_percent".into(), json!(usage.cpu_percent_peak.round()));
        details.insert("cpu_seconds".into(), json!(usage.cpu_seconds));
        details.insert("peak_memory_bytes".into(), json!(usage.memory_bytes_peak));
        let status = outcome?;
        storing.all().await?;
        Ok((status, said))
    }

    /// Stores what the child says until it ends, or has to.
    async fn watch(
        &self,
        process: &mut Process,
        usage: &mut Usage,
        storing: &mut Storing<'_>,
    ) -> Result<ExitStatus, Ending> {
        let limit = Duration::from_secs(self.run.timeout_seconds.unsigned_abs());
        let mut limit = pin!(tokio::time::sleep(limit));
        let (mut store, mut look) = (interval(STORE_EVERY), interval(LOOK_EVERY));
        store.set_missed_tick_behavior(MissedTickBehavior::Delay);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                ended = process.wait() => return ended.map_err(|error| failed("crashed", error)),
                () = limit.as_mut() => return Err(Ending::TimedOut),
                () = self.unwanted.cancelled() => return Err(Ending::Unwanted),
                () = self.shared.stop.cancelled() => return Err(Ending::Stopping),
                // Storing is not cut off: nobody would know whether it took place.
                _ = store.tick() => storing.once().await?,
                _ = look.tick() => usage.look(),
            }
        }
    }

    async fn complete(&self, trained: &TrainedVersion) -> Result<(), RegistryError> {
        loop {
            match self.shared.registry.complete_run(&self.run, trained).await {
                Ok(_) | Err(RegistryError::RunEnded { .. } | RegistryError::NotFound { .. }) => return Ok(()),
                Err(error) if self.pause().await.is_err() => return Err(error),
                Err(error) => tracing::warn!(%error, run = %self.run.id, "a model cannot be kept yet; trying again"),
            }
        }
    }

    async fn settle(&self, ending: &Ending, details: &Value) -> Result<(), RegistryError> {
        let registry = &self.shared.registry;
        let system = Actor::system(&self.run.organization);
        loop {
            let settled = match ending {
                Ending::Failed(failure) => registry.fail_run(&system, &self.run, failure.clone()).await,
                Ending::TimedOut => registry.cancel_run(&system, &self.run, Some(self.timed_out())).await,
                Ending::Unwanted => Ok(()),
                Ending::Stopping => registry.interrupt(&self.run).await,
            };
            match settled {
                Ok(()) | Err(RegistryError::RunEnded { .. }) => break,
                Err(RegistryError::NotFound { .. }) => return Ok(()),
                Err(error) if self.pause().await.is_err() => return Err(error),
                Err(error) => tracing::warn!(%error, run = %self.run.id, "a run's end cannot be kept; trying again"),
            }
        }
        registry.note_run(&self.run.id, details).await
    }

    fn timed_out(&self) -> Failure {
        let message = format!("the run took longer than its {} s", self.run.timeout_seconds);
        Failure { code: "timed-out".to_owned(), message }
    }

    /// Waits for a registry that is away; not when the server stops.
    pub(super) async fn pause(&self) -> Result<(), Ending> {
        let waited = self.shared.stop.run_until_cancelled(tokio::time::sleep(AGAIN_AFTER)).await;
        waited.ok_or(Ending::Stopping)
    }
}

/// A run ends for a reason of its own.
pub(super) fn failed(code: &str, message: impl ToString) -> Ending {
    Ending::Failed(Failure { code: code.to_owned(), message: cut(&message.to_string()) })
}
