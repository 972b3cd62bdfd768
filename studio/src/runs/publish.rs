//! From the files that a child left to what the registry keeps as a version.

use super::supervisor::Settings;
use crate::job::{BASELINE, EVALUATION, IMPORTANCE, MODEL_NATIVE, OUTCOME, Outcome};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use servoir_registry::{NewVersion, Registry, RegistryError, Run, StagedArtifact, TrainedFile, TrainedVersion};
use servoir_types::{Signature, Timestamp};
use std::io;
use std::path::Path;
use tokio::io::AsyncReadExt as _;

/// The splits that have an evaluation each.
const SPLITS: [&str; 3] = ["train", "validation", "test"];
/// The largest JSON file of a child.
const JSON_BYTES_MAX: u64 = 32 << 20;
/// What is read of an artifact at once.
const BLOCK_BYTES: usize = 256 << 10;
/// What a native file is.
const NATIVE_FORMAT: &str = "xgboost-ubj";
/// The algorithm of versions that a script of their own made.
const SCRIPT: &str = "script";

/// Why a child's files cannot be published.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unfit {
    #[error("'{name}' of the worker cannot be used: {reason}")]
    File { name: String, reason: String },
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

/// Reads the files of a child that has ended well.
pub(super) async fn gather(
    registry: &Registry,
    settings: &Settings,
    run: &Run,
    folder: &Path,
    mut details: Map<String, Value>,
) -> Result<TrainedVersion, Unfit> {
    let outcome: Outcome = required(folder, OUTCOME).await?;
    let mut evaluations = Vec::new();
    for split in SPLITS {
        if let Some(body) = json_file(folder, &format!("{EVALUATION}-{split}.json")).await? {
            evaluations.push((split.to_owned(), body));
        }
    }
    if let Some(body) = json_file(folder, IMPORTANCE).await? {
        evaluations.push((servoir_registry::IMPORTANCE.to_owned(), body));
    }
    let (format, signature) = inspected(settings, folder, &outcome.model).await?;
    let limit = settings.artifact_bytes_max;
    let artifact = stage(registry, folder, &outcome.model, limit).await?;
    let artifact = artifact.ok_or_else(|| unfit(&outcome.model, "it is not there"))?;
    let native = stage(registry, folder, MODEL_NATIVE, limit).await?;
    let begun = run.started_at.unwrap_or(run.created_at);
    details.extend(described(&outcome));
    Ok(TrainedVersion {
        artifact,
        native: native.map(|artifact| TrainedFile { format: NATIVE_FORMAT.to_owned(), artifact }),
        new: NewVersion {
            description: run.label.clone().unwrap_or_else(|| format!("trained by {}", run.id)),
            metrics: outcome.metrics,
            format,
            signature,
        },
        algorithm: outcome.algorithm.map_or_else(|| SCRIPT.to_owned(), word),
        hyperparameters: outcome.hyperparameters,
        duration_ms: Timestamp::now().as_millis() - begun.as_millis(),
        evaluations,
        baseline: json_file(folder, BASELINE).await?,
        details: Value::Object(details),
    })
}

/// What the run's details say of its outcome.
fn described(outcome: &Outcome) -> Map<String, Value> {
    let described = json!({
        "final_algorithm": outcome.algorithm,
        "leaderboard": outcome.leaderboard,
        "features": outcome.features,
        "classes": outcome.classes,
        "rows_used": outcome.rows,
        "stage_seconds": outcome.stage_seconds,
        "search_cut_short": outcome.search_cut_short,
    });
    described.as_object().cloned().unwrap_or_default()
}

fn word(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

async fn inspected(settings: &Settings, folder: &Path, name: &str) -> Result<(String, Option<Signature>), Unfit> {
    // Whatever a script says: the model is a file of its own folder.
    if open(folder, name).await?.is_none() {
        return Err(unfit(name, "it is not there"));
    }
    let (inspect, path) = (settings.inspect.clone(), folder.join(name));
    let inspected = tokio::task::spawn_blocking(move || inspect(&path)).await;
    inspected.map_err(|error| unfit(name, error))?.map_err(|reason| unfit(name, reason))
}

async fn stage(
    registry: &Registry,
    folder: &Path,
    name: &str,
    limit_bytes: u64,
) -> Result<Option<StagedArtifact>, Unfit> {
    let Some(mut file) = open(folder, name).await? else { return Ok(None) };
    let mut upload = registry.begin_upload(limit_bytes).await?;
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        match file.read(&mut block).await.map_err(|error| unfit(name, error))? {
            0 => return Ok(Some(upload.finish().await?)),
            count => upload.write(&block[..count]).await?,
        }
    }
}

async fn required<T: DeserializeOwned>(folder: &Path, name: &str) -> Result<T, Unfit> {
    json_file(folder, name).await?.ok_or_else(|| unfit(name, "it is not there"))
}

async fn json_file<T: DeserializeOwned>(folder: &Path, name: &str) -> Result<Option<T>, Unfit> {
    let Some(file) = open(folder, name).await? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.take(JSON_BYTES_MAX + 1).read_to_end(&mut bytes).await.map_err(|error| unfit(name, error))?;
    if bytes.len() as u64 > JSON_BYTES_MAX {
        return Err(unfit(name, format!("it is larger than {JSON_BYTES_MAX} bytes")));
    }
    serde_json::from_slice(&bytes).map(Some).map_err(|error| unfit(name, error))
}

/// Opens a regular file of the folder itself: a link could lead anywhere.
async fn open(folder: &Path, name: &str) -> Result<Option<tokio::fs::File>, Unfit> {
    let path = folder.join(name);
    match tokio::fs::symlink_metadata(&path).await {
        Ok(found) if found.is_file() => {
            tokio::fs::File::open(&path).await.map(Some).map_err(|error| unfit(name, error))
        }
        Ok(_) => Err(unfit(name, "it is no regular file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unfit(name, error)),
    }
}

fn unfit(name: &str, reason: impl ToString) -> Unfit {
    Unfit::File { name: name.to_owned(), reason: reason.to_string() }
}
