//! scikit-learn.

use serde_json::Value;
use servoir_tests::environment;
use std::path::Path;
use std::process::Stdio;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// What scikit-learn says of answers beside the truth; `python/feedback/metrics.py` says what is asked.
pub async fn metrics(asked: Value) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../python/feedback/metrics.py");
    let mut command = Command::new(environment::required("SERVOIR_TEST_PYTHON"));
    // -B: bytecode beside the sources would be a change in the working tree of whoever runs this.
    command.arg("-B").arg(script).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("Python starts");
    let mut input = child.stdin.take().expect("standard input");
    input.write_all(asked.to_string().as_bytes()).await.expect("Python reads");
    drop(input);
    let output = child.wait_with_output().await.expect("Python ends");
    assert!(output.status.success(), "Python failed: {}", output.status);
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Whether two numbers are the same to 1e-9.
#[track_caller]
pub fn close(found: &Value, expected: &Value, what: &str) {
    let (Some(a), Some(b)) = (found.as_f64(), expected.as_f64()) else { panic!("{what}: {found} and {expected}") };
    assert!((a - b).abs() <= 1e-9 * b.abs().max(1.0), "{what}: {a} is not {b}");
}
