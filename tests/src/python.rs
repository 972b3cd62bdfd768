//! Oracles in Python that nobody here wrote: a script of `python/` is given JSON and answers with JSON.

use crate::environment;
use serde_json::Value;
use std::path::Path;
use std::process::Stdio;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

/// What a script answers.
///
/// # Panics
/// When Python is not there or the script fails.
pub async fn answer(script: &str, asked: &Value) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../python").join(script);
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
