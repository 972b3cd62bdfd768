//! ONNX Runtime's CUDA provider: registered or refused, never a run on the CPU unasked.

use super::bound::Place;
use super::placement::Placements;
use super::{NAME, rejected};
use crate::device::Device;
use crate::error::LoadError;
use crate::gpus::{Gpu, Onto, wants_memory};
use ort::ep::{self, ArenaExtendStrategy};
use ort::logging::LogLevel;
use ort::session::builder::SessionBuilder;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The provider's name in the library's words.
const PROVIDER: &str = "CUDAExecutionProvider";
/// What makes the provider available.
const ADVICE: &str = "it needs the library of `pip install onnxruntime-gpu`, named by `--onnxruntime`, and CUDA's and cuDNN's \
                      libraries, in folders named by `cuda.libraries`";

/// A model's place on a GPU.
pub struct OnGpu {
    gpu: Arc<Gpu>,
    weights_bytes: u64,
    /// What was free before it was loaded.
    free_before: u64,
    placements: Placements,
    nodes_on_cpu: usize,
}

impl OnGpu {
    /// A place there.
    ///
    /// # Errors
    /// When the device does not answer.
    pub fn new(Onto { gpu, weights_bytes }: Onto<'_>) -> Result<Self, LoadError> {
        let (free_before, gpu) = (gpu.memory()?.free, Arc::clone(gpu));
        Ok(Self { gpu, weights_bytes, free_before, placements: Placements::default(), nodes_on_cpu: 0 })
    }

    /// Which device it is.
    pub fn device(&self) -> Device {
        self.gpu.device()
    }

    /// What has been taken there.
    pub fn bytes(&self) -> u64 {
        self.gpu.taken_since(self.free_before)
    }

    /// How many nodes of the graph the CPU computes.
    pub fn nodes_on_cpu(&self) -> usize {
        self.nodes_on_cpu
    }

    fn id(&self) -> i32 {
        i32::try_from(self.gpu.info().ordinal).unwrap_or(i32::MAX)
    }

    /// The device, as far as its memory goes.
    pub fn place(&self) -> Place {
        Place::cuda(self.id())
    }

    /// Asks for the provider.
    pub fn provide(&self, builder: SessionBuilder) -> ort::Result<SessionBuilder> {
        let options = self.gpu.options();
        let provider = ep::CUDA::default()
            .with_device_id(self.id())
            // Models come and go: an arena that grows by powers of two would keep up to twice of what it needs.
            .with_arena_extend_strategy(ArenaExtendStrategy::SameAsRequested)
            // The default tries every algorithm at the first run of each shape: seconds, for the first caller of a batch size.
            .with_conv_algorithm_search(ep::cuda::ConvAlgorithmSearch::Heuristic)
            .with_tf32(options.tf32);
        let provider = match options.arena_bytes_max.and_then(|bytes| usize::try_from(bytes).ok()) {
            Some(bytes) => provider.with_memory_limit(bytes),
            None => provider,
        };
        let builder = builder
            .with_execution_providers([provider.build().error_on_failure()])?
            .with_log_level(LogLevel::Verbose)?
            .with_logger(self.placements.listener())?;
        match options.cpu_nodes {
            true => Ok(builder),
            false => Ok(builder.with_config_entry("session.disable_cpu_ep_fallback", "1")?),
        }
    }

    /// Why a session could not be made.
    pub fn failed(&self, error: &ort::Error) -> LoadError {
        let (device, said) = (self.device(), error.to_string().trim().replace('\n', " "));
        if wants_memory(&said) {
            return LoadError::DeviceMemory { device, reason: said };
        }
        let is_the_provider = ["execution provider", "ExecutionProvider", "libonnxruntime_providers"];
        if is_the_provider.iter().any(|words| said.contains(words)) {
            let reason = format!("ONNX Runtime's CUDA provider cannot be used: {said}; {ADVICE}");
            return LoadError::NoDevice { device, reason };
        }
        rejected(ort::Error::new(format!("on {device}: {said}")))
    }

    /// That there is room for one more session, which has weights of its own.
    ///
    /// # Errors
    /// [`LoadError::DeviceMemory`].
    pub fn room_for_one_more(&self) -> Result<(), LoadError> {
        self.gpu.room_for(self.weights_bytes)
    }

    /// Sees to it that the device computes something of the model.
    ///
    /// # Errors
    /// [`LoadError::Rejected`] when it computes nothing of it.
    pub fn look_at_placements(&mut self) -> Result<(), LoadError> {
        let heard = self.placements.heard();
        self.nodes_on_cpu =
            nodes_elsewhere(&heard).map_err(|reason| LoadError::Rejected { engine: NAME.into(), reason })?;
        if self.nodes_on_cpu > 0 {
            tracing::warn!(device = %self.device(), nodes = self.nodes_on_cpu, "nodes of a model without a CUDA kernel run on the CPU");
        }
        Ok(())
    }
}

/// How many nodes other providers run, of a model that the GPU runs a part of.
fn nodes_elsewhere(heard: &BTreeMap<String, usize>) -> Result<usize, String> {
    let on_gpu = heard.get(PROVIDER).copied().unwrap_or(0);
    let elsewhere: usize = heard.values().sum::<usize>() - on_gpu;
    match (on_gpu, elsewhere) {
        // A library of other words: it may have placed all of them on the CPU.
        (0, 0) => Err("ONNX Runtime did not say where its nodes are placed".to_owned()),
        (0, _) => Err(format!(
            "none of its {elsewhere} nodes has a CUDA kernel in ONNX Runtime: deploy it with `hardware` cpu"
        )),
        _ => Ok(elsewhere),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_that_the_gpu_computes_nothing_of_is_refused() {
        let heard =
            |placed: &[(&str, usize)]| placed.iter().map(|(name, nodes)| ((*name).to_owned(), *nodes)).collect();
        assert_eq!(nodes_elsewhere(&heard(&[(PROVIDER, 9)])), Ok(0));
        assert_eq!(nodes_elsewhere(&heard(&[(PROVIDER, 9), ("CPUExecutionProvider", 3)])), Ok(3));
        let refused = nodes_elsewhere(&heard(&[("CPUExecutionProvider", 3)])).unwrap_err();
        assert!(refused.contains("none of its 3 nodes") && refused.contains("cpu"), "{refused}");
        assert!(nodes_elsewhere(&heard(&[])).unwrap_err().contains("did not say"));
    }
}
