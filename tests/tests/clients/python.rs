//! The scripts of `python/clients`, each with one client: tritonclient, kserve's SDK, perf_analyzer.

use crate::world::{server, succeeds};
use servoir_tests::environment;
use servoir_tests::server::BOOTSTRAP_KEY;
use std::net::SocketAddr;
use std::path::Path;
use tokio::process::Command;

/// Runs a script against a server, to its end.
///
/// # Panics
/// When it fails, showing which check did.
pub async fn run(address: SocketAddr, script: &str, arguments: &[&str]) {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../python/clients");
    let mut command = Command::new(environment::clients_python());
    // -B: bytecode beside the sources would be a change in the working tree of whoever runs this.
    command.arg("-B").arg(scripts.join(script)).args(["--address", &address.to_string(), "--key", BOOTSTRAP_KEY]);
    succeeds(command.args(arguments)).await;
}

/// Runs a script against a server of its own, with every model.
async fn passes(script: &str, arguments: &[&str]) {
    let (server, _data) = server().await;
    run(server.address(), script, arguments).await;
    assert!(server.terminate().await.success(), "the server ends well after {script}");
}

#[tokio::test]
async fn tritonclient_over_http() {
    passes("tritonclient_http.py", &[]).await;
}

#[tokio::test]
async fn tritonclient_over_http_on_asyncio() {
    passes("tritonclient_http_aio.py", &[]).await;
}

#[tokio::test]
async fn tritonclient_over_grpc() {
    passes("tritonclient_grpc.py", &[]).await;
}

#[tokio::test]
async fn tritonclient_over_grpc_on_asyncio() {
    passes("tritonclient_grpc_aio.py", &[]).await;
}

#[tokio::test]
async fn kserve_over_rest() {
    passes("kserve_rest.py", &[]).await;
}

#[tokio::test]
async fn kserve_over_grpc() {
    passes("kserve_grpc.py", &[]).await;
}

/// It is published for Linux alone.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn perf_analyzer_over_http() {
    passes("perf_analyzer.py", &["--protocol", "http"]).await;
}

/// It is published for Linux alone.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn perf_analyzer_over_grpc() {
    passes("perf_analyzer.py", &["--protocol", "grpc"]).await;
}
