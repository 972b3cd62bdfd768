//! A deployment's row: reading it with the artifacts of its versions, and writing it.

use super::{Deployment, DeploymentSpec, Forced, Placed, RolledBack};
use crate::audit::digest;
use crate::database::Connection;
use crate::error::{RegistryError, Result};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use servoir_types::{ModelId, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;

macro_rules! select_deployments {
    () => {
        "select d.model, m.organization, m.name, d.generation, d.deployed_at, d.canary_percent, \
         d.by_rollback, d.primary_forced, d.canary_forced, d.rolled_back, \
         d.primary_spec, p.digest as primary_digest, p.format as primary_format, \
         d.previous_spec, q.digest as previous_digest, q.format as previous_format, \
         d.canary_spec, c.digest as canary_digest, c.format as canary_format, \
         d.shadow_spec, s.digest as shadow_digest, s.format as shadow_format \
         from deployments d join models m on m.id = d.model \
         join versions p on p.model = d.model and p.version = d.primary_version \
         left join versions q on q.model = d.model and q.version = d.previous_version \
         left join versions c on c.model = d.model and c.version = d.canary_version \
         left join versions s on s.model = d.model and s.version = d.shadow_version"
    };
}

pub(super) async fn select_one(connection: &mut Connection, model: &ModelId) -> Result<Option<Deployment>> {
    let row = sqlx::query(concat!(select_deployments!(), " where d.model = $1"))
        .bind(model.as_str())
        .fetch_optional(connection)
        .await?;
    row.as_ref().map(deployment).transpose()
}

pub(super) async fn select_all(connection: &mut Connection) -> Result<Vec<Deployment>> {
    let rows = sqlx::query(concat!(select_deployments!(), " order by d.model")).fetch_all(connection).await?;
    rows.iter().map(deployment).collect()
}

fn deployment(row: &AnyRow) -> Result<Deployment> {
    let missing = || RegistryError::Inconsistent("a deployment lacks a part of itself".into());
    let name: String = row.try_get("name")?;
    let percent: Option<i64> = row.try_get("canary_percent")?;
    let canary = match (percent, placed(row, ["canary_spec", "canary_digest", "canary_format"])?) {
        (Some(percent), Some(placed)) => Some((u8::try_from(percent).map_err(|_| missing())?, placed)),
        (None, None) => None,
        _ => return Err(missing()),
    };
    let rolled_back: Option<String> = row.try_get("rolled_back")?;
    let flag = |column: &str| row.try_get::<i64, _>(column).map(|flag| flag != 0);
    Ok(Deployment {
        model: ModelId::from_text(row.try_get::<String, _>("model")?),
        organization: row.try_get("organization")?,
        name: name.parse().map_err(|error| RegistryError::Inconsistent(format!("a model's name: {error}")))?,
        generation: row.try_get("generation")?,
        primary: placed(row, ["primary_spec", "primary_digest", "primary_format"])?.ok_or_else(missing)?,
        previous: placed(row, ["previous_spec", "previous_digest", "previous_format"])?,
        canary,
        shadow: placed(row, ["shadow_spec", "shadow_digest", "shadow_format"])?,
        deployed_at: Timestamp::from_millis(row.try_get("deployed_at")?),
        by_rollback: flag("by_rollback")?,
        forced: Forced { primary: flag("primary_forced")?, canary: flag("canary_forced")? },
        rolled_back: rolled_back.map(|text| json_of("rolled_back", &text)).transpose()?,
    })
}

fn placed(row: &AnyRow, [spec, artifact, format]: [&str; 3]) -> Result<Option<Placed>> {
    let Some(text) = row.try_get::<Option<String>, _>(spec)? else { return Ok(None) };
    let spec = json_of(spec, &text)?;
    Ok(Some(Placed { spec, digest: digest(row, artifact)?, format: row.try_get(format)? }))
}

fn json_of<T: DeserializeOwned>(column: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| RegistryError::Inconsistent(format!("column {column}: {error}")))
}

/// What a deployment's row is to say.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) primary: DeploymentSpec,
    pub(super) previous: Option<DeploymentSpec>,
    pub(super) canary: Option<(u8, DeploymentSpec)>,
    pub(super) shadow: Option<DeploymentSpec>,
    pub(super) deployed_at: Timestamp,
    pub(super) by_rollback: bool,
    pub(super) forced: Forced,
    pub(super) rolled_back: Option<RolledBack>,
}

impl Plan {
    pub(super) fn of(deployment: Deployment) -> Self {
        Self {
            primary: deployment.primary.spec,
            previous: deployment.previous.map(|placed| placed.spec),
            canary: deployment.canary.map(|(percent, placed)| (percent, placed.spec)),
            shadow: deployment.shadow.map(|placed| placed.spec),
            deployed_at: deployment.deployed_at,
            by_rollback: deployment.by_rollback,
            forced: deployment.forced,
            rolled_back: deployment.rolled_back,
        }
    }

    /// What was live before, live again; what is live becomes what was before. Ends a canary and a shadow.
    pub(super) fn back(&self, now: Timestamp) -> Option<Self> {
        Some(Self {
            primary: self.previous.clone()?,
            previous: Some(self.primary.clone()),
            canary: None,
            shadow: None,
            deployed_at: now,
            by_rollback: true,
            forced: Forced::default(),
            rolled_back: None,
        })
    }

    /// What the audit keeps of it.
    pub(super) fn summary(&self) -> Value {
        json!({
            "primary": self.primary,
            "previousVersion": self.previous.as_ref().map(|spec| spec.version),
            "canary": self.canary.as_ref().map(|(percent, spec)| json!({ "percent": percent, "spec": spec })),
            "shadow": self.shadow,
        })
    }
}

/// Makes the plan what should run for a touched model, under the next generation.
pub(super) async fn save(connection: &mut Connection, model: &ModelId, plan: &Plan) -> Result<()> {
    let json = |spec: &DeploymentSpec| json!(spec).to_string();
    let canary = plan.canary.as_ref();
    let generation = next_generation(connection).await?;
    sqlx::query(
        "insert into deployments (model, generation, primary_version, primary_spec, previous_version, previous_spec, \
         canary_version, canary_spec, canary_percent, shadow_version, shadow_spec, deployed_at, \
         by_rollback, rolled_back, primary_forced, canary_forced) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) \
         on conflict (model) do update set generation = excluded.generation, \
         primary_version = excluded.primary_version, primary_spec = excluded.primary_spec, \
         previous_version = excluded.previous_version, previous_spec = excluded.previous_spec, \
         canary_version = excluded.canary_version, canary_spec = excluded.canary_spec, \
         canary_percent = excluded.canary_percent, \
         shadow_version = excluded.shadow_version, shadow_spec = excluded.shadow_spec, \
         deployed_at = excluded.deployed_at, \
         by_rollback = excluded.by_rollback, rolled_back = excluded.rolled_back, \
         primary_forced = excluded.primary_forced, canary_forced = excluded.canary_forced",
    )
    .bind(model.as_str())
    .bind(generation)
    .bind(plan.primary.version)
    .bind(json(&plan.primary))
    .bind(plan.previous.as_ref().map(|spec| spec.version))
    .bind(plan.previous.as_ref().map(json))
    .bind(canary.map(|(_, spec)| spec.version))
    .bind(canary.map(|(_, spec)| json(spec)))
    .bind(canary.map(|(percent, _)| i64::from(*percent)))
    .bind(plan.shadow.as_ref().map(|spec| spec.version))
    .bind(plan.shadow.as_ref().map(json))
    .bind(plan.deployed_at.as_millis())
    .bind(i64::from(plan.by_rollback))
    .bind(plan.rolled_back.as_ref().map(|rolled_back| json!(rolled_back).to_string()))
    .bind(i64::from(plan.forced.primary))
    .bind(i64::from(plan.forced.canary))
    .execute(connection)
    .await?;
    Ok(())
}

/// Counts a change of what should run. Locked to the end of the transaction, so generations are committed in order.
pub(super) async fn next_generation(connection: &mut Connection) -> Result<i64> {
    let generation =
        sqlx::query_scalar("update deployment_generation set value = value + 1 where id = 1 returning value")
            .fetch_one(connection)
            .await?;
    Ok(generation)
}
