//! tract, the engine in Rust that is part of the program: slower than ONNX Runtime and always here.

#[cfg(feature = "tract-cuda")]
mod cuda;
mod plans;
mod tensor;

use super::{Engine, EngineName, LoadOptions, Program, Session, caught};
use crate::device::Device;
use crate::error::{LoadError, RunError};
use crate::gpus::{Gpu, Onto};
use plans::{MakePlan, Plan, Plans, on_cpu};
use servoir_types::{Signature, Tensor};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tract_onnx::prelude::{TValue, TVec, TractError};

const NAME: &str = EngineName::Tract.as_str();

/// The release that the manifest pins; the crate does not tell its own.
const VERSION: &str = "0.23.9";

/// The engine; it needs nothing from the machine.
pub struct Tract;

impl Engine for Tract {
    fn about(&self) -> String {
        format!("{VERSION}, built in")
    }

    fn load(
        &self,
        path: &Path,
        signature: Signature,
        _options: &LoadOptions,
        onto: Option<Onto<'_>>,
    ) -> Result<Arc<dyn Program>, LoadError> {
        let gpu = onto.map(|onto| onto.gpu);
        let device = gpu.map_or(Device::Cpu, |gpu| gpu.device());
        let make = gpu.map_or(Ok(on_cpu as MakePlan), |gpu| on_gpu(gpu))?;
        let free_before = gpu.map(|gpu| gpu.memory()).transpose()?.map_or(0, |memory| memory.free);
        let rejected = |error: TractError| LoadError::Rejected { engine: NAME.into(), reason: words(&error) };
        let plans = Plans::load(path, &signature, make).map_err(rejected)?;
        let device_bytes = gpu.map_or(0, |gpu| gpu.taken_since(free_before));
        Ok(Arc::new(TractProgram(Arc::new(Shared { signature, plans, device, device_bytes }))))
    }
}

/// An error with its causes, outermost first.
fn words(error: &TractError) -> String {
    format!("{error:#}")
}

/// What makes plans for a GPU.
#[cfg(feature = "tract-cuda")]
fn on_gpu(gpu: &Gpu) -> Result<MakePlan, LoadError> {
    cuda::on(gpu)
}

/// What makes plans for a GPU: nothing in this build.
#[cfg(not(feature = "tract-cuda"))]
fn on_gpu(gpu: &Gpu) -> Result<MakePlan, LoadError> {
    let reason =
        format!("this build was made without the feature `tract-cuda`, so it does not run on {}", gpu.device());
    Err(LoadError::Rejected { engine: NAME.into(), reason })
}

struct Shared {
    signature: Signature,
    device: Device,
    /// What loading it took there.
    device_bytes: u64,
    plans: Plans,
}

struct TractProgram(Arc<Shared>);

impl Program for TractProgram {
    fn signature(&self) -> &Signature {
        &self.0.signature
    }

    fn engine(&self) -> EngineName {
        EngineName::Tract
    }

    fn device(&self) -> Device {
        self.0.device
    }

    fn taken(&self) -> Vec<(Device, u64)> {
        if self.0.device.is_gpu() { vec![(self.0.device, self.0.device_bytes)] } else { Vec::new() }
    }

    fn rows_prepared(&self, inputs: &[Tensor]) -> Option<usize> {
        self.0.plans.rows_prepared(&shapes(inputs))
    }

    fn session(&self) -> Result<Box<dyn Session>, LoadError> {
        Ok(Box::new(TractSession(Arc::clone(&self.0))))
    }
}

/// Plans are shared and keep no state between runs, so a session is no more than a way to them, and one that panicked is
/// as good as new.
struct TractSession(Arc<Shared>);

impl Session for TractSession {
    fn run(&mut self, inputs: &[Tensor], outputs: &mut Vec<Tensor>) -> Result<(), RunError> {
        outputs.clear();
        let result =
            caught(|| self.0.run(inputs, outputs)).unwrap_or_else(|panic| Err(format!("it panicked: {panic}")));
        result.map_err(|reason| RunError { engine: NAME, reason })
    }
}

fn shapes(inputs: &[Tensor]) -> Vec<Vec<usize>> {
    inputs.iter().map(|input| input.shape().to_vec()).collect()
}

impl Shared {
    fn run(&self, inputs: &[Tensor], outputs: &mut Vec<Tensor>) -> Result<(), String> {
        let (plan, any) = self.plans.plan(&self.signature, shapes(inputs)).map_err(|error| words(&error))?;
        let values = || inputs.iter().map(tensor::give).collect::<Result<TVec<TValue>, _>>();
        let answers = plan.run(values()?).map_err(|error| words(&error))?;
        // Once for a plan, beside the time that it took to make it. What a single row takes says little of batches.
        if let Some(any) = any.filter(|_| inputs.iter().all(|input| input.rows() > 1)) {
            let took = |plan: &Plan| {
                let (values, started) = (values().ok()?, Instant::now());
                plan.run(values).ok().map(|_| started.elapsed())
            };
            if let (Some(exact), Some(any)) = (took(&plan), took(&any)) {
                self.plans.compared(exact, any);
            }
        }
        for (spec, value) in self.signature.outputs.iter().zip(&answers) {
            let tensor = tensor::take(value, spec.datatype);
            outputs.push(tensor.map_err(|reason| format!("output '{}': {reason}", spec.name))?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_told_is_the_one_that_the_manifest_pins() {
        let manifest = include_str!("../../../Cargo.toml");
        assert!(manifest.contains(&format!("tract-onnx = \"={}\"", super::VERSION)));
    }
}
