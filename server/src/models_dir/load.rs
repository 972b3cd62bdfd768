//! From a model file in a folder to a version that answers.

use super::reading::{Candidate, Options};
use super::refusal::Refusal;
use super::warmed::Warmed;
use crate::app::SharedApp;
use crate::auth::DEFAULT_ORGANIZATION;
use crate::hardware::Placement;
use crate::preflight::FileKey;
use crate::tuning::{Opens, Overrides, pool_defaults};
use servoir_runtime::{Artifact, Deployment, Identity, LoadError, PoolOptions, inspect};
use servoir_types::{Digest, ModelId};
use std::fs::File;
use std::sync::Arc;

/// A version in memory, warmed and ready to answer.
///
/// # Errors
/// When the configuration does not fit the model file, it does not pass its preflight, or no engine serves it.
pub async fn load(
    app: &SharedApp,
    (name, version): (&str, u64),
    candidate: &Candidate,
    options: &Options,
) -> Result<Arc<Deployment>, Refusal> {
    let _running = app.metrics.loads.running();
    let identity = Identity { model: ModelId::from_text(name), name: name.to_owned(), version };
    let placement = options.hardware.place(&app.engines).await.ok_or(Refusal::Aborted)?;
    let placement = placement.map_err(|error| Refusal::Load { path: candidate.file.path.clone(), error })?;
    let (pool, overrides) = (pool_options(app, options), overrides(options, placement));
    let Looked { artifact, opens, digest: known } = look_into(app, candidate, overrides.clone()).await?;
    let place = candidate.fingerprint.digest();
    // What lies beside the file is known by where it lies and when it was written; the file itself by all that is in it.
    let content = |file: Digest| FileKey::Content(Digest::of_all([place.as_bytes().as_slice(), file.as_bytes()]));
    let key = known.map_or(FileKey::Place(place), content);
    let barred = app.preflight.pass(&artifact, key, &opens).await;
    let barred = barred.map_err(|failed| Refusal::Preflight { path: artifact.path.clone(), failed })?;
    let overrides = Overrides { barred, ..overrides };
    let (path, named) = (artifact.path.clone(), identity.clone());
    let (tuner, engines, config) = (Arc::clone(&app.tuner), app.engines.clone(), options.config.clone());
    let loading =
        app.reconciler.loader().start(app, (DEFAULT_ORGANIZATION, &named), (&path, key.digest(), &opens), move || {
            let failed = |error: LoadError| Refusal::Load { path: artifact.path.clone(), error };
            let digest = || known.map_or_else(|| digest(&artifact), Ok);
            let (mut program, pool) = tuner.load(&engines, (&artifact, digest), &overrides, pool).map_err(failed)?;
            if let Some(config) = config {
                config.check_tensors(program.signature())?;
                let samples = config.warmups(program.signature())?;
                program = Warmed::on(program, samples);
            }
            Deployment::start(identity, program, pool).map_err(failed)
        });
    loading.await?.ok_or(Refusal::Aborted)
}

/// What a file is, and which engines will open it.
struct Looked {
    artifact: Artifact,
    opens: Opens,
    /// When it was asked for: the whole file is read for it.
    digest: Option<Digest>,
}

async fn look_into(app: &SharedApp, candidate: &Candidate, overrides: Overrides) -> Result<Looked, Refusal> {
    let (tuner, engines, file) = (Arc::clone(&app.tuner), app.engines.clone(), candidate.file.clone());
    let looking = app.reconciler.loading_threads().run(move || {
        // What it is comes first: a file that is no model is told from one that is damaged.
        let inspection = inspect(&file.path, Some(&file.folder));
        let inspection = inspection.map_err(|error| Refusal::Load { path: file.path.clone(), error: error.into() })?;
        let artifact = Artifact { path: file.path, folder: Some(file.folder), format: inspection.format };
        // A latency target is nothing that a folder's configuration tells.
        let mut known = None;
        let digest = || digest(&artifact).inspect(|digest| known = Some(*digest));
        let opens = tuner.opens(&engines, (&artifact, digest), &overrides, None);
        Ok(Looked { artifact, opens, digest: known })
    });
    looking.await.ok_or(Refusal::Aborted)?
}

fn digest(artifact: &Artifact) -> std::io::Result<Digest> {
    Digest::of_reader(File::open(&artifact.path)?)
}

fn pool_options(app: &SharedApp, options: &Options) -> PoolOptions {
    let (batching, defaults) = (&options.batching, &app.config.batching);
    PoolOptions {
        queue_delay_max: batching.delay_max,
        queue_rows_max: batching.queue_rows_max(defaults),
        timeout_default: batching.timeout_default,
        ..pool_defaults(defaults)
    }
}

fn overrides(options: &Options, placement: Placement) -> Overrides {
    Overrides {
        engine: options.engine,
        instances: options.instances,
        threads: None,
        batch_rows_max: options.batching.rows_max,
        placement,
        barred: Vec::new(),
    }
}
