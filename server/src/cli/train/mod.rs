//! `servoir train`: from a file of rows to a version, with the run's progress on the way.

mod follow;
mod report;
mod upload;

use super::answer::{cell, items};
use super::client::{Client, ClientError};
use super::deploy::{deploy, live};
use super::failure::Failure;
use super::output::{self, Format, message};
use super::session::Session;
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// Where the Studio API is.
const STUDIO: [&str; 3] = ["api", "v1", "models"];
/// A target of whole numbers with at most so many distinct ones is taken for classes.
const CLASSES_MAX: u64 = 20;

/// Flags of `servoir train`.
#[derive(Debug, clap::Args)]
pub struct Train {
    /// Rows to learn from: CSV or Parquet
    data: PathBuf,
    /// Column to predict
    #[arg(long, value_name = "COLUMN")]
    target: String,
    /// What to say of a row [default: classification when the target has few values, else regression]
    #[arg(long, value_name = "TASK", value_parser = ["classification", "regression"])]
    task: Option<String>,
    /// Model to train; made when there is none of this name [default: the file's name]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Columns to predict from, with commas between them [default: all that can be used]
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    features: Vec<String>,
    /// auto, gradient_boosting, random_forest, logistic_regression or linear_regression
    #[arg(long, value_name = "ALGORITHM", default_value = "auto")]
    algorithm: String,
    /// End the run after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    timeout_seconds: u64,
    /// Deploy the version
    #[arg(long)]
    deploy: bool,
    #[command(flatten)]
    session: Session,
}

impl Train {
    /// Uploads, configures, trains while it tells, and reports.
    pub async fn run(self) -> Result<(), Failure> {
        let client = self.session.client()?;
        let dataset = upload::send(&client, &self.data).await?;
        let task = self.task(&dataset)?;
        let model = self.model(&client, &dataset, &task).await?;
        let path = |rest: &[&'static str]| [&STUDIO[..], &[model.as_str()], rest].concat();
        let label = self.data.file_name().map(|name| name.to_string_lossy().into_owned());
        let run = json!({"run_label": label, "timeout_seconds": self.timeout_seconds});
        let run = client.post(&path(&["train"]), &[], &run).await?;
        let run_id = cell(&run, "/run_id");
        follow::to_the_end(&client, &path(&["training-metrics", "ws"]), &run_id, self.session.output).await?;

        let of_run = [("run_id", run_id.as_str())];
        let details = client.get(&path(&["training-metrics", "details"]), &of_run).await?;
        let version = cell(&details, "/version_id");
        let of_version = [("version_id", version.as_str())];
        let summary = client.get(&path(&["performance", "summary"]), &of_version).await?;
        let confusion = match task.as_str() {
            "classification" => Some(client.get(&path(&["performance", "confusion-matrix"]), &of_version).await?),
            _ => None,
        };
        let deployed = match self.deploy {
            true => Some(self.deploy(&client, &model, &version).await?),
            false => None,
        };
        match self.session.output {
            Format::Json => output::json(&json!({
                "model_id": model, "version_id": version, "details": details, "summary": summary,
                "confusion_matrix": confusion, "deployed": deployed,
            })),
            Format::Table => {
                output::result(&report::text(&details, &summary, confusion.as_ref()))?;
                match &deployed {
                    Some(deployed) => output::result(&live(&client, &model, deployed)),
                    None => {
                        message(&format!("made {version} of {}", output::printable(&self.model_name())));
                        Ok(())
                    }
                }
            }
        }
    }

    fn model_name(&self) -> String {
        let stem = || self.data.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        self.name.clone().or_else(stem).unwrap_or_default()
    }

    /// What was asked for, or what the target's column suggests.
    fn task(&self, dataset: &Value) -> Result<String, Failure> {
        let columns = items(dataset, "columns");
        let Some(target) = columns.iter().find(|column| column["name"] == self.target.as_str()) else {
            let names: Vec<_> = columns.iter().map(|column| cell(column, "/name")).collect();
            let detail =
                format!("'{}' has no column '{}'; it has {}", self.data.display(), self.target, names.join(", "));
            return Err(Failure::usage(detail));
        };
        Ok(self.task.clone().unwrap_or_else(|| suggested_task(target).to_owned()))
    }

    /// The id of the model, with the dataset linked and the configuration set.
    async fn model(&self, client: &Client, dataset: &Value, task: &str) -> Result<String, Failure> {
        let name = self.model_name();
        let dataset_id = cell(dataset, "/id");
        let mut config = Map::new();
        config.insert("target_column".into(), self.target.clone().into());
        config.insert("feature_columns".into(), self.features.clone().into());
        config.insert("algorithm".into(), self.algorithm.clone().into());
        let known = match client.get(&[&STUDIO[..], &[&name]].concat(), &[]).await {
            Err(error) if error.status() == Some(404) => None,
            found => Some(found?),
        };
        let Some(known) = known else {
            let new = json!({
                "name": name, "model_type": "auto", "task_type": task, "dataset_id": dataset_id, "config": config,
            });
            let made = client.post(&STUDIO, &[], &new).await?;
            message(&format!("made model {} ({})", output::printable(&name), cell(&made, "/id")));
            return Ok(cell(&made, "/id"));
        };
        if known["task_type"] != task {
            let was = cell(&known, "/task_type");
            return Err(Failure::usage(format!(
                "model '{name}' is for {was}, not {task}; give the new one another --name"
            )));
        }
        let id = cell(&known, "/id");
        let at = [&STUDIO[..], &[&id]].concat();
        client.send(Method::PATCH, &at, &json!({"config": config})).await?;
        client.post(&[&at[..], &["dataset"]].concat(), &[], &json!({"dataset_id": dataset_id})).await?;
        Ok(id)
    }

    async fn deploy(&self, client: &Client, model: &str, version: &str) -> Result<Value, ClientError> {
        let number = version.rsplit('_').next().and_then(|number| number.parse().ok()).unwrap_or_default();
        deploy(client, model, number).await
    }
}

/// What a target's profile suggests to do with it.
fn suggested_task(target: &Value) -> &'static str {
    let distinct = target["distinct"].as_u64().unwrap_or(u64::MAX);
    match target["type"].as_str() {
        Some("integer") if distinct <= CLASSES_MAX => "classification",
        Some("text" | "boolean") => "classification",
        _ => "regression",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_suggests_the_task() {
        for (kind, distinct, task) in [
            ("text", 500, "classification"),
            ("boolean", 2, "classification"),
            ("integer", 20, "classification"),
            ("integer", 21, "regression"),
            ("number", 2, "regression"),
        ] {
            assert_eq!(suggested_task(&json!({"type": kind, "distinct": distinct})), task, "{kind} {distinct}");
        }
    }
}
