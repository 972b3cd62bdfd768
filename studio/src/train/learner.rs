//! What every learner is given and gives.

use super::error::TrainError;
use super::model::Model;
use crate::prepare::matrix::Matrix;
use crate::prepare::target::Truth;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;

/// Rows with what is true of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// The rows.
    pub matrix: Matrix,
    /// One per row.
    pub truth: Truth,
}

/// What is to be learned from.
#[derive(Debug, Clone, Copy)]
pub struct Material<'a> {
    /// The rows that are learned from.
    pub train: &'a Part,
    /// The rows that tell when enough has been learned.
    pub validation: &'a Part,
    /// How many classes there are; 0 for a regression.
    pub classes: usize,
    /// Where all randomness comes from.
    pub seed: u64,
    /// How many threads compute. The model does not depend on it.
    pub threads: NonZeroUsize,
}

/// A round's numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    /// From 1.
    pub round: u64,
    /// How many there will be at most.
    pub rounds_max: u64,
    /// `train_*` and `validation_*`, all finite.
    pub metrics: BTreeMap<String, f64>,
}

/// Is told each round, and may end the training.
pub type Listener<'a> = dyn FnMut(Round) -> ControlFlow<()> + Send + 'a;

/// What was learned.
#[derive(Debug)]
pub struct Learned {
    /// The model.
    pub model: Model,
    /// Rounds or iterations that were kept.
    pub rounds: u64,
}

/// A way to learn, with all its settings.
pub trait Learner {
    /// Every setting by name, as a user may give them back.
    fn hyperparameters(&self) -> Map<String, Value>;

    /// Learns.
    ///
    /// # Errors
    /// [`TrainError::Cancelled`] when the listener asked for the end; what the learner finds wrong with the rows.
    fn learn(&self, material: &Material<'_>, listener: &mut Listener<'_>) -> Result<Learned, TrainError>;
}
