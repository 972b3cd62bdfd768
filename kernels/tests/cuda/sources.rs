//! Every source compiles, without a device, for every architecture that is spoken of.

use super::environment::open_compiler;
use servoir_kernels::cuda::{CudaError, Source, Target, compile, compiler_version};

/// Compiles every source for an architecture.
fn all_compile_for(architecture: &str) {
    open_compiler();
    assert!(compiler_version().unwrap() >= (13, 0));
    let target = architecture.replace("compute", "sm");
    for source in Source::ALL {
        let text = compile(source, Target::Ptx(architecture)).unwrap_or_else(|error| panic!("{error}"));
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains(&format!(".target {target}")), "{source:?}: no {target}");
        assert!(text.contains(&format!(".entry {}_", source.name())), "{source:?} has no kernel");
        // What no kernel may do, or its bits are not the processor's. An exponential function has its own ways.
        if source != Source::Scores {
            assert!(!text.contains("fma.rn"), "{source:?}: a product and a sum are rounded together");
            assert!(!text.contains(".ftz"), "{source:?}: small numbers become zero");
        }
    }
}

#[test]
fn every_source_compiles_for_turing() {
    all_compile_for("compute_75");
}

#[test]
fn every_source_compiles_for_ampere() {
    all_compile_for("compute_80");
}

#[test]
fn every_source_compiles_for_hopper() {
    all_compile_for("compute_90");
}

#[test]
fn every_source_compiles_for_blackwell() {
    all_compile_for("compute_100");
}

#[test]
fn machine_code_is_made_for_real_architectures() {
    open_compiler();
    for architecture in ["sm_75", "sm_80", "sm_90", "sm_100"] {
        let image = compile(Source::Trees32NarrowF32, Target::Cubin(architecture)).unwrap();
        assert_eq!(&image[..4], b"\x7fELF");
    }
}

#[test]
fn an_architecture_that_nobody_has_is_refused_in_words() {
    open_compiler();
    let error = compile(Source::Rows, Target::Ptx("compute_1")).unwrap_err();
    assert!(matches!(&error, CudaError::Compile { target, .. } if target == "compute_1"), "{error}");
    assert!(error.to_string().starts_with("rows.cu could not be compiled for compute_1: "), "{error}");
}
