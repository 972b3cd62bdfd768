//! Tree ensembles on a GPU. Rows of features are made here and sums finished here, by the same code as for the CPU, so only the
//! trees' own sums are computed there, and they have the same bits.

use super::model::Model;
use super::{EngineName, NAME, Program, Session};
use crate::device::Device;
use crate::error::{LoadError, RunError};
use crate::gpus::Gpu;
use servoir_kernels::cuda::{DeviceForest, ForestSession};
use servoir_kernels::trees::{Feature, Sum};
use servoir_types::{Signature, Tensor};
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
        let session = self.forest.session().map_err(|error| self.gpu.failed(error.to_string()))?;
        Ok(Box::new(Run { model: Arc::clone(&self.model), session, rows: Vec::new(), sums: Vec::new() }))
    }
}

struct Run<X: Feature, T: Sum> {
    model: Arc<Model<X, T>>,
    session: ForestSession<X, T>,
    /// Rows of features, where they are not the input itself.
    rows: Vec<X>,
    sums: Vec<T>,
}

impl<X: Feature, T: Sum> Session for Run<X, T> {
    fn run(&mut self, inputs: &[Tensor], outputs: &mut Vec<Tensor>) -> Result<(), RunError> {
        outputs.clear();
        let failed = |reason| RunError { engine: NAME, reason };
        let Model { features, forest, outcome, .. } = &*self.model;
        let rows = features.rows(inputs, &mut self.rows).map_err(failed)?;
        let count = rows.len() / forest.features();
        self.sums.clear();
        self.sums.resize(count * forest.outputs(), T::default());
        self.session.predict(rows, &mut self.sums).map_err(|error| failed(error.to_string()))?;
        outcome.outputs(&mut self.sums, count, outputs).map_err(failed)
    }
}
