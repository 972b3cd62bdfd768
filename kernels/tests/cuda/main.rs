//! Kernels for devices: their sources compile, and give on the device that is here what their scalar twins give.

#![cfg(target_os = "linux")] // no other system has the compiler, or such a device

mod checks;
mod devices;
mod environment;
mod forests;
#[path = "../trees/random.rs"]
mod random;
#[path = "../../../tests/src/skips.rs"]
mod skips;
mod sources;
mod tables;
