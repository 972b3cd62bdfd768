//! Loading a model to run as it was measured to run best on this machine, unless somebody says otherwise.

use crate::config::{BatchingConfig, Config};
use crate::hardware::Placement;
use crate::kept;
use servoir_runtime::{
    Artifact, Choice, EngineName, Engines, LoadError, LoadOptions, PoolOptions, Profile, ProfileOptions, Program,
    fingerprint, measure,
};
use servoir_types::Digest;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What is said of how a model is to run, field by field; what is `None` the profile decides.
#[derive(Debug, Clone)]
pub struct Overrides {
    /// The engine.
    pub engine: Option<EngineName>,
    /// Sessions, each with a thread that feeds it.
    pub instances: Option<usize>,
    /// Threads that a run may use inside the engine.
    pub threads: Option<usize>,
    /// The most rows that run together.
    pub batch_rows_max: Option<usize>,
    /// Where it may run.
    pub placement: Placement,
    /// Engines that must not open the model, and why.
    pub barred: Vec<(EngineName, String)>,
}

/// Which engines a load opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opens {
    /// In the order in which they are tried; `None` stands for the first that is here.
    pub engines: Vec<Option<EngineName>>,
    /// The one that the model is to run on, when somebody says so.
    pub named: Option<EngineName>,
}

impl Opens {
    /// The first engine that is here.
    pub fn first() -> Self {
        Self { engines: vec![None], named: None }
    }
}

/// How a model is queued and batched when nobody says otherwise; [`Tuner::load`] fills in what is measured.
pub fn pool_defaults(batching: &BatchingConfig) -> PoolOptions {
    PoolOptions {
        instances: 1,
        batch_rows_max: batching.batch_rows_max,
        queue_delay_max: Duration::ZERO,
        queue_rows_max: batching.queue_rows_max,
        queue_bytes_max: batching.queue_bytes_max,
        timeout_default: None,
        inline_cost_max: batching.inline_cost_max,
        inline_rows_max: None,
        check_one_in: batching.check_one_in,
        threads: 1,
        latency_target: None,
        scaling: None,
        profile: None,
    }
}

/// Measures models when they are loaded for the first time on this machine, and remembers what came of it.
pub struct Tuner {
    /// Where profiles are kept: a file for each artifact and machine.
    folder: PathBuf,
    /// How long a measurement may take; zero: nothing is measured.
    time: Duration,
    cores: usize,
    /// The most rows that run together when nobody says otherwise.
    batch_rows_max: usize,
    /// The same on a GPU.
    gpu_batch_rows_max: usize,
    /// How GPUs are used, as far as it decides what runs there cost, or whether there are any.
    on_gpus: String,
}

impl Tuner {
    /// As configured.
    pub fn new(config: &Config) -> Self {
        Self {
            folder: config.data_dir.join("profiles"),
            time: Duration::from_secs(config.profile_seconds),
            cores: config.engine_threads.max(1),
            batch_rows_max: config.batching.batch_rows_max,
            gpu_batch_rows_max: config.cuda.batch_rows_max,
            on_gpus: format!("{:?}", config.cuda),
        }
    }

    /// Which engines [`Self::load`] opens: the one that is known to be best, or all that are still to be measured. Blocking.
    pub fn opens(
        &self,
        engines: &Engines,
        (artifact, digest): (&Artifact, impl FnOnce() -> io::Result<Digest>),
        overrides: &Overrides,
        latency_target: Option<Duration>,
    ) -> Opens {
        let named = overrides.engine;
        if self.time.is_zero() {
            return Opens { engines: vec![named], named };
        }
        let engines = match digest()
            .ok()
            .and_then(|digest| kept::read::<Profile>(&self.file(&digest, engines, &overrides.placement)))
        {
            Some(profile) => {
                let best = profile.choose(named, latency_target);
                vec![named.or_else(|| EngineName::from_text(&best?.engine))]
            }
            None => engines.candidates(artifact).into_iter().map(Some).collect(),
        };
        Opens { engines, named }
    }

    /// Loads a model, and fills in what `overrides` leave open. `digest` names the artifact when its profile is wanted.
    /// Blocking.
    ///
    /// # Errors
    /// As [`Engines::load`].
    pub fn load(
        &self,
        engines: &Engines,
        (artifact, digest): (&Artifact, impl FnOnce() -> io::Result<Digest>),
        overrides: &Overrides,
        pool: PoolOptions,
    ) -> Result<(Arc<dyn Program>, PoolOptions), LoadError> {
        let (program, profile) = match self.time.is_zero() {
            true => (None, None),
            false => self.profile(engines, (artifact, digest), pool.latency_target, overrides)?,
        };
        let choice = profile.as_ref().and_then(|profile| profile.choose(overrides.engine, pool.latency_target));
        let engine = overrides.engine.or_else(|| EngineName::from_text(&choice.as_ref()?.engine));
        let engine = engine.or_else(|| first_but(&overrides.barred, engines.candidates(artifact)));
        let threads = overrides.threads.or(choice.as_ref().map(|choice| choice.threads)).unwrap_or(self.cores);
        let first = overrides.placement.devices.first().copied().unwrap_or_default();
        let device = choice.as_ref().map_or(first, |choice| choice.device);
        let chosen = |of: fn(&Choice) -> usize| choice.as_ref().map(of);
        let instances = overrides.instances.or(chosen(|choice| choice.instances)).unwrap_or(1);
        let instances = pool.scaling.map_or(instances, |scaling| scaling.clamp(instances));
        let instances_max = pool.scaling.map_or(instances, |scaling| scaling.instances_max);
        let options = LoadOptions { engine, device, intra_threads: threads };
        let fits = |program: &Arc<dyn Program>| {
            choice.as_ref().is_some_and(|choice| choice.threads == threads)
                && (engine.is_none_or(|engine| engine == program.engine()) && program.device() == device)
        };
        let is_dealt = overrides.placement.over(device, instances_max).len() > 1;
        let program = match program.filter(|program| fits(program) && !is_dealt) {
            Some(program) => program,
            None => overrides.placement.load(engines, artifact, (&options, instances_max))?,
        };
        let pool = PoolOptions {
            instances,
            batch_rows_max: overrides
                .batch_rows_max
                .or(chosen(|choice| choice.batch_rows_max))
                .unwrap_or(if device.is_gpu() { self.gpu_batch_rows_max } else { self.batch_rows_max }),
            threads,
            profile: profile.map(Arc::new),
            ..pool
        };
        Ok((program, pool))
    }

    /// The profile that is kept, or a new one with the program that it chose.
    fn profile(
        &self,
        engines: &Engines,
        (artifact, digest): (&Artifact, impl FnOnce() -> io::Result<Digest>),
        latency_target: Option<Duration>,
        overrides: &Overrides,
    ) -> Result<(Option<Arc<dyn Program>>, Option<Profile>), LoadError> {
        let digest = digest().map_err(|error| LoadError::Io(format!("{}: {error}", artifact.path.display())))?;
        let file = self.file(&digest, engines, &overrides.placement);
        if let Some(profile) = kept::read(&file) {
            return Ok((None, Some(profile)));
        }
        let options = ProfileOptions {
            time: self.time,
            cores: self.cores,
            batch_rows_max: self.batch_rows_max,
            gpu_batch_rows_max: self.gpu_batch_rows_max,
            devices: overrides.placement.devices.clone(),
            latency_target,
            barred: overrides.barred.clone(),
        };
        let measured = measure(engines, artifact, &options)?;
        // What cannot be kept is measured again next time.
        if !measured.is_whole {
            tracing::info!(file = %artifact.path.display(), "a model's profile lacks a GPU, and is not kept");
        } else if let Err(error) = kept::write(&file, &measured.profile) {
            tracing::warn!(%error, file = %file.display(), "cannot keep a model's profile");
        }
        Ok((Some(measured.program), Some(measured.profile)))
    }

    fn file(&self, digest: &Digest, engines: &Engines, placement: &Placement) -> PathBuf {
        let rows = format!("up to {} rows on {} threads", self.batch_rows_max, self.cores);
        let rows = match placement.devices.iter().any(|device| device.is_gpu()) {
            true => format!("{rows}; {}; on {:?}", self.on_gpus, placement.devices),
            false => rows,
        };
        let hardware = Digest::of(format!("{}; {rows}", fingerprint(engines)).as_bytes());
        self.folder.join(format!("{digest}-{}.json", &hardware.to_string()[..16]))
    }
}

/// The first engine that is not barred, where one is: the first of all could be that one.
fn first_but(barred: &[(EngineName, String)], candidates: Vec<EngineName>) -> Option<EngineName> {
    let is_barred = |engine: &EngineName| barred.iter().any(|(one, _)| one == engine);
    if barred.is_empty() { None } else { candidates.into_iter().find(|engine| !is_barred(engine)) }
}
