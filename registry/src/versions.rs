//! Immutable versions of models.

use crate::actor::{Actor, Page, Window, storable};
use crate::artifacts::references;
use crate::audit::{Deed, digest};
use crate::database::Connection;
use crate::error::{RegistryError, Result};
use crate::models::touch;
use crate::registry::Registry;
use serde_json::json;
use servoir_types::{Digest, ModelId, Signature, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// An immutable version of a model.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Version {
    pub model: ModelId,
    /// From 1.
    pub version: i64,
    pub description: String,
    pub metrics: serde_json::Map<String, serde_json::Value>,
    pub format: String,
    pub size_bytes: i64,
    pub digest: Digest,
    pub signature: Option<Signature>,
    pub state: VersionState,
    /// Why it was rejected.
    pub reason: Option<String>,
    pub created_at: Timestamp,
    pub created_by: String,
}

/// Where a version is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum VersionState {
    Pending,
    Ready,
    Rejected,
}

impl VersionState {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Rejected => "rejected",
        }
    }

    pub(crate) fn from_text(text: &str) -> Result<Self> {
        [Self::Pending, Self::Ready, Self::Rejected]
            .into_iter()
            .find(|state| state.text() == text)
            .ok_or_else(|| RegistryError::Inconsistent(format!("'{text}' is no state of a version")))
    }
}

/// What a new version is made of, beside its artifact.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct NewVersion {
    pub description: String,
    pub metrics: serde_json::Map<String, serde_json::Value>,
    pub format: String,
    pub signature: Option<Signature>,
}

/// A version's columns, in every statement that gives versions back.
macro_rules! version_columns {
    () => {
        "v.model, v.version, v.description, v.metrics, v.format, v.size_bytes, v.digest, v.signature, v.state, \
         v.reason, v.created_at, v.created_by"
    };
}

/// The versions $2 of an organization $1, with what else belongs to them.
macro_rules! of_model {
    ($($joined:literal)?) => {
        concat!(
            " from versions v join models m on m.id = v.model",
            $($joined,)?
            " where m.organization = $1 and v.model = $2"
        )
    };
}
pub(crate) use {of_model, version_columns};

impl Registry {
    /// A page of a model's versions, newest first.
    pub async fn versions(&self, organization: &str, model: &ModelId, window: Window) -> Result<Page<Version>> {
        let mut connection = self.database().read().await?;
        let total: i64 = sqlx::query_scalar(
            "select (select count(*) from versions v where v.model = m.id) from models m \
             where m.organization = $1 and m.id = $2",
        )
        .bind(organization)
        .bind(model.as_str())
        .fetch_optional(&mut *connection)
        .await?
        .ok_or_else(|| RegistryError::no_model(model))?;
        let rows = sqlx::query(concat!(
            "select ",
            version_columns!(),
            of_model!(),
            " order by v.version desc limit $3 offset $4"
        ))
        .bind(organization)
        .bind(model.as_str())
        .bind(window.limit)
        .bind(window.offset)
        .fetch_all(&mut *connection)
        .await?;
        Ok(Page { total, items: rows.iter().map(version).collect::<Result<_>>()? })
    }

    /// One version.
    pub async fn version(&self, organization: &str, model: &ModelId, number: i64) -> Result<Version> {
        let row = sqlx::query(concat!("select ", version_columns!(), of_model!(), " and v.version = $3"))
            .bind(organization)
            .bind(model.as_str())
            .bind(number)
            .fetch_optional(&mut *self.database().read().await?)
            .await?;
        match row {
            Some(row) => version(&row),
            None => {
                self.model(organization, model.as_str()).await?;
                Err(RegistryError::no_version(number))
            }
        }
    }

    /// `model.version_deleted`. Its number is not given out again.
    pub async fn delete_version(&self, actor: &Actor, model: &ModelId, number: i64) -> Result<()> {
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        touch(&mut write, actor, model, None, now).await?;
        let live = sqlx::query(
            "select model from deployments \
             where model = $1 and (primary_version = $2 or canary_version = $2 or shadow_version = $2)",
        )
        .bind(model.as_str())
        .bind(number)
        .fetch_optional(write.connection())
        .await?;
        if live.is_some() {
            return Err(RegistryError::VersionDeployed { model: model.clone(), version: number });
        }
        sqlx::query(
            "update deployments set previous_version = null, previous_spec = null \
             where model = $1 and previous_version = $2",
        )
        .bind(model.as_str())
        .bind(number)
        .execute(write.connection())
        .await?;
        sqlx::query("update studio_models set promoted_version = null where model = $1 and promoted_version = $2")
            .bind(model.as_str())
            .bind(number)
            .execute(write.connection())
            .await?;
        let files = sqlx::query("delete from version_files where model = $1 and version = $2 returning digest")
            .bind(model.as_str())
            .bind(number)
            .fetch_all(write.connection())
            .await?;
        let row = sqlx::query("delete from versions where model = $1 and version = $2 returning digest, description")
            .bind(model.as_str())
            .bind(number)
            .fetch_optional(write.connection())
            .await?
            .ok_or_else(|| RegistryError::no_version(number))?;
        sqlx::query(
            "update models set latest_version = \
             (select coalesce(max(version), 0) from versions where model = $1) where id = $1",
        )
        .bind(model.as_str())
        .execute(write.connection())
        .await?;
        let artifact = digest(&row, "digest")?;
        let mut digests = files.iter().map(|file| digest(file, "digest")).collect::<Result<Vec<_>>>()?;
        digests.push(artifact);
        references::drop_uses(write.connection(), &mut digests).await?;
        let before = json!({
            "version": number, "description": row.try_get::<String, _>("description")?, "sha256": artifact,
        });
        let deed = Deed { action: "model.version_deleted", target: model.as_str(), before: Some(before), after: None };
        write.record(actor, now, deed).await?;
        write.commit().await?;
        self.sweep_released(&digests).await;
        Ok(())
    }
}

impl Registry {
    /// `model.version_rejected`: the version cannot be served, and from now on says so. A version that is live somewhere, or
    /// was before what is, stays as it is: whether one was rejected is given back.
    pub async fn reject_version(&self, actor: &Actor, model: &ModelId, number: i64, reason: &str) -> Result<bool> {
        storable("reason", reason)?;
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        touch(&mut write, actor, model, None, now).await?;
        let rejected = sqlx::query(
            "update versions set state = 'rejected', reason = $3 \
             where model = $1 and version = $2 and state = 'ready' and not exists (select model from deployments \
             where model = $1 and (primary_version = $2 or previous_version = $2 or canary_version = $2 \
             or shadow_version = $2)) returning version",
        )
        .bind(model.as_str())
        .bind(number)
        .bind(reason)
        .fetch_optional(write.connection())
        .await?;
        if rejected.is_none() {
            return Ok(false);
        }
        let before = Some(json!({ "version": number, "state": VersionState::Ready.text() }));
        let after = Some(json!({ "version": number, "state": VersionState::Rejected.text(), "reason": reason }));
        let deed = Deed { action: "model.version_rejected", target: model.as_str(), before, after };
        write.record(actor, now, deed).await?;
        write.commit().await?;
        Ok(true)
    }
}

pub(crate) fn version(row: &AnyRow) -> Result<Version> {
    let metrics: String = row.try_get("metrics")?;
    let signature: Option<String> = row.try_get("signature")?;
    Ok(Version {
        model: ModelId::from_text(row.try_get::<String, _>("model")?),
        version: row.try_get("version")?,
        description: row.try_get("description")?,
        metrics: serde_json::from_str(&metrics).map_err(|error| inconsistent("metrics", &error))?,
        format: row.try_get("format")?,
        size_bytes: row.try_get("size_bytes")?,
        digest: digest(row, "digest")?,
        signature: signature_of(signature)?,
        state: VersionState::from_text(&row.try_get::<String, _>("state")?)?,
        reason: row.try_get("reason")?,
        created_at: Timestamp::from_millis(row.try_get("created_at")?),
        created_by: row.try_get("created_by")?,
    })
}

/// The signature that a version's column holds, if any.
pub(crate) fn signature_of(column: Option<String>) -> Result<Option<Signature>> {
    let read = column.map(|text| serde_json::from_str(&text)).transpose();
    read.map_err(|error| inconsistent("signature", &error))
}

fn inconsistent(column: &str, error: &serde_json::Error) -> RegistryError {
    RegistryError::Inconsistent(format!("column {column} of a version: {error}"))
}

pub(crate) async fn insert(connection: &mut Connection, version: &Version) -> Result<()> {
    sqlx::query(
        "insert into versions (model, version, description, metrics, format, size_bytes, digest, signature, state, \
         reason, created_at, created_by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(version.model.as_str())
    .bind(version.version)
    .bind(&version.description)
    .bind(json!(version.metrics).to_string())
    .bind(&version.format)
    .bind(version.size_bytes)
    .bind(version.digest.to_hex())
    .bind(version.signature.as_ref().map(|signature| json!(signature).to_string()))
    .bind(version.state.text())
    .bind(&version.reason)
    .bind(version.created_at.as_millis())
    .bind(&version.created_by)
    .execute(connection)
    .await?;
    Ok(())
}
