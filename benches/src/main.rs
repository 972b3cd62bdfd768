//! What a running server costs, as ratios to bare hyper on the same machine in the same run.
//!
//! `cargo xtask bench` builds the release binary and runs this. Each round measures Servoir and the baseline one after the
//! other; the medians over rounds and their spread are printed, so that a noisy machine can be told from a slow server.

mod memory;
mod requests;

use anyhow::{Result, ensure};
use servoir_benches::process::resident_bytes;
use servoir_benches::server::{Server, given, model};
use servoir_benches::{bare, counted};
use tempfile::TempDir;

fn main() -> Result<()> {
    if std::env::args().nth(1).as_deref() == Some(bare::ARGUMENT) {
        return bare::serve();
    }
    let data = TempDir::new()?;
    let binary = std::fs::metadata(given("SERVOIR_TEST_BINARY")?)?.len();
    println!("binary: {:.1} MB", binary as f64 / 1e6);
    let server = start(&data, "nothing deployed")?;
    server.push(&model("churn")?, "churn")?;
    server.stop()?;
    // As it is run: all of its features and answers are counted.
    counted::give_baseline(data.path(), "churn")?;
    let server = start(&data, "churn deployed before")?;
    requests::measure(&server)?;
    println!("resident, after the load: {:.1} MB", resident_bytes(server.id())? as f64 / 1e6);
    server.stop()?;
    ensure!(counted::rows(data.path())? > 0, "nothing was counted: the figures are of less than is said");
    memory::of_many_models()
}

fn start(data: &TempDir, what: &str) -> Result<Server> {
    let server = Server::start::<&str>(data.path(), &[])?;
    println!("{what}: listening after {:.0?}, ready after {:.0?}", server.listening_after, server.ready_after);
    println!("  resident, idle: {:.1} MB", resident_bytes(server.id())? as f64 / 1e6);
    Ok(server)
}
