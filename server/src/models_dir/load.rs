//! From a model file in a folder to a version that answers.

use super::reading::{Candidate, Options};
use super::refusal::Refusal;
use super::warmed::Warmed;
use crate::app::SharedApp;
use servoir_runtime::{Artifact, Deployment, Identity, LoadError, LoadOptions, PoolOptions, inspect};
use servoir_types::ModelId;
use std::sync::Arc;

/// A version in memory, warmed and ready to answer.
///
/// # Errors
/// When the configuration does not fit the model file, or no engine serves it.
pub async fn load(
    app: &SharedApp,
    (name, version): (&str, u64),
    candidate: &Candidate,
    options: &Options,
) -> Result<Arc<Deployment>, Refusal> {
    let identity = Identity { model: ModelId::from_text(name), name: name.to_owned(), version };
    let load_options = LoadOptions { engine: options.engine, intra_threads: app.config.engine_threads };
    let pool = pool_options(app, options);
    let (engines, file, config) = (app.engines.clone(), candidate.file.clone(), options.config.clone());
    let loading = app.reconciler.loading_threads().run(move || {
        let failed = |error: LoadError| Refusal::Load { path: file.path.clone(), error };
        // What it is comes first: a file that is no model is told from one that is damaged.
        let inspection = inspect(&file.path, Some(&file.folder)).map_err(|error| failed(error.into()))?;
        let (path, folder) = (file.path.clone(), Some(file.folder.clone()));
        let artifact = Artifact { path, folder, format: inspection.format };
        let mut program = engines.load(&artifact, &load_options).map_err(failed)?;
        if let Some(config) = config {
            config.check_tensors(program.signature())?;
            let samples = config.warmups(program.signature())?;
            program = Warmed::on(program, samples);
        }
        Deployment::start(identity, program, pool).map_err(failed)
    });
    loading.await.ok_or(Refusal::Aborted)?
}

fn pool_options(app: &SharedApp, options: &Options) -> PoolOptions {
    let (batching, defaults) = (&options.batching, &app.config.batching);
    PoolOptions {
        instances: options.instances,
        batch_rows_max: batching.rows_max(defaults),
        queue_delay_max: batching.delay_max,
        queue_rows_max: batching.queue_rows_max(defaults),
        queue_bytes_max: defaults.queue_bytes_max,
        timeout_default: batching.timeout_default,
    }
}
