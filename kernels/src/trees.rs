//! Ensembles of decision trees.
//!
//! A [`Forest`] is put together from trees in any layout ([`Tree`]), checked once, and kept in the forms that are fast:
//!
//! - Nodes that a row walks through, several trees at a time so that their loads overlap. Every tree has this form; it takes
//!   linear leaves, any depth and any number of leaves.
//! - Ranks: numbers are replaced by one byte each, once for a row, and tests compare bytes (`columns`). Trees of up to eight
//!   levels are then small tables, through which a row walks, eight trees at a time (`complete`, `rows`).
//! - Slices: from 15 rows on, 64 rows are compared with a split by one or a few instructions, and a word of 64 bits says
//!   which go left (`blocks`, `slices`). Leaves are numbered from these words without a branch that depends on a row.
//!
//! Rows that miss values and splits by category have ranks too, so they cost no more. Trees are grouped by size, and a group
//! is applied to many blocks while it is in the cache. Every way adds the same leaves in the same order of trees, so every
//! way gives the same bits.

mod blocks;
mod check;
mod columns;
mod complete;
mod feature;
mod forest;
mod lanes;
pub(crate) mod layout;
mod places;
mod rows;
mod slices;
mod sparse;
mod sum;
mod tree;
mod walk;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(any(target_arch = "aarch64", test))]
mod neon;
#[cfg(target_arch = "x86_64")]
mod vbmi;

#[cfg(test)]
#[path = "../tests/trees/random.rs"]
mod random;

pub use check::ForestError;
pub use feature::Feature;
pub use forest::Forest;
pub use sum::Sum;
pub use tree::{Leaf, Linear, Node, Split, Test, Tree};
