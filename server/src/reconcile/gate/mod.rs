//! What is asked of a version before it may take the place of another: that its signature does not break who calls what is
//! live, and that it answers the requests that were recorded as well as that does.

mod agreement;
mod fitting;
mod requests;
mod signature;
#[cfg(test)]
mod tests;

pub use agreement::{Agreed, Agreement};
use requests::recorded_requests;
pub use signature::refused;
use signature::{after_loading, before_loading};
