//! What versions are asked and answer is counted as its rows are by hand: over every protocol, on every way through the
//! runtime, over restarts and on several nodes.

mod exchange;
mod kept_out;
mod node;
mod nodes;
mod protocols;
mod recordings;
mod restarts;
mod rows;
mod summaries;
