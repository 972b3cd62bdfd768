//! `servoir serve`.

use super::failure::Failure;
use super::flags::ServerFlags;
use super::{onnxruntime, wait};
use crate::serve;
use crate::telemetry::logging;

/// Flags of `servoir serve`.
#[derive(Debug, clap::Args)]
pub struct Serve {
    #[command(flatten)]
    flags: ServerFlags,
}

impl Serve {
    /// Runs the server until it is asked to stop.
    pub fn run(self) -> Result<(), Failure> {
        let mut config = self.flags.load()?.config;
        logging::start(config.log_format, &config.log_level)?;
        config.onnxruntime = onnxruntime::locate(config.onnxruntime)?.path();
        wait::server_runtime()?.block_on(async { Ok(serve::run(config, wait::asked_to_stop()?).await?) })
    }
}
