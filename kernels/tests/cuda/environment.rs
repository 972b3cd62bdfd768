//! What `cargo xtask test` hands to the suites.

use servoir_kernels::cuda::Libraries;
use std::path::PathBuf;

/// Opens CUDA's compiler.
///
/// # Panics
/// When it is not there: a suite that cannot run has failed.
pub fn open_compiler() {
    let name = "SERVOIR_TEST_NVRTC";
    let folder =
        std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the tests through `cargo xtask test`"));
    let opened = Libraries::preload(&[PathBuf::from(folder)]).expect("the compiler's libraries open");
    assert!(opened.iter().any(|path| path.to_string_lossy().contains("libnvrtc.so")), "{opened:?}");
}
