//! What every device is held to, held by the one that is here. Where there is none, the tests are counted as skipped.

use super::checks::every_check;
use super::environment::open_compiler;
use super::skips::skipped;
use super::{forests, tables};
use servoir_kernels::cuda::{Device, devices};
use std::path::Path;
use std::sync::Arc;

/// The first device, when there is one.
fn device() -> Option<Arc<Device>> {
    match devices() {
        Ok(_) => {
            open_compiler();
            let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cuda-cache");
            Some(Device::open(0, Some(&cache)).unwrap_or_else(|error| panic!("{error}")))
        }
        Err(none) => {
            skipped("gpu", &format!("no device, because {none}"));
            None
        }
    }
}

/// Runs a check where there is a device.
macro_rules! on_the_device {
    ($($name:ident => $check:expr;)*) => {
        $(#[test]
        fn $name() {
            if let Some(device) = device() {
                $check(&device);
            }
        })*
    };
}

every_check!(on_the_device, 500);

on_the_device! {
    a_device_is_described => is_described;
}

fn is_described(device: &Arc<Device>) {
    let info = device.info();
    assert_eq!((info.ordinal, Some(info)), (0, devices().unwrap().first()));
    let memory = device.memory().unwrap();
    assert!(memory.free <= memory.total && memory.total > 0, "{memory:?}");
    assert!(info.compute_capability >= (7, 5), "{info:?}");
}
