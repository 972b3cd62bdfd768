//! Tree ensembles on a GPU. Rows of features are made here and sums finished here, by the same code as for the CPU, so only the
//! trees' own sums are computed there, and they have the same bits.

use super::model::Model;
use super::{EngineName, Program, Session, TreesSession};
use crate::device::Device;
use crate::error::LoadError;
use crate::gpus::Gpu;
use servoir_kernels::cuda::DeviceForest;
use servoir_kernels::trees::{Feature, Sum};
use servoir_types::Signature;
use std::sync::Arc;

/// Puts a model's trees onto a GPU.
///
/// # Errors
/// [`LoadError::DeviceMemory`] when there is no room; what the device says otherwise.
pub fn program<X: Feature, T: Sum>(model: Model<X, T>, gpu: &Arc<Gpu>) -> Result<Arc<dyn Program>, LoadError> {
    let forest = DeviceForest::new(gpu.opened()?, &model.forest).map_err(|error| gpu.failed(error.to_string()))?;
    Ok(Arc::new(OnGpu { model: Arc::new(model), forest: Arc::new(forest), gpu: Arc::clone(gpu) }))
}

struct OnGpu<X, T> {
    model: Arc<Model<X, T>>,
    forest: Arc<DeviceForest<X, T>>,
    gpu: Arc<Gpu>,
}

impl<X: Feature, T: Sum> Program for OnGpu<X, T> {
    fn signature(&self) -> &Signature {
        &self.model.signature
    }

    fn engine(&self) -> EngineName {
        EngineName::Trees
    }

    fn device(&self) -> Device {
        self.gpu.device()
    }

    fn taken(&self) -> Vec<(Device, u64)> {
        vec![(self.device(), self.forest.memory_bytes())]
    }

    fn session(&self) -> Result<Box<dyn Session>, LoadError> {
        let mut session = self.forest.session().map_err(|error| self.gpu.failed(error.to_string()))?;
        let sum = move |rows: &[X], sums: &mut [T]| session.predict(rows, sums).map_err(|error| error.to_string());
        Ok(Box::new(TreesSession::new(Arc::clone(&self.model), sum)))
    }
}
