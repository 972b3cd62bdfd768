//! `servoir key`: who may call.

use super::answer::{cell, items};
use super::failure::Failure;
use super::output::message;
use super::pages::every;
use super::session::{Session, rendered};
use super::table::Table;
use clap::Subcommand;
use serde_json::json;

const KEYS: [&str; 4] = ["api", "v1", "auth", "api-keys"];

/// Commands of `servoir key`.
#[derive(Debug, Subcommand)]
pub enum Key {
    /// Make a key and print it: the only time that it can be seen
    Create(Create),
    /// List the keys
    List(List),
    /// Take a key's rights away, at once and for good
    Revoke(Revoke),
}

/// Flags of `servoir key create`.
#[derive(Debug, clap::Args)]
pub struct Create {
    /// What the key is for
    name: String,
    /// What the key may do, such as `inference:invoke`; may come several times
    #[arg(long = "scope", value_name = "SCOPE", required = true, value_delimiter = ',')]
    scopes: Vec<String>,
    /// Days until the key stops working [default: never]
    #[arg(long, value_name = "DAYS")]
    expires_in_days: Option<u32>,
    #[command(flatten)]
    session: Session,
}

/// Flags of `servoir key list`.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Only keys in this state: active, revoked or expired
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    #[command(flatten)]
    session: Session,
}

/// Flags of `servoir key revoke`.
#[derive(Debug, clap::Args)]
pub struct Revoke {
    /// Id of the key, as `servoir key list` shows it
    id: String,
    #[command(flatten)]
    session: Session,
}

impl Key {
    /// Runs the command.
    pub async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Create(command) => command.run().await,
            Self::List(command) => command.run().await,
            Self::Revoke(command) => command.run().await,
        }
    }
}

impl Create {
    async fn run(self) -> Result<(), Failure> {
        let mut body = json!({"name": self.name, "scopes": self.scopes});
        if let Some(days) = self.expires_in_days {
            body["expiresInDays"] = json!(days);
        }
        let created = self.session.client()?.post(&KEYS, &[], &body).await?;
        message(&format!("key {}, shown this once and kept only as a hash:", cell(&created, "/id")));
        self.session.show(&created, |created| format!("{}\n", cell(created, "/key")))
    }
}

impl List {
    async fn run(self) -> Result<(), Failure> {
        let query: Vec<_> = self.status.iter().map(|status| ("status", status.as_str())).collect();
        let answer = every(&self.session.client()?, &KEYS, &query, "apiKeys").await?;
        self.session.show(&answer, |answer| {
            let mut table = Table::new(["ID", "NAME", "STATUS", "PREFIX", "SCOPES", "CREATED", "EXPIRES", "LAST USED"]);
            for key in items(answer, "apiKeys") {
                let fields =
                    ["/id", "/name", "/status", "/keyPrefix", "/scopes", "/createdAt", "/expiresAt", "/lastUsedAt"];
                table.row(fields.map(|field| cell(key, field)));
            }
            rendered(&table)
        })
    }
}

impl Revoke {
    async fn run(self) -> Result<(), Failure> {
        let path = [&KEYS[..], &[&self.id]].concat();
        self.session.client()?.delete(&path).await?;
        let answer = json!({"id": self.id, "revoked": true});
        self.session.show(&answer, |answer| format!("key {} is revoked\n", cell(answer, "/id")))
    }
}
