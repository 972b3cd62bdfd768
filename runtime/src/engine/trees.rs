//! Tree ensembles, by this project's own kernels: XGBoost, LightGBM and ONNX files whose every step they know.
//!
//! A reader per format turns a file into a [`Model`]: how rows of features come from the inputs, the forest, and what
//! becomes of its sums. What runs is the same for all of them.

mod cuda;
mod features;
mod lightgbm;
mod model;
mod onnx;
mod signature;
mod xgboost;

use super::{EngineName, Program, Session};
use crate::artifact::Format;
use crate::error::{LoadError, RunError, Unsupported};
use crate::gpus::Gpu;
use model::{Loaded, Model};
use servoir_kernels::trees::{Feature, Sum};
use servoir_types::{Signature, Tensor};
use std::path::Path;
use std::sync::Arc;

const NAME: &str = EngineName::Trees.as_str();

/// Reads what an XGBoost or LightGBM file takes and gives, without keeping it.
///
/// # Errors
/// When the file is broken or holds what no kernel computes.
pub fn signature(path: &Path, format: Format) -> Result<Signature, Unsupported> {
    read(path, format).map(|loaded| loaded.signature().clone())
}

fn read(path: &Path, format: Format) -> Result<Loaded, Unsupported> {
    match format {
        Format::XgboostJson => xgboost::read_json(path),
        Format::XgboostUbj => xgboost::read_ubj(path),
        Format::LightgbmText => lightgbm::read(path),
        Format::Onnx => Err(Unsupported::new("this is an ONNX file", "its signature is read from its graph")),
    }
}

/// Loads an XGBoost or LightGBM file; onto this GPU, when it is given one.
///
/// # Errors
/// When the file is broken or holds what no kernel computes, or the GPU does not take it.
pub fn load(path: &Path, format: Format, gpu: Option<&Arc<Gpu>>) -> Result<Arc<dyn Program>, LoadError> {
    program(read(path, format)?, gpu)
}

/// Loads an ONNX file whose signature was read and whose external data was checked, when every node of it is one that is
/// computed here.
///
/// # Errors
/// [`LoadError::Rejected`] that names the first node that is not; what the GPU says when it does not take it.
pub fn load_onnx(path: &Path, signature: Signature, gpu: Option<&Arc<Gpu>>) -> Result<Arc<dyn Program>, LoadError> {
    let loaded = onnx::read(path, signature);
    program(loaded.map_err(|reason| LoadError::Rejected { engine: NAME.into(), reason })?, gpu)
}

fn program(loaded: Loaded, gpu: Option<&Arc<Gpu>>) -> Result<Arc<dyn Program>, LoadError> {
    Ok(match (loaded, gpu) {
        (Loaded::Single(model), None) => Arc::new(TreesProgram(Arc::new(model))),
        (Loaded::Double(model), None) => Arc::new(TreesProgram(Arc::new(model))),
        (Loaded::Single(model), Some(gpu)) => cuda::program(model, gpu)?,
        (Loaded::Double(model), Some(gpu)) => cuda::program(model, gpu)?,
    })
}

struct TreesProgram<X, T>(Arc<Model<X, T>>);

impl<X: Feature, T: Sum> Program for TreesProgram<X, T> {
    fn signature(&self) -> &Signature {
        &self.0.signature
    }

    fn engine(&self) -> EngineName {
        EngineName::Trees
    }

    fn session(&self) -> Result<Box<dyn Session>, LoadError> {
        let model = Arc::clone(&self.0);
        let sum = move |rows: &[X], sums: &mut [T]| {
            model.forest.predict(rows, sums);
            Ok(())
        };
        Ok(Box::new(TreesSession::new(Arc::clone(&self.0), sum)))
    }
}

/// A session whose trees are summed by `S`, wherever that is.
struct TreesSession<X, T, S> {
    model: Arc<Model<X, T>>,
    sum: S,
    /// Rows of features, where they are not the input itself.
    rows: Vec<X>,
    sums: Vec<T>,
}

impl<X, T, S> TreesSession<X, T, S> {
    fn new(model: Arc<Model<X, T>>, sum: S) -> Self {
        Self { model, sum, rows: Vec::new(), sums: Vec::new() }
    }
}

impl<X, T, S> Session for TreesSession<X, T, S>
where
    X: Feature,
    T: Sum,
    S: FnMut(&[X], &mut [T]) -> Result<(), String> + Send,
{
    fn run(&mut self, inputs: &[Tensor], outputs: &mut Vec<Tensor>) -> Result<(), RunError> {
        outputs.clear();
        let failed = |reason| RunError { engine: NAME, reason };
        let Model { features, forest, outcome, .. } = &*self.model;
        let rows = features.rows(inputs, &mut self.rows).map_err(failed)?;
        let count = rows.len() / forest.features();
        self.sums.clear();
        self.sums.resize(count * forest.outputs(), T::default());
        (self.sum)(rows, &mut self.sums).map_err(failed)?;
        outcome.outputs(&mut self.sums, count, outputs).map_err(failed)
    }
}
