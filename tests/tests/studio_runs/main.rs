//! Runs of training and those who follow them, on real servers, with a worker that does what it is told.

mod crowd;
mod endings;
mod external;
mod follow;
mod kills;
mod world;
