//! Baselines: profiles that what a version is asked is compared with. One of a version's is active.

use crate::actor::{Actor, Page, Window};
use crate::audit::Deed;
use crate::database::Write;
use crate::error::{RegistryError, Result};
use crate::models::touch;
use crate::registry::Registry;
use serde_json::{Value, json};
use servoir_types::{BaselineId, ModelId, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// The most baselines of a version.
pub const BASELINES_MAX: i64 = 100;

/// A baseline as lists show it.
#[derive(Debug, Clone)]
pub struct BaselineSummary {
    /// Its identity.
    pub id: BaselineId,
    /// The version that it belongs to.
    pub version: i64,
    /// `training`, `dataset`, `upload` or `production`.
    pub source: String,
    /// What it was made of, as JSON: the dataset, or from when to when.
    pub origin: Option<Value>,
    /// How many rows it was made from.
    pub rows: i64,
    /// Whether the version is compared with it.
    pub active: bool,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}

/// A baseline with its profiles.
#[derive(Debug, Clone)]
pub struct BaselineRow {
    /// What lists show.
    pub summary: BaselineSummary,
    /// The profiles, as `servoir-monitor` writes them.
    pub body: String,
}

/// What a new baseline is made of.
#[derive(Debug, Clone)]
#[allow(missing_docs)] // as in `BaselineSummary` and `BaselineRow`
pub struct NewBaseline {
    pub version: i64,
    pub source: &'static str,
    pub origin: Option<Value>,
    pub rows: u64,
    pub body: String,
}

/// A summary's columns, in every statement that gives baselines back.
macro_rules! summary_columns {
    () => {
        "id, version, source, origin, row_count, active, created_by, created_at"
    };
}

impl Registry {
    /// The baseline that a version is compared with, if there is one. Whether the caller may know of the model is settled
    /// before.
    pub async fn active_baseline(&self, model: &ModelId, version: i64) -> Result<Option<BaselineRow>> {
        let row = sqlx::query(concat!(
            "select body, ",
            summary_columns!(),
            " from baselines where model = $1 and version = $2 and active = 1"
        ))
        .bind(model.as_str())
        .bind(version)
        .fetch_optional(&mut *self.database().read().await?)
        .await?;
        row.as_ref().map(baseline).transpose()
    }

    /// One baseline of a model.
    pub async fn baseline(&self, model: &ModelId, id: &BaselineId) -> Result<BaselineRow> {
        let row =
            sqlx::query(concat!("select body, ", summary_columns!(), " from baselines where model = $1 and id = $2"))
                .bind(model.as_str())
                .bind(id.as_str())
                .fetch_optional(&mut *self.database().read().await?)
                .await?;
        baseline(&row.ok_or_else(|| no_baseline(id))?)
    }

    /// A page of a model's baselines, or of a version's, the newest first.
    pub async fn baselines(
        &self,
        model: &ModelId,
        version: Option<i64>,
        window: Window,
    ) -> Result<Page<BaselineSummary>> {
        let mut connection = self.database().read().await?;
        let total: i64 =
            sqlx::query_scalar("select count(*) from baselines where model = $1 and ($2 is null or version = $2)")
                .bind(model.as_str())
                .bind(version)
                .fetch_one(&mut *connection)
                .await?;
        let rows = sqlx::query(concat!(
            "select ",
            summary_columns!(),
            " from baselines where model = $1 and ($2 is null or version = $2) \
             order by created_at desc, id limit $3 offset $4"
        ))
        .bind(model.as_str())
        .bind(version)
        .bind(window.limit)
        .bind(window.offset)
        .fetch_all(&mut *connection)
        .await?;
        Ok(Page { total, items: rows.iter().map(summary).collect::<Result<_>>()? })
    }

    /// `model.baseline_created`. A version's first baseline is active.
    pub async fn create_baseline(&self, actor: &Actor, model: &ModelId, new: NewBaseline) -> Result<BaselineSummary> {
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        touch(&mut write, actor, model, None, now).await?;
        refuse_too_many(&mut write, model, new.version).await?;
        let active: i64 =
            sqlx::query_scalar("select count(*) from baselines where model = $1 and version = $2 and active = 1")
                .bind(model.as_str())
                .bind(new.version)
                .fetch_one(write.connection())
                .await?;
        let row = sqlx::query(concat!(
            "insert into baselines (id, model, version, source, origin, row_count, body, active, created_by, created_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning ",
            summary_columns!()
        ))
        .bind(BaselineId::random().as_str())
        .bind(model.as_str())
        .bind(new.version)
        .bind(new.source)
        .bind(new.origin.map(|origin| origin.to_string()))
        .bind(i64::try_from(new.rows).unwrap_or(i64::MAX))
        .bind(new.body)
        .bind(i64::from(active == 0))
        .bind(&actor.subject)
        .bind(now.as_millis())
        .fetch_one(write.connection())
        .await
        .map_err(|error| version_gone_or(new.version, error))?;
        let made = summary(&row)?;
        let after = Some(audited(&made));
        let deed = Deed { action: "model.baseline_created", target: model.as_str(), before: None, after };
        write.record(actor, now, deed).await?;
        write.commit().await?;
        Ok(made)
    }

    /// `model.baseline_activated`: the version is compared with it from now on.
    pub async fn activate_baseline(&self, actor: &Actor, model: &ModelId, id: &BaselineId) -> Result<BaselineSummary> {
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        touch(&mut write, actor, model, None, now).await?;
        let version: Option<i64> = sqlx::query_scalar("select version from baselines where model = $1 and id = $2")
            .bind(model.as_str())
            .bind(id.as_str())
            .fetch_optional(write.connection())
            .await?;
        let version = version.ok_or_else(|| no_baseline(id))?;
        let before = deactivate(&mut write, model, version).await?;
        let row = sqlx::query(concat!(
            "update baselines set active = 1 where model = $1 and id = $2 returning ",
            summary_columns!()
        ))
        .bind(model.as_str())
        .bind(id.as_str())
        .fetch_one(write.connection())
        .await?;
        let made = summary(&row)?;
        let deed = Deed {
            action: "model.baseline_activated",
            target: model.as_str(),
            before: Some(json!({ "version": version, "baseline": before })),
            after: Some(json!({ "version": version, "baseline": id.as_str() })),
        };
        write.record(actor, now, deed).await?;
        write.commit().await?;
        Ok(made)
    }
}

/// A version's active baseline is no longer so; says which it was.
async fn deactivate(write: &mut Write, model: &ModelId, version: i64) -> Result<Option<String>> {
    let was = sqlx::query_scalar(
        "update baselines set active = 0 where model = $1 and version = $2 and active = 1 returning id",
    )
    .bind(model.as_str())
    .bind(version)
    .fetch_optional(write.connection())
    .await?;
    Ok(was)
}

async fn refuse_too_many(write: &mut Write, model: &ModelId, version: i64) -> Result<()> {
    let count: i64 = sqlx::query_scalar("select count(*) from baselines where model = $1 and version = $2")
        .bind(model.as_str())
        .bind(version)
        .fetch_one(write.connection())
        .await?;
    if count < BASELINES_MAX { Ok(()) } else { Err(RegistryError::TooManyBaselines { version, max: BASELINES_MAX }) }
}

fn no_baseline(id: &BaselineId) -> RegistryError {
    RegistryError::NotFound { what: "baseline", id: id.to_string() }
}

/// The version that the baseline was made for was deleted meanwhile.
fn version_gone_or(version: i64, error: sqlx::Error) -> RegistryError {
    if error.as_database_error().is_some_and(|cause| cause.is_foreign_key_violation()) {
        RegistryError::no_version(version)
    } else {
        error.into()
    }
}

fn baseline(row: &AnyRow) -> Result<BaselineRow> {
    Ok(BaselineRow { summary: summary(row)?, body: row.try_get("body")? })
}

fn summary(row: &AnyRow) -> Result<BaselineSummary> {
    let origin: Option<String> = row.try_get("origin")?;
    let origin = origin.map(|text| serde_json::from_str(&text)).transpose();
    Ok(BaselineSummary {
        id: BaselineId::from_text(row.try_get::<String, _>("id")?),
        version: row.try_get("version")?,
        source: row.try_get("source")?,
        origin: origin.map_err(|error| RegistryError::Inconsistent(format!("column origin of a baseline: {error}")))?,
        rows: row.try_get("row_count")?,
        active: row.try_get::<i64, _>("active")? != 0,
        created_by: row.try_get("created_by")?,
        created_at: Timestamp::from_millis(row.try_get("created_at")?),
    })
}

/// What the audit keeps of a baseline.
fn audited(baseline: &BaselineSummary) -> Value {
    json!({
        "baseline": baseline.id.as_str(),
        "version": baseline.version,
        "source": baseline.source,
        "origin": baseline.origin,
        "rows": baseline.rows,
        "active": baseline.active,
    })
}
