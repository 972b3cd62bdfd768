//! Runs of training on this node: the Studio's supervisor, set up as configured.

use crate::app::SharedApp;
use servoir_child::Program;
use servoir_runtime::inspect;
use servoir_studio::runs::supervisor::{Runner, Settings, Supervisor};
use servoir_types::Signature;
use std::path::Path;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The hidden command of this program that does a run's job.
pub const WORKER_COMMAND: &str = "studio-worker";

/// Takes runs from the queue until the server stops.
pub async fn supervise(app: SharedApp, stop: CancellationToken) {
    match settings(&app) {
        Ok(settings) => {
            Supervisor::new(app.runs.clone(), settings, Arc::clone(&app.run_counts), stop).supervise().await;
        }
        Err(error) => tracing::error!(%error, "this node trains nothing: it does not know its own program"),
    }
}

fn settings(app: &SharedApp) -> std::io::Result<Settings> {
    let config = &app.config.studio;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Ok(Settings {
        node: app.reconciler.node().to_owned(),
        runs_max: config.runs_max,
        threads: if config.threads == 0 { (cores / 2).max(1) } else { config.threads },
        memory_bytes_max: config.memory_bytes_max,
        nice: config.nice,
        artifact_bytes_max: app.config.limits.artifact_bytes_max,
        scratch: app.config.data_dir.join("scratch").join("runs"),
        command: Program::this_or(config.worker.as_deref(), WORKER_COMMAND)?,
        inspect: Arc::new(look_into),
        runner: Runner { command: config.runner.clone(), cpu_seconds_max: config.runner_cpu_seconds_max },
    })
}

fn look_into(path: &Path) -> Result<(String, Option<Signature>), String> {
    let found = inspect(path, None).map_err(|error| error.to_string())?;
    Ok((found.format.as_str().to_owned(), Some(found.signature)))
}
