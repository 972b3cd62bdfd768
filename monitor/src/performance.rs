//! How good a version's answers are: counted from labels as they come, and estimated until they do.

mod classes;
mod counted;
mod estimate;
mod numbers;
mod ordered;
mod ranks;

pub use classes::Confusion;
pub use counted::ExpectedOfCounts;
pub use estimate::Expected;
pub use numbers::{ErrorSums, Errors};
pub use ordered::Ordered;
pub use ranks::{Auc, Ranks};

/// The most classes of a model whose answers are counted.
pub const CLASSES_MAX: usize = 1000;
