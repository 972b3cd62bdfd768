//! `servoir models` and `servoir versions`: what there is.

use super::answer::{cell, items};
use super::client::registry_path;
use super::failure::Failure;
use super::pages::every;
use super::session::{Session, rendered};
use super::table::Table;
use indicatif::HumanBytes;

/// Flags of `servoir models`.
#[derive(Debug, clap::Args)]
pub struct Models {
    /// Only models with this in their name or description
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Only models in this state: registered, deployed or archived
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// Only models with this tag
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    #[command(flatten)]
    session: Session,
}

impl Models {
    /// Lists models by name.
    pub async fn run(self) -> Result<(), Failure> {
        let given = [("search", &self.search), ("status", &self.status), ("tag", &self.tag)];
        let mut query: Vec<_> = given.iter().filter_map(|(key, value)| Some((*key, value.as_deref()?))).collect();
        query.push(("sort", "name:asc"));
        let answer = every(&self.session.client()?, &registry_path(&["models"]), &query, "models").await?;
        self.session.show(&answer, |answer| {
            let mut table = Table::new(["NAME", "STATUS", "LATEST", "FRAMEWORK", "TAGS", "UPDATED", "ID"]);
            for model in items(answer, "models") {
                let fields = ["/name", "/status", "/latestVersion", "/framework", "/tags", "/updatedAt", "/id"];
                table.row(fields.map(|field| cell(model, field)));
            }
            rendered(&table)
        })
    }
}

/// Flags of `servoir versions`.
#[derive(Debug, clap::Args)]
pub struct Versions {
    /// Model, by name or id
    name: String,
    #[command(flatten)]
    session: Session,
}

impl Versions {
    /// Lists a model's versions.
    pub async fn run(self) -> Result<(), Failure> {
        let path = registry_path(&["models", &self.name, "versions"]);
        let answer = every(&self.session.client()?, &path, &[], "versions").await?;
        self.session.show(&answer, |answer| {
            let mut table = Table::new(["VERSION", "STATE", "FORMAT", "SIZE", "SHA-256", "CREATED", "DESCRIPTION"]);
            for version in items(answer, "versions") {
                let size = version["sizeBytes"].as_u64().map_or("-".into(), |bytes| HumanBytes(bytes).to_string());
                let sha256: String = cell(version, "/sha256").chars().take(12).collect();
                let field = |pointer| cell(version, pointer);
                let (created, description) = (field("/createdAt"), field("/description"));
                table.row([field("/version"), field("/state"), field("/format"), size, sha256, created, description]);
            }
            rendered(&table)
        })
    }
}
