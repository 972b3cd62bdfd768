//! Log lines: for people on a terminal, JSON otherwise.

use crate::config::LogFormat;
use anyhow::Context as _;
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Sends log lines to standard error from now on.
///
/// # Errors
/// When `level` is not a filter, or log lines go somewhere already.
pub fn start(format: LogFormat, level: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::builder().parse(level).with_context(|| format!("log.level '{level}' is not a filter"))?;
    let terminal = std::io::stderr().is_terminal();
    let colours = terminal && std::env::var_os("NO_COLOR").is_none();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let human = match format {
        LogFormat::Auto => terminal,
        LogFormat::Human => true,
        LogFormat::Json => false,
    };
    if human {
        lines.with_ansi(colours).with_target(false).compact().finish().try_init()?;
    } else {
        lines.json().flatten_event(true).with_current_span(false).finish().try_init()?;
    }
    Ok(())
}
