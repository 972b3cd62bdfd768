//! tract's own kernels for GPUs.

use super::NAME;
use super::plans::{MakePlan, Plan};
use crate::device::Device;
use crate::error::LoadError;
use crate::gpus::Gpu;
use std::sync::Arc;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::runtime::{Runtime, runtime_for_name};

/// The name that the crate registers itself under.
const RUNTIME: &str = "cuda";

/// What makes plans for a GPU.
///
/// # Errors
/// When it is not the first, which is the only one that tract knows, or what tract needs is not there.
pub fn on(gpu: &Gpu) -> Result<MakePlan, LoadError> {
    let device = gpu.device();
    if device != Device::Cuda(0) {
        let reason = format!("it knows cuda:0 alone, not {device}");
        return Err(LoadError::Rejected { engine: NAME.into(), reason });
    }
    let no_device = |error: TractError| LoadError::NoDevice { device, reason: format!("tract says: {error:#}") };
    tract_cuda::utils::ensure_cuda_runtime_dependencies("what tract needs is not there").map_err(no_device)?;
    runtime().map_err(no_device)?;
    Ok(make)
}

fn runtime() -> TractResult<&'static dyn Runtime> {
    runtime_for_name(RUNTIME)?.ok_or_else(|| TractError::msg("no runtime of the name 'cuda' is linked"))
}

fn make(model: InferenceModel) -> TractResult<Plan> {
    let model = model.into_typed()?.into_decluttered()?;
    runtime()?.prepare(model).map(|plan| Plan::Gpu(Arc::from(plan)))
}
