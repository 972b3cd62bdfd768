//! The seam between Servoir and what computes: engines load programs, programs give sessions, sessions run.

pub mod faulty;
mod onnxruntime;
mod panics;
#[cfg(feature = "tract")]
mod tract;

use crate::artifact::{Artifact, Format};
use crate::error::{LoadError, RunError};
use crate::onnx;
use servoir_types::{Signature, Tensor};
use std::path::Path;
use std::sync::Arc;

pub(crate) use panics::caught;

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

/// How to load.
#[derive(Debug, Clone)]
pub struct LoadOptions {
    /// The engine to use, or `None` for the first that is here: ONNX Runtime, then tract. A model that this one rejects
    /// is an error, never a reason to try the next in silence.
    pub engine: Option<EngineName>,
    /// Threads that one run may use inside the engine. With 1 a run stays on the thread that asked for it; with more it
    /// shares the process's pool, whose size was given to [`Engines::discover`].
    pub intra_threads: usize,
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

/// What an engine must do to take part.
trait Engine: Send + Sync {
    /// Version and, where there is one, the path of the library.
    fn about(&self) -> String;
    /// Loads an ONNX file whose signature was read and whose external data was checked.
    fn load(&self, path: &Path, signature: Signature, options: &LoadOptions) -> Result<Arc<dyn Program>, LoadError>;
}

/// An engine, or why it is not here.
type Presence = Result<Arc<dyn Engine>, String>;

/// The engines of this process: found once, at start.
#[derive(Clone)]
pub struct Engines(Arc<[(EngineName, Presence)]>);

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
    /// Call it once in a process: ONNX Runtime's environment lives as long as the process. Later calls share the first
    /// one's library and threads.
    pub fn discover(onnxruntime: Option<&Path>, threads: usize) -> Self {
        Self(Arc::new([
            (EngineName::OnnxRuntime, onnxruntime::discover(onnxruntime, threads)),
            (EngineName::Tract, discover_tract()),
        ]))
    }

    /// What was found, in order of preference.
    pub fn status(&self) -> Vec<EngineStatus> {
        let state = |presence: &Presence| presence.as_ref().map(|engine| engine.about()).map_err(Clone::clone);
        self.0.iter().map(|(name, presence)| EngineStatus { name: *name, state: state(presence) }).collect()
    }

    /// Loads a model. Blocking and possibly long; call it off the async threads.
    ///
    /// The file is read and checked as [`crate::inspect`] does before an engine sees it.
    pub fn load(&self, artifact: &Artifact, options: &LoadOptions) -> Result<Arc<dyn Program>, LoadError> {
        if artifact.format != Format::Onnx {
            let reason = format!(
                "{} files need it, and this build has none; export to ONNX with onnxmltools",
                artifact.format.as_str()
            );
            return Err(missing(EngineName::Trees, reason));
        }
        std::fs::metadata(&artifact.path)
            .map_err(|error| LoadError::Io(format!("{}: {error}", artifact.path.display())))?;
        let signature = onnx::read(&artifact.path, artifact.folder.as_deref())?;
        let (name, engine) = self.choose(options.engine)?;
        caught(|| engine.load(&artifact.path, signature, options)).unwrap_or_else(|panic| {
            Err(LoadError::Rejected { engine: name.as_str().into(), reason: format!("it panicked: {panic}") })
        })
    }

    fn choose(&self, wanted: Option<EngineName>) -> Result<(EngineName, &Arc<dyn Engine>), LoadError> {
        let mut candidates = self.0.iter().filter(|(name, _)| wanted.is_none_or(|wanted| wanted == *name));
        let mut reasons = Vec::new();
        let found = candidates.find_map(|(name, presence)| match presence {
            Ok(engine) => Some((*name, engine)),
            Err(reason) => {
                reasons.push(format!("{}: {reason}", name.as_str()));
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
