//! From an artifact to a version that answers: fetch, verify, try, load, start.

use super::loading_threads::LoadingThreads;
use super::memory::{Memory, NoRoom, unmeasured};
use crate::app::{App, SharedApp};
use crate::config::SwapConfig;
use crate::error::ApiError;
use crate::hardware::{Hardware, Placement};
use crate::preflight::{self, FileKey};
use crate::tuning::{Opens, Overrides, pool_defaults};
use servoir_registry::{Placed, RegistryError};
use servoir_runtime::{
    Artifact, Deployment, EngineName, EngineStatus, Format, Identity, LoadError, LoadOptions, PoolOptions,
    RecordLimits, Scaling, Unsupported,
};
use servoir_types::{Digest, Kind, ModelId, Name};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Loads that may go on at once: each can take a core and the memory of a model.
const LOADS_MAX: usize = 2;

/// Why a version could not be loaded here.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The artifact could not be fetched.
    #[error(transparent)]
    Fetch(#[from] RegistryError),
    /// It did not pass its preflight.
    #[error(transparent)]
    Preflight(#[from] preflight::Failed),
    /// No engine serves it.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// All models together would take more memory than they may.
    #[error(transparent)]
    Memory(#[from] NoRoom),
    /// The thread that loaded it ended before it was done.
    #[error("loading ended abnormally")]
    Aborted,
}

impl Failure {
    /// Why the version is no good, whichever node serves it and however: it then is rejected. Where somebody named the
    /// engine, or the best engine for such files is not here, another may serve it.
    pub fn condemns(&self, app: &SharedApp, placed: &Placed) -> Option<String> {
        let Self::Preflight(failed) = self else { return None };
        let is_onnx = placed.format == Format::Onnx.as_str();
        let is_here = |engine: EngineStatus| engine.name == EngineName::OnnxRuntime && engine.state.is_ok();
        let is_tried_well = !is_onnx || app.engines.found().into_iter().any(is_here);
        let is_bad = failed.reason.is_the_files() && placed.spec.tuning.engine.is_none() && is_tried_well;
        is_bad.then(|| failed.reason.told())
    }

    /// Whether the model waits for something that this node does not bring about: it is then as good as failed.
    pub fn is_settled(&self) -> bool {
        self.is_final() || matches!(self, Self::Memory(_) | Self::Load(LoadError::DeviceMemory { .. }))
    }

    /// Whether trying again cannot help: the artifact or the engines would have to change.
    pub fn is_final(&self) -> bool {
        match self {
            Self::Fetch(error) => error.kind() != Kind::Unavailable,
            Self::Preflight(failed) => failed.is_final(),
            // Others may go.
            Self::Load(LoadError::Io(_) | LoadError::DeviceMemory { .. }) | Self::Memory(_) => false,
            Self::Load(_) | Self::Aborted => true,
        }
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Fetch(error) => error.into(),
            Failure::Preflight(failed) => failed.into(),
            Failure::Load(error) => error.into(),
            Failure::Memory(no_room) => no_room.into(),
            Failure::Aborted => Self::internal(failure),
        }
    }
}

/// Loads versions, a few at a time.
pub struct Loader {
    threads: LoadingThreads,
    memory: Memory,
}

/// A model, as a load knows it.
#[derive(Clone, Copy)]
pub struct Of<'a> {
    /// Whose it is.
    pub organization: &'a str,
    /// The model.
    pub model: &'a ModelId,
    /// Its name now.
    pub name: &'a Name,
}

impl Default for Loader {
    fn default() -> Self {
        Self { threads: LoadingThreads::start(LOADS_MAX), memory: Memory::default() }
    }
}

impl Loader {
    /// The threads that every model of this process is loaded on.
    pub fn threads(&self) -> &LoadingThreads {
        &self.threads
    }

    /// What the versions in memory take.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// A version in memory, warmed and ready to answer.
    ///
    /// # Errors
    /// [`Failure`], with the engine's reason.
    pub async fn load(&self, app: &SharedApp, of: Of<'_>, placed: &Placed) -> Result<Arc<Deployment>, Failure> {
        let _running = app.metrics.loads.running();
        let artifact = artifact(app, placed).await?;
        let identity = Identity {
            model: of.model.clone(),
            name: of.name.to_string(),
            version: u64::try_from(placed.spec.version).unwrap_or_default(),
        };
        let hardware =
            Hardware::from_text(&placed.spec.hardware).ok_or_else(|| unknown_hardware(&placed.spec.hardware))?;
        let placement = hardware.place(&app.engines).await.ok_or(Failure::Aborted)??;
        let (pool, mut overrides) = (pool_options(app, placed), overrides(placed, placement));
        let (engines, tuner, digest) = (app.engines.clone(), Arc::clone(&app.tuner), placed.digest);
        let opens = tuner.opens(&engines, (&artifact, || Ok(digest)), &overrides, pool.latency_target);
        overrides.barred = app.preflight.pass(&artifact, FileKey::Content(digest), &opens).await?;
        let (path, named) = (artifact.path.clone(), identity.clone());
        let loading = self.start::<Failure>(app, (of.organization, &named), (&path, digest, &opens), move || {
            let (program, pool) = tuner.load(&engines, (&artifact, || Ok(digest)), &overrides, pool)?;
            Ok(Deployment::start(identity, program, pool)?)
        });
        let loaded = loading.await?.ok_or(Failure::Aborted)?;
        let SwapConfig { requests_max, requests_bytes_max: bytes_max, .. } = app.config.swap;
        if requests_max > 0 {
            loaded.record(RecordLimits { requests_max, bytes_max });
        }
        app.monitoring.watch(&loaded).await;
        if loaded.options().scaling.is_some_and(|scaling| scaling.instances_min == 0) {
            app.reconciler.sleepers.add(&loaded, of, placed);
        }
        Ok(loaded)
    }

    /// Starts a version whose file has passed its preflight under this key, on the threads for that, when there is room for what it
    /// takes. `None` when starting it panicked.
    ///
    /// # Errors
    /// [`NoRoom`], or what `start` says.
    pub async fn start<E: From<NoRoom> + Send + 'static>(
        &self,
        app: &App,
        whose: (&str, &Identity),
        (path, key, opens): (&Path, Digest, &Opens),
        start: impl FnOnce() -> Result<Arc<Deployment>, E> + Send + 'static,
    ) -> Result<Option<Arc<Deployment>>, E> {
        let file_bytes = tokio::fs::metadata(path).await.map_or(0, |file| file.len());
        let measured = |engines: &[_]| app.preflight.bytes(key, engines).map(|bytes| bytes.max(file_bytes));
        let bytes_max = app.config.models.memory_bytes_max;
        let bytes = measured(&opens.engines).unwrap_or_else(|| unmeasured(file_bytes));
        let room = self.memory.room(whose, bytes, bytes_max)?;
        let Some(started) = self.threads.run(start).await else { return Ok(None) };
        let started = started?;
        let bytes = measured(&[Some(started.engine())]).unwrap_or(bytes);
        room.take(&started, bytes, bytes_max)?;
        Ok(Some(started))
    }

    /// The program of a deployment that sleeps, loaded anew on the engine that it had, and started. This process has loaded the same
    /// file with the same engine before, so it is not tried again.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub async fn reload(
        &self,
        app: &SharedApp,
        of: Of<'_>,
        (deployment, placed): (&Arc<Deployment>, &Placed),
    ) -> Result<(), Failure> {
        let _running = app.metrics.loads.running();
        let artifact = artifact(app, placed).await?;
        let bytes = self.memory.awake(deployment);
        let bytes_max = app.config.models.memory_bytes_max;
        // Held until the deployment counts for itself.
        let _room = self.memory.room((of.organization, deployment.identity()), bytes, bytes_max)?;
        let (engines, sleeping) = (app.engines.clone(), Arc::clone(deployment));
        let (engine, intra_threads) = (Some(deployment.engine()), deployment.options().threads);
        let options = LoadOptions { engine, device: deployment.device(), intra_threads };
        let hardware = Hardware::from_text(&placed.spec.hardware);
        let loading = self.threads().run(move || {
            let placement =
                hardware.map_or_else(|| Ok(Placement::cpu()), |hardware| hardware.placement(engines.gpus()))?;
            let program = placement.load(&engines, &artifact, (&options, sleeping.options().instances))?;
            sleeping.wake(program)
        });
        loading.await.ok_or(Failure::Aborted)?.map_err(Failure::Load)
    }
}

async fn artifact(app: &SharedApp, placed: &Placed) -> Result<Artifact, Failure> {
    let format = format_of(&placed.format)?;
    let path = app.registry.fetch_artifact(placed.digest).await?;
    Ok(Artifact { path, folder: None, format })
}

fn pool_options(app: &SharedApp, placed: &Placed) -> PoolOptions {
    let spec = &placed.spec;
    PoolOptions {
        queue_delay_max: Duration::from_secs_f64(spec.max_queue_delay_ms.max(0.0) / 1e3),
        scaling: spec.autoscaling.as_ref().filter(|bounds| bounds.enabled).map(|bounds| Scaling {
            instances_min: bounds.min_replicas as usize,
            instances_max: bounds.max_replicas as usize,
            utilization: bounds.target_cpu_utilization / 100.0,
        }),
        latency_target: spec.latency_target_ms.map(|target| Duration::from_secs_f64(target / 1e3)),
        inline_rows_max: spec.tuning.inline_rows_max.map(|rows| rows as usize),
        ..pool_defaults(&app.config.batching)
    }
}

/// What the deployment says of how it is to run. One replica, the default, says nothing.
fn overrides(placed: &Placed, placement: Placement) -> Overrides {
    let (spec, tuning) = (&placed.spec, &placed.spec.tuning);
    let size = |number: u32| number as usize;
    Overrides {
        engine: tuning.engine.as_deref().and_then(EngineName::from_text),
        instances: tuning.instances.or((spec.replicas > 1).then_some(spec.replicas)).map(size),
        threads: tuning.threads.map(size),
        batch_rows_max: spec.max_batch_size.map(size),
        placement,
        barred: Vec::new(),
    }
}

fn unknown_hardware(text: &str) -> LoadError {
    let reason = format!("the deployment's hardware, '{text}', is nothing that this server knows");
    LoadError::EngineMissing { engine: "for this hardware".to_owned(), reason }
}

/// The format that a version says it has.
///
/// # Errors
/// When this server does not know it.
pub fn format_of(text: &str) -> Result<Format, LoadError> {
    Format::from_text(text).ok_or_else(|| {
        LoadError::Unsupported(Unsupported {
            found: format!("the version's format is '{text}'"),
            advice: "this server does not know that format; export the model to ONNX".to_owned(),
        })
    })
}
