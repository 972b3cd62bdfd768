//! Models on GPUs, from the deployment to the answer: on those of the machine, and in every run on emulated ones.

mod elsewhere;
mod memory;
mod serving;
mod world;
