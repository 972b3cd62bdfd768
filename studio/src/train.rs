//! Learners: from matrices to models, with numbers after every round and an end whenever somebody asks for it.

pub mod boosting;
pub mod constant;
mod descent;
pub mod error;
pub mod forest;
pub mod hyperparameters;
pub mod learner;
pub mod linear;
pub mod logistic;
pub mod model;
pub mod score;
pub mod search;
