//! A machine without CUDA is told so in words. No test of this program opens its libraries.

#[path = "../../tests/src/skips.rs"]
mod skips;

use servoir_kernels::cuda::{CudaError, Device, Source, Target, compile, compiler_version, devices};

#[test]
fn without_a_device_everything_says_why() {
    match devices() {
        Ok(found) => {
            assert!(!found.is_empty());
            skips::skipped("no gpu", "there is a device here");
        }
        Err(none) => {
            let error = Device::open(0, None).unwrap_err();
            assert_eq!(error, CudaError::NoDevice(none.clone()));
            assert_eq!(error.to_string(), format!("no device, because {none}"));
        }
    }
}

#[test]
fn without_a_compiler_it_is_said_what_to_install() {
    let Err(error) = compile(Source::Rows, Target::Ptx("compute_80")) else {
        return skips::skipped("no nvrtc", "this machine has NVRTC where every program finds it");
    };
    let CudaError::MissingLibrary { .. } = &error else { panic!("{error}") };
    let text = error.to_string();
    assert!(text.contains("`pip install nvidia-cuda-nvrtc`") && text.contains("`cuda.libraries`"), "{text}");
    assert_eq!(compiler_version().unwrap_err(), error);
}
