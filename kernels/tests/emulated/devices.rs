//! What every device is held to, held by the emulated ones, and what only an emulated driver lets happen.

use super::checks::every_check;
use super::emulator::{Emulator, device};
use super::forests;
use super::random::{PLAIN, Random};
use super::tables;
use servoir_kernels::cuda::{CudaError, Device, DeviceForest, devices};
use servoir_kernels::trees::Forest;

/// The emulated devices: a large one and a small one, where less fits shared memory. There are others, each for one test, which
/// so sees what it did itself.
const DEVICES: [usize; 2] = [0, 1];

/// Runs a check on every emulated device.
macro_rules! on_every_device {
    ($($name:ident => $check:expr;)*) => {
        $(#[test]
        fn $name() {
            for ordinal in DEVICES {
                let Some(device) = device(ordinal) else { return };
                $check(&device);
            }
        })*
    };
}

every_check!(on_every_device, 200);

#[test]
fn devices_are_described() {
    if Emulator::open().is_none() {
        return;
    }
    let devices = devices().unwrap();
    assert_eq!(devices.len(), 6);
    let large = &devices[0];
    assert_eq!((large.ordinal, &*large.name, large.compute_capability), (0, "Emulated Large", (9, 0)));
    assert_eq!((large.memory_bytes, &*large.driver), (256 << 20, "13.0"));
    assert_eq!(large.uuid, "GPU-01010101-0101-0101-0101-010101010101");
    let error = Device::open(6, None).unwrap_err();
    assert_eq!(error.to_string(), "there is no device 6; the driver sees 6, numbered from 0");
}

/// What was taken is given back, and a device is open once.
#[test]
fn nothing_stays_behind() {
    let Some(emulator) = Emulator::open() else { return };
    assert_eq!(emulator.taken(3), 0);
    {
        let (Some(device), Some(again)) = (device(3), device(3)) else { return };
        assert!(std::sync::Arc::ptr_eq(&device, &again));
        let full = device.memory().unwrap();
        let trees = PLAIN.forest::<f32, f32>(&mut Random(5));
        let forest = Forest::new(PLAIN.features, vec![0.0], &trees).unwrap();
        let on_device = DeviceForest::new(&device, &forest).unwrap();
        let mut session = on_device.session().unwrap();
        session.predict(&PLAIN.rows::<f32>(100, &mut Random(6)), &mut [0.0; 100]).unwrap();
        let memory = device.memory().unwrap();
        assert!(memory.free < full.free && memory.total == full.total, "{memory:?}");
        assert!(emulator.taken(3) > 0);
    }
    assert_eq!(emulator.taken(3), 0);
}

/// What fails on the device is said by the call that it failed in, and the next one works.
#[test]
fn a_launch_that_fails_is_said() {
    let (Some(emulator), Some(device)) = (Emulator::open(), device(4)) else { return };
    let forest = Forest::<f32, f32>::new(2, vec![0.5], &[]).unwrap();
    let mut session = DeviceForest::new(&device, &forest).unwrap().session().unwrap();
    let mut out = [0.0; 3];
    session.predict(&[0.0; 6], &mut out).unwrap();
    emulator.fail_next(4);
    let error = session.predict(&[0.0; 6], &mut out).unwrap_err();
    let expected = "predicting with a forest failed: CUDA_ERROR_LAUNCH_FAILED (as emulated)";
    assert_eq!(error.to_string(), expected);
    session.predict(&[0.0; 6], &mut out).unwrap();
    assert_eq!(out, [0.5; 3]);
}

/// A device without room says how much was asked for and how much there is; what there is room for still runs.
#[test]
fn memory_that_is_full_is_an_error_of_its_own() {
    let Some(device) = device(5) else { return };
    // One row takes more than the device has.
    let features = 66 << 20;
    let forest = Forest::<f32, f32>::new(features, vec![0.5], &[]).unwrap();
    let mut session = DeviceForest::new(&device, &forest).unwrap().session().unwrap();
    let error = session.predict(&vec![0.0; features], &mut [0.0]).unwrap_err();
    let CudaError::OutOfMemory { wanted, free } = error else { panic!("{error}") };
    assert!(wanted == 264 << 20 && free < 256 << 20, "{wanted} of {free}");
    let small = Forest::<f32, f32>::new(1, vec![0.5], &[]).unwrap();
    let mut out = [0.0];
    DeviceForest::new(&device, &small).unwrap().session().unwrap().predict(&[1.0], &mut out).unwrap();
    assert_eq!(out, [0.5]);
}
