//! What every client command has: the server it talks to and the form of its results.

use super::client::{Client, ClientError};
use super::failure::Failure;
use super::output::{self, Format};
use super::table::Table;
use serde_json::Value;
use servoir_types::Secret;
use std::path::PathBuf;

/// Flags of every client command.
#[derive(Debug, clap::Args)]
pub struct Session {
    /// Server to talk to
    #[arg(long, env = "SERVOIR_URL", default_value = "http://127.0.0.1:8080", value_name = "URL")]
    url: String,
    /// Certificates to trust beside the system's, PEM: for a server with a private authority
    #[arg(long, env = "SERVOIR_CA", value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = Format::Table, value_name = "FORM")]
    pub output: Format,
}

impl Session {
    /// A client that calls with `SERVOIR_API_KEY`. The key has no flag: other users of a machine can read flags.
    ///
    /// # Errors
    /// When the URL is no HTTP address, or the file of certificates cannot be used.
    pub fn client(&self) -> Result<Client, ClientError> {
        let key = std::env::var("SERVOIR_API_KEY").ok().filter(|key| !key.is_empty());
        Client::trusting(&self.url, key.map(Secret::new), self.ca.as_deref())
    }

    /// Shows a result: for scripts the server's answer as it is, for people what `text` makes of it.
    pub fn show(&self, answer: &Value, text: impl FnOnce(&Value) -> String) -> Result<(), Failure> {
        match self.output {
            Format::Json => output::json(answer),
            Format::Table => output::result(&text(answer)),
        }
    }
}

/// A table as text for standard output.
pub fn rendered(table: &Table) -> String {
    table.render(output::stdout_has_colours())
}
