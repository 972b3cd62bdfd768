//! What many models cost in memory, and how long a server with them takes to be ready.

use anyhow::{Context as _, Result};
use servoir_benches::process::resident_bytes;
use servoir_benches::server::{Server, model};
use std::fs;
use tempfile::TempDir;

/// Models of churn's size.
const MODELS: usize = 100;

/// Starts a server of a folder with a hundred models of churn's size.
pub fn of_many_models() -> Result<()> {
    let (models, data, churn) = (TempDir::new()?, TempDir::new()?, model("churn")?);
    for number in 0..MODELS {
        let folder = models.path().join(format!("churn-{number}"));
        fs::create_dir(&folder)?;
        fs::copy(&churn, folder.join("model.onnx"))?;
    }
    let folder = models.path().to_str().context("a path in UTF-8")?;
    let server = Server::start(data.path(), &["--models", folder])?;
    println!("{MODELS} models of churn's size: ready after {:.0?}", server.ready_after);
    println!("  resident: {:.1} MB", resident_bytes(server.id())? as f64 / 1e6);
    server.stop()
}
