//! The seam between Servoir and what computes: engines load programs, programs give sessions, sessions run.

pub mod faulty;
mod onnxruntime;
mod panics;
mod spread;
#[cfg(feature = "tract")]
mod tract;
mod trees;

use crate::artifact::{Artifact, Format};
use crate::device::Device;
use crate::error::{LoadError, RunError};
use crate::gpus::{GpuOptions, Gpus, Onto};
use crate::onnx;
use crate::own_priority;
use servoir_types::{Signature, Tensor};
use std::path::Path;
use std::sync::{Arc, OnceLock};

pub(crate) use panics::caught;
pub(crate) use trees::signature as signature_of_trees;

/// The engines that can run a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum EngineName {
    OnnxRuntime,
    Tract,
    Trees,
}

impl EngineName {
    /// Every engine, in order of preference.
    pub const ALL: [Self; 3] = [Self::Trees, Self::OnnxRuntime, Self::Tract];

    /// Reads what [`Self::as_str`] writes.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|engine| engine.as_str() == text)
    }

    /// Whether each session of a program has a copy of the model's weights, and not all of them one.
    pub const fn copies_weights(self) -> bool {
        matches!(self, Self::OnnxRuntime)
    }

    /// `onnxruntime`, `tract` or `trees`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnnxRuntime => "onnxruntime",
            Self::Tract => "tract",
            Self::Trees => "trees",
        }
    }
}

/// How to load.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// The engine to use, or `None` for the first that is here: the tree kernels for what they know whole, ONNX Runtime,
    /// then tract. A model that this one rejects is an error, never a reason to try the next in silence.
    pub engine: Option<EngineName>,
    /// Where it is to run.
    pub device: Device,
    /// Threads that one run may use inside the engine. With 1 a run stays on the thread that asked for it; with more it
    /// shares the process's pool, whose size was given to [`Engines::discover`].
    pub intra_threads: usize,
}

impl LoadOptions {
    /// On the machine's own processor.
    pub fn cpu(engine: impl Into<Option<EngineName>>, intra_threads: usize) -> Self {
        Self { engine: engine.into(), device: Device::Cpu, intra_threads }
    }
}

/// A model parsed, optimised and shared by its sessions.
pub trait Program: Send + Sync {
    /// Inputs and outputs.
    fn signature(&self) -> &Signature;
    /// Which engine runs it.
    fn engine(&self) -> EngineName;
    /// Where it runs.
    fn device(&self) -> Device {
        Device::Cpu
    }
    /// What it has taken of GPUs' own memory until now, in bytes, as far as nobody else has taken of them or given back since it was
    /// loaded; of trees the forest alone. Nothing on the machine's own processor.
    fn taken(&self) -> Vec<(Device, u64)> {
        Vec::new()
    }
    /// How many nodes of its graph the machine's own processor computes although it runs on another device.
    fn nodes_on_cpu(&self) -> usize {
        0
    }
    /// To how many rows the engine wants a batch of these inputs padded, because it is prepared for so many and not for theirs;
    /// `None`: it takes them as they are.
    fn rows_prepared(&self, _inputs: &[Tensor]) -> Option<usize> {
        None
    }
    /// A new session, one thread's own.
    fn session(&self) -> Result<Box<dyn Session>, LoadError>;
}

/// One thread's own way into a program; reuses its buffers.
pub trait Session: Send {
    /// Runs the model. `inputs` are in the signature's order and fit it; `outputs` is cleared and filled in the signature's order.
    fn run(&mut self, inputs: &[Tensor], outputs: &mut Vec<Tensor>) -> Result<(), RunError>;
}

/// What an engine must do to take part.
trait Engine: Send + Sync {
    /// Version and, where there is one, the path of the library.
    fn about(&self) -> String;
    /// Loads an ONNX file whose signature was read and whose external data was checked; onto this GPU, when it is given one.
    fn load(
        &self,
        path: &Path,
        signature: Signature,
        options: &LoadOptions,
        onto: Option<Onto<'_>>,
    ) -> Result<Arc<dyn Program>, LoadError>;
}

/// An engine, or why it is not here.
type Presence = Result<Arc<dyn Engine>, String>;

/// The engines of this process: found at start, and each opened when a model first needs it.
#[derive(Clone)]
pub struct Engines {
    found: Arc<[Found]>,
    gpus: Arc<Gpus>,
}

/// An engine that was looked for.
struct Found {
    name: EngineName,
    /// What is known without opening it: where it is, or why it is not here.
    known: Result<String, String>,
    open: Arc<dyn Fn() -> Presence + Send + Sync>,
    opened: OnceLock<Presence>,
}

impl Found {
    fn new(
        name: EngineName,
        known: Result<String, String>,
        open: impl Fn() -> Presence + Send + Sync + 'static,
    ) -> Self {
        Self { name, known, open: Arc::new(open), opened: OnceLock::new() }
    }

    fn opened(&self) -> &Presence {
        self.opened.get_or_init(|| {
            self.known.as_ref().map_err(Clone::clone)?;
            let open = Arc::clone(&self.open);
            // An engine starts threads of its own, on which everything runs that it is ever asked for.
            own_priority::run(move || open())?
        })
    }
}

/// One engine's presence.
#[derive(Debug, Clone)]
pub struct EngineStatus {
    /// Which engine.
    pub name: EngineName,
    /// Version and path when it is here; the reason and what to do when not.
    pub state: Result<String, String>,
}

impl Engines {
    /// Looks for the engines. `onnxruntime` is the shared library's path when one was configured or found.
    ///
    /// Call it once in a process, from a thread that has the process's own priority: what answers will have that of the caller.
    /// ONNX Runtime's environment lives as long as the process. Whoever opens it first decides its threads for all.
    pub fn discover(onnxruntime: Option<&Path>, threads: usize) -> Self {
        own_priority::prepare();
        let (path, known) = (onnxruntime.map(Path::to_owned), onnxruntime::find(onnxruntime));
        let open = move || onnxruntime::open(path.as_deref(), threads);
        let found = Arc::new([
            Found::new(EngineName::OnnxRuntime, known, open),
            Found::new(EngineName::Tract, discover_tract().map(|engine| engine.about()), discover_tract),
        ]);
        Self { found, gpus: Arc::new(Gpus::none("they were not looked for")) }
    }

    /// The same with the machine's GPUs, which are looked for now.
    #[must_use]
    pub fn with_gpus(self, options: &GpuOptions) -> Self {
        Self { gpus: Arc::new(Gpus::discover(options)), ..self }
    }

    /// The same without GPUs, for this reason.
    #[must_use]
    pub fn without_gpus(self, reason: &str) -> Self {
        Self { gpus: Arc::new(Gpus::none(reason)), ..self }
    }

    /// The GPUs of this machine.
    pub fn gpus(&self) -> &Gpus {
        &self.gpus
    }

    /// What was found, in order of preference, without opening it.
    pub fn found(&self) -> Vec<EngineStatus> {
        self.found.iter().map(|found| EngineStatus { name: found.name, state: found.known.clone() }).collect()
    }

    /// What was found, in order of preference, and whether it can be used: every engine is opened.
    pub fn status(&self) -> Vec<EngineStatus> {
        let state = |found: &Found| found.opened().as_ref().map(|engine| engine.about()).map_err(Clone::clone);
        self.found.iter().map(|found| EngineStatus { name: found.name, state: state(found) }).collect()
    }

    /// Opens an engine now, and not when a model first needs it.
    pub fn open(&self, name: EngineName) {
        let found = self.found.iter().find(|found| found.name == name);
        // Why it cannot be opened is said to who loads a model with it.
        let _presence = found.map(Found::opened);
    }

    /// Loads a model. Blocking and possibly long; call it off the async threads.
    ///
    /// The file is read and checked as [`crate::inspect`] does before an engine sees it.
    pub fn load(&self, artifact: &Artifact, options: &LoadOptions) -> Result<Arc<dyn Program>, LoadError> {
        std::fs::metadata(&artifact.path)
            .map_err(|error| LoadError::Io(format!("{}: {error}", artifact.path.display())))?;
        let gpu = if options.device.is_gpu() { Some(self.gpus.get(options.device)?) } else { None };
        let onto = gpu.map(|gpu| Onto { gpu, weights_bytes: artifact.files_bytes() });
        onto.map(|onto| onto.gpu.room_for(onto.weights_bytes)).transpose()?;
        if artifact.format != Format::Onnx {
            return match options.engine {
                None | Some(EngineName::Trees) => trees::load(&artifact.path, artifact.format, gpu),
                Some(other) => {
                    let reason = format!("{} files are run by trees alone", artifact.format.as_str());
                    Err(LoadError::Rejected { engine: other.as_str().into(), reason })
                }
            };
        }
        let signature = onnx::read(&artifact.path, artifact.folder.as_deref())?;
        if matches!(options.engine, None | Some(EngineName::Trees)) {
            match trees::load_onnx(&artifact.path, signature.clone(), gpu) {
                Err(error @ LoadError::Rejected { .. }) if options.engine.is_none() => {
                    tracing::debug!(path = %artifact.path.display(), "not for the tree kernels: {error}");
                }
                loaded => return loaded,
            }
        }
        let (name, engine) = self.choose(options.engine)?;
        caught(|| engine.load(&artifact.path, signature, options, onto)).unwrap_or_else(|panic| {
            Err(LoadError::Rejected { engine: name.as_str().into(), reason: format!("it panicked: {panic}") })
        })
    }

    /// Loads a model onto several GPUs; its sessions are dealt to them in turn. One that refuses it is left out.
    ///
    /// # Errors
    /// As [`Self::load`], when all refuse: what the first says.
    pub fn load_on_each(
        &self,
        artifact: &Artifact,
        options: &LoadOptions,
        devices: &[Device],
    ) -> Result<Arc<dyn Program>, LoadError> {
        let mut programs = Vec::new();
        let mut first_error = None;
        for device in devices {
            match self.load(artifact, &LoadOptions { device: *device, ..options.clone() }) {
                Ok(program) => programs.push(program),
                Err(error) => {
                    tracing::warn!(%device, %error, "a model is not dealt to this GPU");
                    first_error.get_or_insert(error);
                }
            }
        }
        let none = || LoadError::NoDevice { device: options.device, reason: "none was named".into() };
        spread::over(programs).ok_or_else(|| first_error.unwrap_or_else(none))
    }

    /// The engines that may be able to load a model, in order of preference.
    pub fn candidates(&self, artifact: &Artifact) -> Vec<EngineName> {
        let engines: &[EngineName] = match artifact.format {
            Format::Onnx => &EngineName::ALL,
            _ => &[EngineName::Trees],
        };
        let is_here = |engine: &EngineName| {
            *engine == EngineName::Trees || self.found.iter().any(|found| found.name == *engine && found.known.is_ok())
        };
        engines.iter().copied().filter(is_here).collect()
    }

    fn choose(&self, wanted: Option<EngineName>) -> Result<(EngineName, &Arc<dyn Engine>), LoadError> {
        let mut candidates = self.found.iter().filter(|found| wanted.is_none_or(|wanted| wanted == found.name));
        let mut reasons = Vec::new();
        let found = candidates.find_map(|found| match found.opened() {
            Ok(engine) => Some((found.name, engine)),
            Err(reason) => {
                reasons.push(format!("{}: {reason}", found.name.as_str()));
                None
            }
        });
        found.ok_or_else(|| match (wanted, reasons.is_empty()) {
            (Some(name), true) => missing(name, "this build has none".into()),
            (Some(name), false) => missing(name, reasons.join("; ")),
            (None, _) => LoadError::EngineMissing { engine: "for ONNX".into(), reason: reasons.join("; ") },
        })
    }
}

fn missing(engine: EngineName, reason: String) -> LoadError {
    LoadError::EngineMissing { engine: engine.as_str().into(), reason }
}

#[cfg(feature = "tract")]
fn discover_tract() -> Presence {
    Ok(Arc::new(tract::Tract))
}

#[cfg(not(feature = "tract"))]
fn discover_tract() -> Presence {
    Err("this build was made without the feature `tract`".into())
}
