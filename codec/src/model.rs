//! The model that a body is for.

use servoir_types::Signature;
use std::fmt;

/// The model that a body is for: what it takes and gives, and what messages call it.
#[derive(Debug, Clone, Copy)]
pub struct Model<'m> {
    /// Its name.
    pub name: &'m str,
    /// The version, from 1.
    pub version: u64,
    /// Inputs and outputs.
    pub signature: &'m Signature,
    /// The most rows that one request may have.
    pub rows_max: usize,
}

impl fmt::Display for Model<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "model '{}' v{}", self.name, self.version)
    }
}
