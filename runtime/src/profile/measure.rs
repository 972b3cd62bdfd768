//! Measuring: each engine that can load the model, each way to share the cores, each size of batch, within a time.

use super::choose::choose;
use super::contest::{Contender, contest, point, sessions};
use super::{Curve, Profile, fingerprint};
use crate::artifact::Artifact;
use crate::device::Device;
use crate::engine::{EngineName, Engines, LoadOptions, Program};
use crate::error::LoadError;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// An engine that takes this much longer for a row than the best is not measured further.
const HOPELESS: f64 = 2.0;
/// What the ways of an engine take of the time that is left.
const SHARE: f64 = 0.8;
/// A run that is shorter than this, in microseconds, is shorter than a call of any engine but the one that made it.
const UNBEATABLE_MICROS: f64 = 10.0;

/// How to measure.
#[derive(Debug, Clone)]
pub struct ProfileOptions {
    /// How long it may take, beside loading the first engine that can; a load or run that is under way is not cut short.
    pub time: Duration,
    /// Cores to share.
    pub cores: usize,
    /// The most rows of a run.
    pub batch_rows_max: usize,
    /// The most rows of a run on a GPU.
    pub gpu_batch_rows_max: usize,
    /// Where it may run.
    pub devices: Vec<Device>,
    /// How soon answers are wanted.
    pub latency_target: Option<Duration>,
    /// Engines that must not open the model, and why.
    pub barred: Vec<(EngineName, String)>,
}

/// A profile, and the program that it chose.
pub struct Measured {
    /// What was measured, and what follows from it.
    pub profile: Profile,
    /// Loaded as the profile says.
    pub program: Arc<dyn Program>,
    /// Whether it may be kept: no device was left out that may be there another time.
    pub is_whole: bool,
}

/// Measures a model. Blocking, and busy on every core for as long as `options` allow.
///
/// # Errors
/// When no engine can load the model: what the first says. The profile of a model that refuses made-up inputs has no curve;
/// its program is that of the first engine that can load it.
pub fn measure(engines: &Engines, artifact: &Artifact, options: &ProfileOptions) -> Result<Measured, LoadError> {
    let started = Instant::now();
    let mut bench = Bench {
        engines,
        artifact,
        options,
        started,
        until: started,
        loaded: Vec::new(),
        left_out: Vec::new(),
        first_error: None,
        is_whole: true,
    };
    let mut curves = Vec::new();
    for (number, device) in (1..).zip(&options.devices) {
        // Each device has its share of the time, and what those before it have left.
        bench.until = bench.started + options.time * number / u32::try_from(options.devices.len()).unwrap_or(u32::MAX);
        curves.extend(if device.is_gpu() { bench.curves_on_gpu(*device) } else { bench.curves_on_cpu() });
    }
    let chosen = choose(curves.iter(), options.latency_target);
    let program = match &chosen {
        Some(choice) => bench.take((&choice.engine, choice.device), choice.threads),
        None => bench.loaded.drain(..).next().map(|loaded| loaded.program),
    };
    let Bench { left_out, first_error, is_whole, .. } = bench;
    let Some(program) = program else {
        return Err(first_error.unwrap_or_else(|| LoadError::EngineMissing {
            engine: "for this model".into(),
            reason: left_out.join("; "),
        }));
    };
    Ok(Measured { profile: Profile { hardware: fingerprint(engines), curves, left_out }, program, is_whole })
}

struct Bench<'a> {
    engines: &'a Engines,
    artifact: &'a Artifact,
    options: &'a ProfileOptions,
    /// When the first run began, and as much later as loading took.
    started: Instant,
    until: Instant,
    loaded: Vec<Loaded>,
    /// What was not measured, and why.
    left_out: Vec<String>,
    /// Why the first could not be loaded that could not.
    first_error: Option<LoadError>,
    /// Whether every way was tried that another time might be there.
    is_whole: bool,
}

struct Loaded {
    way: (EngineName, Device),
    threads: usize,
    program: Arc<dyn Program>,
}

impl Bench<'_> {
    fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    /// Something that is to be ready before runs can be measured, and takes nothing of their time.
    fn opening<T>(&mut self, open: impl FnOnce(&Self) -> T) -> T {
        let began = Instant::now();
        let opened = open(self);
        let took = began.elapsed();
        self.started += took;
        self.until += took;
        opened
    }

    fn load(&mut self, way: (EngineName, Device), threads: usize) -> Result<Arc<dyn Program>, LoadError> {
        if let Some(loaded) = self.loaded.iter().find(|loaded| (loaded.way, loaded.threads) == (way, threads)) {
            return Ok(Arc::clone(&loaded.program));
        }
        let options = LoadOptions { engine: Some(way.0), device: way.1, intra_threads: threads };
        // What another engine takes to load beside the first that can counts: it is rarely the better one.
        let is_beside = !self.loaded.is_empty() && self.loaded.iter().all(|loaded| loaded.way != way);
        let load = |bench: &Self| bench.engines.load(bench.artifact, &options);
        let program = if is_beside { load(self) } else { self.opening(load) }?;
        self.loaded.push(Loaded { way, threads, program: Arc::clone(&program) });
        Ok(program)
    }

    fn take(&mut self, (engine, device): (&str, Device), threads: usize) -> Option<Arc<dyn Program>> {
        let of =
            |loaded: &Loaded| (loaded.way.0.as_str(), loaded.way.1) == (engine, device) && loaded.threads == threads;
        let place = self.loaded.iter().position(of)?;
        Some(self.loaded.swap_remove(place).program)
    }

    /// Why an engine must not open the model.
    fn barred(&self, engine: EngineName) -> Option<&str> {
        let barred = self.options.barred.iter().find(|(barred, _)| *barred == engine);
        barred.map(|(_, reason)| reason.as_str())
    }

    /// The curves on the machine's own processor of each engine that can load the model, as long as it is not hopeless.
    fn curves_on_cpu(&mut self) -> Vec<Curve> {
        let mut best_micros = f64::INFINITY;
        let mut curves = Vec::new();
        for engine in self.engines.candidates(self.artifact) {
            let reason = if let Some(reason) = self.barred(engine) {
                reason.to_owned()
            } else if best_micros < UNBEATABLE_MICROS {
                "calling it alone takes longer than the best run".to_owned()
            } else if self.is_over() && !self.loaded.is_empty() {
                "no time was left".to_owned()
            } else {
                match self.alone_on_cpu(engine) {
                    Err(reason) => reason,
                    Ok(micros) => {
                        best_micros = best_micros.min(micros);
                        if micros <= HOPELESS * best_micros {
                            curves.extend(self.curves((engine, Device::Cpu)));
                            continue;
                        }
                        format!("{micros:.0} µs a row, {best_micros:.0} elsewhere")
                    }
                }
            };
            self.left_out.push(format!("{}: {reason}", engine.as_str()));
        }
        curves
    }

    /// What a row alone takes on the machine's own processor, in microseconds; or why that cannot be told.
    fn alone_on_cpu(&mut self, engine: EngineName) -> Result<f64, String> {
        let program = self.load((engine, Device::Cpu), 1).map_err(|error| {
            let reason = error.to_string();
            self.first_error.get_or_insert(error);
            reason
        })?;
        let sessions = self.opening(|_| sessions(&program, 1));
        let alone = sessions.and_then(|mut sessions| point(&program, &mut sessions, (1, self.until)));
        alone.map(|point| point.micros).ok_or_else(|| "it refuses made-up inputs".to_owned())
    }

    /// The curves on a GPU of each engine that can load the model there. A row alone does not tell there: it costs the way there
    /// and back, whatever the model.
    fn curves_on_gpu(&mut self, device: Device) -> Vec<Curve> {
        let mut curves = Vec::new();
        for engine in self.engines.candidates(self.artifact) {
            let reason = if let Some(reason) = self.barred(engine) {
                reason.to_owned()
            } else if self.is_over() && !curves.is_empty() {
                "no time was left".to_owned()
            } else {
                match self.load((engine, device), 1) {
                    Ok(_) => {
                        curves.extend(self.curves((engine, device)));
                        continue;
                    }
                    Err(error) => self.not_on_gpu(error),
                }
            };
            self.left_out.push(format!("{} on {device}: {reason}", engine.as_str()));
        }
        curves
    }

    /// Remembers that a GPU did not take the model, and says why.
    fn not_on_gpu(&mut self, error: LoadError) -> String {
        let reason = error.to_string();
        // Others may leave it another time.
        self.is_whole &= !matches!(error, LoadError::DeviceMemory { .. });
        // What a device wants says more than that one engine does not know the model.
        let of_device = matches!(error, LoadError::DeviceMemory { .. } | LoadError::NoDevice { .. });
        if of_device || self.first_error.is_none() {
            self.first_error = Some(error);
        }
        reason
    }

    /// The curves of one engine, one for each way to share the cores.
    fn curves(&mut self, (engine, device): (EngineName, Device)) -> Vec<Curve> {
        let mut contenders = Vec::new();
        for (instances, threads) in ways((engine, device), self.options.cores) {
            let shown = format!("{} on {device} with {instances} × {threads} threads", engine.as_str());
            if self.is_over() && !contenders.is_empty() {
                self.left_out.push(format!("{shown}: no time was left"));
                continue;
            }
            match self.load((engine, device), threads) {
                Ok(program) => {
                    let curve =
                        Curve { engine: engine.as_str().into(), device, instances, threads, points: Vec::new() };
                    contenders.extend(self.opening(|_| Contender::new(program, curve)));
                }
                Err(error) => self.left_out.push(format!("{shown}: {error}")),
            }
        }
        let rows_max = if device.is_gpu() { self.options.gpu_batch_rows_max } else { self.options.batch_rows_max };
        // A part of the time is for the engines that come after this one.
        let left = self.until.saturating_duration_since(Instant::now());
        contest(contenders, rows_max, Instant::now() + left.mul_f64(SHARE))
    }
}

/// Ways to share the cores, as instances and threads of each. Sessions with more than one thread share one pool, which
/// has a thread for every core.
fn ways((engine, device): (EngineName, Device), cores: usize) -> Vec<(usize, usize)> {
    if device.is_gpu() {
        // One computes while the other's rows are on their way.
        return vec![(1, 1), (2, 1)];
    }
    let mut ways = vec![(cores, 1)];
    if engine == EngineName::OnnxRuntime && cores > 1 {
        ways.push((1, cores));
        if cores >= 4 {
            ways.push((2, cores));
        }
    }
    ways
}
