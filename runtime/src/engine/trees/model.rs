//! A model of trees as it was read, whatever the format.

use servoir_kernels::trees::Forest;
use servoir_types::{Signature, Tensor};

/// A model with features of type `X`, whose leaves are added in `T`.
pub struct Model<X, T> {
    /// What it takes and gives.
    pub signature: Signature,
    /// How rows of features come from the inputs.
    pub features: Box<dyn Features<X>>,
    /// The trees.
    pub forest: Forest<X, T>,
    /// What becomes of their sums.
    pub outcome: Box<dyn Outcome<T>>,
}

/// A model, by the precision in which its library computes.
pub enum Loaded {
    /// 32 bits: XGBoost, and most ONNX files.
    Single(Model<f32, f32>),
    /// 64 bits: LightGBM, and ONNX files with double thresholds.
    Double(Model<f64, f64>),
}

impl Loaded {
    /// What it takes and gives.
    pub fn signature(&self) -> &Signature {
        match self {
            Self::Single(model) => &model.signature,
            Self::Double(model) => &model.signature,
        }
    }
}

/// How rows of features come from the inputs.
pub trait Features<X>: Send + Sync {
    /// The rows, `[rows, features]` in row-major order: the input's own memory, or `scratch`, which is cleared and filled.
    /// The inputs are in the signature's order and fit it.
    ///
    /// # Errors
    /// What about the values makes it impossible.
    fn rows<'a>(&self, inputs: &'a [Tensor], scratch: &'a mut Vec<X>) -> Result<&'a [X], String>;
}

/// What becomes of the forest's sums.
pub trait Outcome<T>: Send + Sync {
    /// Appends the outputs in the signature's order. `sums` are `[count, outputs of the forest]`, and may be written over.
    ///
    /// # Errors
    /// What about the values makes it impossible.
    fn outputs(&self, sums: &mut [T], count: usize, outputs: &mut Vec<Tensor>) -> Result<(), String>;
}
