//! Swaps that cannot hurt: what would break callers is refused, and what turns out worse than the version before is taken
//! down again.

mod divergence;
mod memory;
mod nodes;
mod requests;
mod shadows;
mod signatures;
mod sleeping;
mod sticky;
mod trials;
mod world;
