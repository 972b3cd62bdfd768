//! Kernels for devices: their sources compile, and give on the device that is here what their scalar twins give.

mod environment;
mod sources;
