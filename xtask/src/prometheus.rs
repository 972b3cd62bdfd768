//! Prometheus and promtool, which read what the server shows and check the rules in `deploy/`.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::process;

/// The folder that holds both programs; installs them where that is possible.
pub fn ready() -> Result<PathBuf> {
    if let Some(folder) = installed() {
        return Ok(folder);
    }
    process::install_packages(&["prometheus"], "Prometheus, which the tests need,")?;
    match installed() {
        Some(folder) => Ok(folder),
        None => bail!("promtool and prometheus are not on PATH, though the package was installed"),
    }
}

fn installed() -> Option<PathBuf> {
    let folder = process::on_path("promtool")?.parent()?.to_path_buf();
    folder.join("prometheus").is_file().then_some(folder)
}
