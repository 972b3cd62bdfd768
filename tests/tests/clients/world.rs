//! A server with the models that the clients ask for, and the programs that ask.

use serde_json::json;
use servoir_tests::fixture::Fixture;
use servoir_tests::process::ServerProcess;
use servoir_tests::server::BOOTSTRAP_KEY;
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::Command;

/// What a client may take. Each is through in seconds; one that hangs is ended.
const PATIENCE: Duration = Duration::from_secs(240);

/// Every datatype of the Open Inference Protocol; for each there is a model that answers its input.
const DATATYPES: [&str; 14] = [
    "BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "BF16", "FP32", "FP64",
    "BYTES",
];

/// The other models: the name that clients call it by, and the fixture.
const MODELS: [(&str, &str); 7] = [
    ("classifier", "xgb_binary"),
    ("counted", "fails_on_negative"),
    ("Customer Churn ☃", "echo_INT64"),
    ("fails_on_negative", "fails_on_negative"),
    ("loaded", "echo_FP32"),
    ("slow", "slow"),
    ("two_inputs_add", "two_inputs_add"),
];

/// The binary as it is, with every model live, and the folder that it keeps everything in.
pub async fn server() -> (ServerProcess, TempDir) {
    let data = TempDir::new().expect("a temporary folder");
    let server = ServerProcess::start(data.path()).await;
    server.ready(PATIENCE).await;
    let api = server.api();
    for datatype in DATATYPES {
        let name = format!("echo_{datatype}");
        api.serve(&name, Fixture::read(&name).model).await;
    }
    for (name, fixture) in MODELS {
        api.serve(name, Fixture::read(fixture).model).await;
    }
    (server, data)
}

/// The header that carries the key.
pub fn key_header() -> String {
    format!("x-api-key: {BOOTSTRAP_KEY}")
}

/// A JSON body that `echo_FP32` answers.
pub fn echo_body() -> String {
    let input = json!({"name": "input", "datatype": "FP32", "shape": [2, 3], "data": [1, 2, 3, 4, 5, 6]});
    json!({ "inputs": [input] }).to_string()
}

/// Runs a client to its end; what it wrote to standard output.
///
/// # Panics
/// When it fails, showing all that it said.
pub async fn succeeds(command: &mut Command) -> String {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let shown = format!("{:?}", command.as_std());
    let ended = tokio::time::timeout(PATIENCE, command.output()).await;
    let output = ended.unwrap_or_else(|_| panic!("{shown} took longer than {PATIENCE:?}"));
    let output = output.unwrap_or_else(|error| panic!("{shown} does not start: {error}"));
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{shown}: {}\n{said}\n{errors}", output.status);
    said.into_owned()
}
