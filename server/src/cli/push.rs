//! `servoir push`: from a file to a version, and on to a deployment.

use super::answer::cell;
use super::client::{Client, ClientError, registry_path};
use super::deploy::{deploy, live};
use super::failure::Failure;
use super::output::{self, Format, message};
use super::session::Session;
use futures_util::StreamExt as _;
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use reqwest::Body;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::fs::File;
use tokio_util::io::ReaderStream;

/// Bytes that are read from the file at once.
const PIECE_BYTES: usize = 256 << 10;
/// How often a version or deployment that is under way is looked at again.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Flags of `servoir push`.
#[derive(Debug, clap::Args)]
pub struct Push {
    /// Model file
    file: PathBuf,
    /// Model that the file is a version of; registered when there is none of this name
    #[arg(long, value_name = "NAME")]
    name: String,
    /// What a new model was made with: pytorch, tensorflow, xgboost, lightgbm, sklearn, onnx or custom
    /// [default: by the file's ending, else onnx]
    #[arg(long, value_name = "FRAMEWORK")]
    framework: Option<String>,
    /// What this version is
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Deploy the version
    #[arg(long)]
    deploy: bool,
    /// Return only when the version is ready, and with --deploy live
    #[arg(long)]
    wait: bool,
    /// Longest time to wait
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    wait_seconds_max: u64,
    #[command(flatten)]
    session: Session,
}

impl Push {
    /// Registers if new, uploads, and deploys if asked.
    pub async fn run(self) -> Result<(), Failure> {
        let client = self.session.client()?;
        let (artifact, bar) = file_part(&self.file).await?;
        let bytes = bar.length().unwrap_or_default();
        let framework = self.framework.as_deref().unwrap_or_else(|| framework_of(&self.file));
        ensure_model(&client, &self.name, framework).await?;

        let form = form(artifact, self.description.as_deref())?;
        let started = Instant::now();
        let uploaded = client.upload(&registry_path(&["models", &self.name, "versions"]), form).await;
        bar.finish_and_clear();
        let mut version = uploaded?;
        let (size, seconds) = (HumanBytes(bytes), started.elapsed().as_secs_f64());
        message(&format!("uploaded {size} in {seconds:.2} s as version {}", cell(&version, "/version")));

        let number = version["version"].as_u64().unwrap_or_default();
        let deadline = Instant::now() + Duration::from_secs(self.wait_seconds_max);
        if self.wait {
            version = ready_version(&client, &self.name, number, deadline).await?;
        }
        if !self.deploy {
            return self.session.show(&version, |version| {
                let field = |pointer: &str| output::printable(&cell(version, pointer));
                let (number, state) = (field("/version"), field("/state"));
                format!("{} version {number} is {state}: {}\n", output::printable(&self.name), field("/sha256"))
            });
        }
        let mut deployed = deploy(&client, &self.name, number).await?;
        if self.wait {
            deployed = live_model(&client, &self.name, deployed, deadline).await?;
        }
        match self.session.output {
            Format::Json => output::json(&json!({"version": version, "deployed": deployed})),
            Format::Table => output::result(&live(&client, &self.name, &deployed)),
        }
    }
}

/// The framework that a file's ending suggests.
fn framework_of(file: &Path) -> &'static str {
    match file.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase).as_deref() {
        Some("ubj" | "json") => "xgboost",
        Some("txt") => "lightgbm",
        _ => "onnx",
    }
}

/// Registers a model when there is none of this name.
pub async fn ensure_model(client: &Client, name: &str, framework: &str) -> Result<(), ClientError> {
    match client.registry(&["models", name], &[]).await {
        Err(error) if error.status() == Some(404) => {}
        found => return found.map(drop),
    }
    match client.change(&["models"], Some(&json!({"name": name, "framework": framework}))).await {
        Ok(created) => message(&format!("registered model {} ({})", output::printable(name), cell(&created, "/id"))),
        // Somebody else registered it between the two calls.
        Err(error) if error.code() == Some("name-taken") => {}
        Err(error) => return Err(error),
    }
    Ok(())
}

fn form(artifact: Part, description: Option<&str>) -> Result<Form, Failure> {
    let metadata = description.map_or(json!({}), |description| json!({"description": description}));
    let metadata = Part::text(metadata.to_string())
        .mime_str("application/json")
        .map_err(|error| Failure::failed(format!("cannot describe the upload: {error}")))?;
    Ok(Form::new().part("metadata", metadata).part("artifact", artifact))
}

/// A file as a part of a form, and the bar that follows it: its length is the file's.
///
/// # Errors
/// When there is no such file, or it cannot be read.
pub async fn file_part(path: &Path) -> Result<(Part, ProgressBar), Failure> {
    let unreadable = |error: std::io::Error| Failure::usage(format!("cannot read '{}': {error}", path.display()));
    let file = File::open(path).await.map_err(unreadable)?;
    let metadata = file.metadata().await.map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Failure::usage(format!("'{}' is not a file", path.display())));
    }
    let bar = progress(metadata.len());
    let followed = bar.clone();
    let pieces = ReaderStream::with_capacity(file, PIECE_BYTES).inspect(move |piece| {
        if let Ok(piece) = piece {
            followed.inc(piece.len() as u64);
        }
    });
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok((Part::stream_with_length(Body::wrap_stream(pieces), metadata.len()).file_name(name), bar))
}

/// A bar on standard error, which draws nothing when that is no terminal.
fn progress(bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{bar:40} {binary_bytes}/{binary_total_bytes}  {binary_bytes_per_sec}, {eta} left",
    );
    ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

async fn ready_version(client: &Client, name: &str, number: u64, deadline: Instant) -> Result<Value, Failure> {
    let number = number.to_string();
    loop {
        let version = client.registry(&["models", name, "versions", &number], &[]).await?;
        match version["state"].as_str() {
            Some("ready") => return Ok(version),
            Some("rejected") => {
                let reason = cell(&version, "/reason");
                return Err(Failure::failed(format!("version {number} was rejected: {reason}")));
            }
            _ => look_again(deadline, &format!("version {number} to be ready")).await?,
        }
    }
}

async fn live_model(client: &Client, name: &str, mut answer: Value, deadline: Instant) -> Result<Value, Failure> {
    loop {
        match answer.pointer("/deployment/state").and_then(Value::as_str) {
            Some("ready" | "idle") => return Ok(answer),
            Some("failed" | "degraded") => {
                let state = client.registry(&["models", name, "status"], &[]).await?;
                return Err(Failure::failed(format!("the deployment failed: {}", cell(&state, "/reason"))));
            }
            _ => look_again(deadline, "the deployment to be live").await?,
        }
        answer = client.registry(&["models", name], &[]).await?;
    }
}

async fn look_again(deadline: Instant, what: &str) -> Result<(), Failure> {
    if Instant::now() + LOOK_EVERY > deadline {
        return Err(Failure::failed(format!("waited in vain for {what}; --wait-seconds-max allows more time")));
    }
    tokio::time::sleep(LOOK_EVERY).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_suggests_the_framework() {
        for (file, framework) in
            [("m.onnx", "onnx"), ("m.ubj", "xgboost"), ("M.JSON", "xgboost"), ("m.txt", "lightgbm"), ("m", "onnx")]
        {
            assert_eq!(framework_of(Path::new(file)), framework, "{file}");
        }
    }
}
