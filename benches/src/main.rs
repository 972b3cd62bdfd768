//! What a running server costs, as ratios to bare hyper on the same machine in the same run.
//!
//! `cargo xtask bench` builds the release binary and runs this. Each round measures Servoir and the baseline one after the
//! other; the medians over rounds and their spread are printed, so that a noisy machine can be told from a slow server.

mod baseline;
mod memory;
mod requests;

use anyhow::Result;
use servoir_benches::process::resident_bytes;
use servoir_benches::server::{Server, given, model};
use tempfile::TempDir;

fn main() -> Result<()> {
    if std::env::args().nth(1).as_deref() == Some(baseline::ARGUMENT) {
        return baseline::serve();
    }
    let data = TempDir::new()?;
    let binary = std::fs::metadata(given("SERVOIR_TEST_BINARY")?)?.len();
    println!("binary: {:.1} MB", binary as f64 / 1e6);
    let server = start(&data, "nothing deployed")?;
    server.push(&model("churn")?, "churn")?;
    server.stop()?;
    let server = start(&data, "churn deployed before")?;
    requests::measure(&server)?;
    println!("resident, after the load: {:.1} MB", resident_bytes(server.id())? as f64 / 1e6);
    server.stop()?;
    memory::of_many_models()
}

fn start(data: &TempDir, what: &str) -> Result<Server> {
    let server = Server::start::<&str>(data.path(), &[])?;
    println!("{what}: listening after {:.0?}, ready after {:.0?}", server.listening_after, server.ready_after);
    println!("  resident, idle: {:.1} MB", resident_bytes(server.id())? as f64 / 1e6);
    Ok(server)
}
