//! Kernels for NVIDIA's devices.
//!
//! Nothing is linked: the driver and the compiler NVRTC are opened when they are first needed, and a machine that lacks them
//! is told why it has no device ([`devices`], [`NoDevice`]). The sources lie beside this file as text. NVRTC turns them into
//! machine code for the device that is there, which is kept in files ([`Device::open`]), so that a process that starts the
//! second time compiles nothing.
//!
//! Trees give the bits that [`crate::trees::Forest`] gives: leaves are added in the order of the trees, and products and sums
//! are rounded apart. What else runs on a device says how near it is to its scalar twin.

mod bins;
mod cache;
mod compile;
mod device;
mod error;
mod forest;
mod half;
mod launch;
mod libraries;
mod memory;
mod module;
mod packed;
mod probe;
mod rows;
mod scores;
mod session;
mod stream;
mod transfers;
mod work;

pub use bins::DeviceBins;
pub use compile::{Source, Target, compile, compiler_version};
pub use device::{Device, DeviceMemory};
pub use error::{CudaError, NoDevice};
pub use forest::DeviceForest;
pub use half::Half;
pub use libraries::Libraries;
pub use probe::{DeviceInfo, devices};
pub use rows::{Element, Rows, Wanted, gather_scalar};
pub use scores::{Scores, highest_scalar, sigmoid_scalar, softmax_scalar};
pub use session::ForestSession;
pub use transfers::Transfers;
