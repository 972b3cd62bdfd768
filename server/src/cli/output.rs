//! What people and scripts see: results on standard output, messages on standard error, colours only on a terminal.

use super::failure::Failure;
use clap::builder::styling::{AnsiColor, Style};
use serde_json::Value;
use std::io::{IsTerminal as _, Write as _};

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For scripts.
    Json,
}

/// Bold, for headings.
pub const BOLD: Style = Style::new().bold();
/// Green, for what is well.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Red, for what is not.
pub const BAD: Style = AnsiColor::Red.on_default();

/// Writes a result. A reader that has gone (`| head`) is no failure.
///
/// # Errors
/// When standard output cannot be written to.
pub fn result(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes a result for scripts.
///
/// # Errors
/// As [`result`].
pub fn json(value: &Value) -> Result<(), Failure> {
    result(&format!("{value:#}\n"))
}

/// Says something beside the result. Standard error that is closed has nobody to tell.
pub fn message(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Says what went wrong.
pub fn error(text: &str) {
    let label =
        if has_colours(std::io::stderr().is_terminal()) { paint("error:", BAD.bold()) } else { "error:".into() };
    message(&format!("{label} {}", printable(text)));
}

/// Whether standard output takes colours.
pub fn stdout_has_colours() -> bool {
    has_colours(std::io::stdout().is_terminal())
}

/// Text in a style.
pub fn paint(text: &str, style: Style) -> String {
    format!("{style}{text}{style:#}")
}

/// Text without control characters, with which what a server sends could move the cursor or change the title.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn has_colours(terminal: bool) -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    terminal && !refused && !dumb
}
