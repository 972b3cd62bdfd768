//! What `cargo xtask test` hands to the suites.

use std::path::PathBuf;

/// The value of an environment variable that the set-up provides.
///
/// # Panics
/// When it is missing: a suite that cannot run has failed.
pub fn required(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the tests through `cargo xtask test`"))
}

/// The folder of the fixtures that Python made.
pub fn fixtures() -> PathBuf {
    required("SERVOIR_TEST_FIXTURES").into()
}

/// ONNX Runtime's shared library.
pub fn onnxruntime() -> PathBuf {
    required("ORT_DYLIB_PATH").into()
}

/// The built `servoir` binary.
pub fn binary() -> PathBuf {
    required("SERVOIR_TEST_BINARY").into()
}

/// The Python that has schemathesis.
pub fn schemathesis_python() -> PathBuf {
    required("SERVOIR_TEST_SCHEMATHESIS_PYTHON").into()
}

/// The Python that has the clients of others.
pub fn clients_python() -> PathBuf {
    required("SERVOIR_TEST_CLIENTS_PYTHON").into()
}

/// The folder of Prometheus and promtool.
pub fn prometheus() -> PathBuf {
    required("SERVOIR_TEST_PROMETHEUS").into()
}

/// The folder of CUDA's compiler, NVRTC.
pub fn nvrtc() -> PathBuf {
    required("SERVOIR_TEST_NVRTC").into()
}
