//! Kernels for devices, their own sources compiled for this processor, under a driver that lies in wait: what a device would do
//! is done here, in every run of the tests, and what it would let pass is caught.

#![cfg(target_os = "linux")] // no other system has the compiler, or such a device

mod built;
mod cache;
#[path = "../cuda/checks.rs"]
mod checks;
mod devices;
mod emulator;
#[path = "../cuda/environment.rs"]
mod environment;
#[path = "../cuda/forests.rs"]
mod forests;
#[path = "../trees/random.rs"]
mod random;
#[path = "../../../tests/src/skips.rs"]
mod skips;
#[path = "../cuda/tables.rs"]
mod tables;
