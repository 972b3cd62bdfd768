//! How versions came to be, for those that were trained here, and the other forms of their artifacts.

use crate::actor::{Actor, Page, Window};
use crate::audit::{Deed, digest};
use crate::error::{RegistryError, Result};
use crate::models::touch;
use crate::registry::Registry;
use crate::versions::{Version, of_model, version, version_columns};
use serde_json::{Map, Value, json};
use servoir_types::{Digest, ModelId, RunId, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// How a version came to be.
#[derive(Debug, Clone)]
pub struct Training {
    /// The run that made it.
    pub run: RunId,
    /// Which learner.
    pub algorithm: String,
    /// Every one, defaults filled in.
    pub hyperparameters: Map<String, Value>,
    /// The whole configuration of the run.
    pub config: Value,
    /// The dataset's id, which may be gone since.
    pub dataset: Option<String>,
    /// Of the dataset's bytes.
    pub dataset_digest: Digest,
    /// Of the run, in milliseconds.
    pub duration_ms: i64,
}

/// A version, how it came to be, and which other forms of it there are.
#[derive(Debug, Clone)]
pub struct TracedVersion {
    /// The version.
    pub version: Version,
    /// `None` when it was not trained here.
    pub training: Option<Training>,
    /// Its artifact in the learner's own form, when it was kept.
    pub native: Option<VersionFile>,
}

/// A version's artifact in another form.
#[derive(Debug, Clone)]
pub struct VersionFile {
    /// Such as `xgboost-ubj`.
    pub format: String,
    /// Its length.
    pub size_bytes: i64,
    /// Of its bytes.
    pub digest: Digest,
}

macro_rules! select_traced {
    ($($rest:literal),+) => {
        concat!(
            "select ",
            version_columns!(),
            ", t.run, t.algorithm, t.hyperparameters, t.config as training_config, t.dataset, t.dataset_digest, \
             t.duration_ms, f.format as native_format, f.size_bytes as native_bytes, f.digest as native_digest",
            of_model!(
                " left join trainings t on t.model = v.model and t.version = v.version \
                 left join version_files f on f.model = v.model and f.version = v.version"
            ),
            $($rest),+
        )
    };
}

impl Registry {
    /// A page of a model's versions with how they came to be, newest first.
    pub async fn traced_versions(
        &self,
        organization: &str,
        model: &ModelId,
        window: Window,
    ) -> Result<Page<TracedVersion>> {
        let mut connection = self.database().read().await?;
        let total = sqlx::query_scalar("select count(*) from versions where model = $1")
            .bind(model.as_str())
            .fetch_one(&mut *connection)
            .await?;
        let rows = sqlx::query(select_traced!(" order by v.version desc limit $3 offset $4"))
            .bind(organization)
            .bind(model.as_str())
            .bind(window.limit)
            .bind(window.offset)
            .fetch_all(&mut *connection)
            .await?;
        Ok(Page { total, items: rows.iter().map(traced).collect::<Result<_>>()? })
    }

    /// One version with how it came to be.
    pub async fn traced_version(&self, organization: &str, model: &ModelId, number: i64) -> Result<TracedVersion> {
        let row = sqlx::query(select_traced!(" and v.version = $3"))
            .bind(organization)
            .bind(model.as_str())
            .bind(number)
            .fetch_optional(&mut *self.database().read().await?)
            .await?;
        traced(&row.ok_or_else(|| RegistryError::no_version(number))?)
    }

    /// `model.version_restored`: the configuration that a version was trained with is the model's from now on. Versions
    /// and their history stay as they are.
    pub async fn restore_version(&self, actor: &Actor, model: &ModelId, number: i64) -> Result<TracedVersion> {
        let restored = self.traced_version(&actor.organization, model, number).await?;
        let Some(training) = &restored.training else {
            return Err(RegistryError::NotTrained { model: model.clone(), version: number });
        };
        let config = restored_config(training);
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        touch(&mut write, actor, model, None, now).await?;
        let before: String = sqlx::query_scalar("select config from studio_models where model = $1")
            .bind(model.as_str())
            .fetch_one(write.connection())
            .await?;
        sqlx::query("update studio_models set config = $2 where model = $1")
            .bind(model.as_str())
            .bind(config.to_string())
            .execute(write.connection())
            .await?;
        let before = serde_json::from_str(&before).unwrap_or(Value::Null);
        let deed = Deed {
            action: "model.version_restored",
            target: model.as_str(),
            before: Some(json!({ "config": before })),
            after: Some(json!({ "version": number, "config": config })),
        };
        write.record(actor, now, deed).await?;
        write.commit().await?;
        Ok(restored)
    }
}

/// The run's configuration with what its search had chosen in the place of the search.
fn restored_config(training: &Training) -> Value {
    let mut config = training.config.clone();
    config["algorithm"] = training.algorithm.clone().into();
    config["hyperparameters"] = training.hyperparameters.clone().into();
    config
}

fn traced(row: &AnyRow) -> Result<TracedVersion> {
    let native: Option<String> = row.try_get("native_format")?;
    let native = match native {
        Some(format) => Some(VersionFile {
            format,
            size_bytes: row.try_get("native_bytes")?,
            digest: digest(row, "native_digest")?,
        }),
        None => None,
    };
    Ok(TracedVersion { version: version(row)?, training: training(row)?, native })
}

fn training(row: &AnyRow) -> Result<Option<Training>> {
    let Some(run) = row.try_get::<Option<String>, _>("run")? else { return Ok(None) };
    let wrong = |column: &str, error: serde_json::Error| {
        RegistryError::Inconsistent(format!("column {column} of a training: {error}"))
    };
    let hyperparameters: String = row.try_get("hyperparameters")?;
    let config: String = row.try_get("training_config")?;
    Ok(Some(Training {
        run: RunId::from_text(run),
        algorithm: row.try_get("algorithm")?,
        hyperparameters: serde_json::from_str(&hyperparameters).map_err(|error| wrong("hyperparameters", error))?,
        config: serde_json::from_str(&config).map_err(|error| wrong("config", error))?,
        dataset: row.try_get("dataset")?,
        dataset_digest: digest(row, "dataset_digest")?,
        duration_ms: row.try_get("duration_ms")?,
    }))
}
