//! Servoir's data plane: engines behind one seam, queues, instances, deployments and the slots that swap them.
//!
//! Nothing here knows of HTTP or databases. The flow of a prediction: [`Serving::find`] → [`Entry::live`] (one atomic load)
//! → [`Deployment::predict`] → queue → instance → answer.

mod artifact;
mod batch;
mod deployment;
mod device;
mod engine;
mod error;
mod gpus;
mod onnx;
mod own_priority;
mod per_thread;
mod pool;
mod profile;
mod queue;
mod recorded;
mod scaling;
mod serving;
mod slot;
mod statistics;
mod tap;

pub use artifact::{Artifact, Format, Inspection, inspect};
pub use deployment::{Aside, Deployment, Gauges, Identity, PoolOptions, run_once, try_out};
pub use device::Device;
#[doc(hidden)]
pub use engine::faulty;
pub use engine::{EngineName, EngineStatus, Engines, LoadOptions, Program, Session};
pub use error::{LoadError, PredictError, RunError, Unsupported};
pub use gpus::{DeviceInfo, Gpu, GpuOptions, Gpus};
pub use per_thread::{PerThread, threads};
pub use profile::{Choice, Curve, Measured, Point, Profile, ProfileOptions, fingerprint, measure};
pub use queue::{Answer, Priority, Request};
pub use recorded::RecordLimits;
pub use scaling::{Scaler, Scaling};
pub use serving::Serving;
pub use slot::{Entry, Live};
pub use statistics::{BatchStatistics, Statistics, Tally};
pub use tap::{Tap, Unfit};
