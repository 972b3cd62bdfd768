//! How good a version's answers are: counted from labels as they come, and estimated until they do.

mod classes;
mod counted;
mod numbers;
mod ordered;

pub use classes::Confusion;
pub use counted::ExpectedOfCounts;
pub use numbers::ErrorSums;
pub use ordered::{Auc, Ordered};

/// The most classes of a model whose answers are counted.
pub const CLASSES_MAX: usize = 1000;
