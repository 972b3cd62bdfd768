//! Servoir's data plane: engines behind one seam, queues, instances, deployments and the slots that swap them.
//!
//! Nothing here knows of HTTP or databases. The flow of a prediction: [`Serving::find`] → [`Entry::live`] (one atomic load)
//! → [`Deployment::predict`] → queue → instance → answer.

use servoir_types::{Kind, ModelId, Signature, Tensor};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The engines that can run a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum EngineName {
    OnnxRuntime,
    Tract,
    Trees,
}

impl EngineName {
    /// `onnxruntime`, `tract` or `trees`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OnnxRuntime => "onnxruntime",
            Self::Tract => "tract",
            Self::Trees => "trees",
        }
    }
}

/// What a file turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Format {
    Onnx,
    XgboostJson,
    XgboostUbj,
    LightgbmText,
}

impl Format {
    /// `onnx`, `xgboost-json`, `xgboost-ubj`, `lightgbm-text`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Onnx => "onnx",
            Self::XgboostJson => "xgboost-json",
            Self::XgboostUbj => "xgboost-ubj",
            Self::LightgbmText => "lightgbm-text",
        }
    }

    /// Reads what [`Self::as_str`] writes.
    pub fn from_text(_text: &str) -> Option<Self> {
        unimplemented!()
    }
}

/// What was found in an uploaded file.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// The file's format.
    pub format: Format,
    /// Inputs and outputs, where the format tells them (ONNX does).
    pub signature: Option<Signature>,
}

/// Why a file is not a model that can be kept: what it is instead and what to do about it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{found}; {advice}")]
pub struct Unsupported {
    /// What the file is, such as `this is a Python pickle`.
    pub found: String,
    /// What to do, such as `export the model to ONNX with skl2onnx: …`.
    pub advice: String,
}

/// Reads a file's format and signature without running an engine. Blocking; call it off the async threads.
///
/// `folder` is as in [`Artifact::folder`].
///
/// # Errors
/// [`Unsupported`] when it is not a model format that Servoir keeps, or is one and is broken.
pub fn inspect(_path: &Path, _folder: Option<&Path>) -> Result<Inspection, Unsupported> {
    unimplemented!()
}

/// A model file ready to be loaded.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// The model file.
    pub path: PathBuf,
    /// The folder that belongs to this model alone, when it has one: external data may lie inside it and nowhere else.
    /// `None` for a single file in a shared store: any external data is refused.
    pub folder: Option<PathBuf>,
    /// What kind of file it is.
    pub format: Format,
}

/// How to load.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// The engine to use, or `None` for the first that is here and can load it: ONNX Runtime, then tract.
    pub engine: Option<EngineName>,
    /// Threads that one run may use inside the engine.
    pub intra_threads: usize,
}

/// Why a model could not be loaded, in the engine's words.
#[derive(Debug, Clone, thiserror::Error)]
#[allow(missing_docs)]
pub enum LoadError {
    #[error("{0}")]
    Unsupported(#[from] Unsupported),
    #[error("engine {engine} is not available: {reason}")]
    EngineMissing { engine: String, reason: String },
    #[error("{engine} cannot load this model: {reason}")]
    Rejected { engine: String, reason: String },
    #[error("cannot read the artifact: {0}")]
    Io(String),
}

/// Why a run failed, in the engine's words.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{engine}: {reason}")]
pub struct RunError {
    /// The engine that failed.
    pub engine: &'static str,
    /// What it said.
    pub reason: String,
}

/// A model parsed, optimised and shared by its sessions.
pub trait Program: Send + Sync {
    /// Inputs and outputs.
    fn signature(&self) -> &Signature;
    /// Which engine runs it.
    fn engine(&self) -> EngineName;
    /// A new session, one thread's own.
    fn session(&self) -> Result<Box<dyn Session>, LoadError>;
}

/// One thread's own way into a program; reuses its buffers.
pub trait Session: Send {
    /// Runs the model. `inputs` are in the signature's order and fit it; `outputs` is cleared and filled in the signature's order.
    fn run(&mut self, inputs: &[Tensor], outputs: &mut Vec<Tensor>) -> Result<(), RunError>;
}

/// The engines of this process: found once, at start.
#[derive(Clone)]
pub struct Engines(Arc<()>);

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
    /// Call it once in a process: ONNX Runtime's environment lives as long as the process.
    pub fn discover(_onnxruntime: Option<&Path>, _threads: usize) -> Self {
        unimplemented!()
    }

    /// What was found, in order of preference.
    pub fn status(&self) -> Vec<EngineStatus> {
        unimplemented!()
    }

    /// Loads a model. Blocking and possibly long; call it off the async threads.
    pub fn load(&self, _artifact: &Artifact, _options: &LoadOptions) -> Result<Arc<dyn Program>, LoadError> {
        unimplemented!()
    }
}

/// How a deployment batches and queues.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolOptions {
    /// Instances: threads with a session each.
    pub instances: usize,
    /// The most rows that are run together.
    pub batch_rows_max: usize,
    /// How long a request may wait for company; zero: not at all.
    pub queue_delay_max: Duration,
    /// The most rows that may wait.
    pub queue_rows_max: usize,
    /// The most bytes of tensors that may wait.
    pub queue_bytes_max: usize,
}

/// Which version of which model a deployment is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The model.
    pub model: ModelId,
    /// Its name at the time of the deployment.
    pub name: String,
    /// The version, from 1.
    pub version: u64,
}

/// One prediction to make.
pub struct Request {
    /// In the signature's order; checked against it by [`Deployment::predict`].
    pub inputs: Vec<Tensor>,
    /// When the answer is of no more use.
    pub deadline: Option<Instant>,
    /// Who goes first when requests wait.
    pub priority: Priority,
}

/// The order in which waiting requests are taken; a lower one cannot starve for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[allow(missing_docs)]
pub enum Priority {
    High,
    #[default]
    Normal,
    Low,
}

/// What came of a prediction.
#[derive(Debug)]
pub struct Answer {
    /// In the signature's order.
    pub outputs: Vec<Tensor>,
    /// Time in the queue.
    pub queued: Duration,
    /// Time in the engine.
    pub computed: Duration,
    /// Rows in the batch that it ran in.
    pub batch_rows: usize,
}

/// Why a prediction was not made.
#[derive(Debug, Clone, thiserror::Error)]
#[allow(missing_docs)]
pub enum PredictError {
    #[error("{0}")]
    Mismatch(String),
    #[error("the queue of this model is full ({rows} rows wait); try again in {retry_after_seconds} s")]
    QueueFull { rows: usize, retry_after_seconds: u64 },
    #[error("the deadline passed before the model ran")]
    DeadlineExceeded,
    #[error("the model is being taken down")]
    Closed,
    #[error("the engine failed on this input: {0}")]
    Run(#[from] RunError),
}

impl PredictError {
    /// The kind, for status codes. `Mismatch` is [`Kind::Unprocessable`].
    pub fn kind(&self) -> Kind {
        unimplemented!()
    }
}

/// A version that is loaded and answers: instances, their queue and their counters. Dropping the last handle lets the
/// instances finish what is queued and then end, on their own threads.
pub struct Deployment(());

/// A reading of a deployment's state.
#[derive(Debug, Clone, Copy, Default)]
pub struct Gauges {
    /// Instances alive.
    pub instances: usize,
    /// Instances at work now.
    pub busy: usize,
    /// Rows waiting.
    pub queue_rows: usize,
    /// Requests inside: waiting or running.
    pub in_flight: usize,
    /// Time all instances together have spent in the engine, in nanoseconds.
    pub compute_nanos: u64,
}

impl fmt::Debug for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Deployment")
    }
}

impl Deployment {
    /// Starts instances and warms each with one run where the shapes allow it. Blocking.
    pub fn start(
        _identity: Identity,
        _program: Arc<dyn Program>,
        _options: PoolOptions,
    ) -> Result<Arc<Self>, LoadError> {
        unimplemented!()
    }
    /// Which version this is.
    pub fn identity(&self) -> &Identity {
        unimplemented!()
    }
    /// Inputs and outputs.
    pub fn signature(&self) -> &Signature {
        unimplemented!()
    }
    /// The engine.
    pub fn engine(&self) -> EngineName {
        unimplemented!()
    }
    /// The device, `cpu`.
    pub fn device(&self) -> &'static str {
        "cpu"
    }
    /// How it was started.
    pub fn options(&self) -> &PoolOptions {
        unimplemented!()
    }
    /// The state now.
    pub fn gauges(&self) -> Gauges {
        unimplemented!()
    }
    /// The engine's last failure, if any.
    pub fn last_error(&self) -> Option<String> {
        unimplemented!()
    }
    /// Runs the model once on these inputs, alone or with what has gathered. Dropping the future before the model ran takes the request out at no cost.
    pub async fn predict(&self, _request: Request) -> Result<Answer, PredictError> {
        unimplemented!()
    }
    /// Waits until nothing is in flight.
    pub async fn idle(&self) {
        unimplemented!()
    }
}

/// What answers for a model: one live version, and beside it a canary or a shadow when there is one.
#[derive(Debug, Clone)]
pub struct Live {
    /// Answers.
    pub primary: Arc<Deployment>,
    /// Takes this share of the requests, in per cent.
    pub canary: Option<(u8, Arc<Deployment>)>,
    /// Is sent a copy of the requests; its answers are thrown away.
    pub shadow: Option<Arc<Deployment>>,
}

/// A model's place in the serving table: found by id or name, swapped in one atomic store.
pub struct Entry(());

impl Entry {
    /// The model.
    pub fn model(&self) -> &ModelId {
        unimplemented!()
    }
    /// One atomic load: what is live now, held for as long as the caller keeps it. `None`: nothing is.
    pub fn live(&self) -> Option<Arc<Live>> {
        unimplemented!()
    }
    /// The deployment that takes this request: the primary, or the canary for its share.
    pub fn choose(&self) -> Option<Arc<Deployment>> {
        unimplemented!()
    }
}

/// The serving table.
#[derive(Clone)]
pub struct Serving(Arc<()>);

impl Default for Serving {
    fn default() -> Self {
        Self(Arc::new(()))
    }
}

impl Serving {
    /// The entry of an organization's model, by its id or name.
    pub fn find(&self, _organization: &str, _id_or_name: &str) -> Option<Arc<Entry>> {
        unimplemented!()
    }
    /// Makes `live` the answer for a model from this moment; the one before, if any, is given back. Creates the entry
    /// when there is none and follows a change of the name.
    pub fn publish(&self, _organization: &str, _name: &str, _model: &ModelId, _live: Live) -> Option<Arc<Live>> {
        unimplemented!()
    }
    /// Takes a model out; what was live, if anything, is given back.
    pub fn withdraw(&self, _model: &ModelId) -> Option<Arc<Live>> {
        unimplemented!()
    }
    /// Every entry with its organization, in no order.
    pub fn entries(&self) -> Vec<(String, Arc<Entry>)> {
        unimplemented!()
    }
}
