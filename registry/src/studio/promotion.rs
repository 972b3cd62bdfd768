//! Which version of a model is its best.

use crate::actor::Actor;
use crate::audit::Deed;
use crate::database::Write;
use crate::deployments::require_ready;
use crate::error::{RegistryError, Result};
use crate::models::touch;
use crate::registry::Registry;
use serde_json::{Value, json};
use servoir_types::{ModelId, Timestamp, VersionId};
use sqlx::Row as _;

impl Registry {
    /// `model.version_promoted`, for a model that is not deployed. A deployed one is promoted by a swap
    /// ([`crate::Strategy::Promotion`]), so that what is live and what is promoted change together.
    pub async fn promote(&self, actor: &Actor, model: &ModelId, version: i64) -> Result<()> {
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        let touched = touch(&mut write, actor, model, None, now).await?;
        if touched.archived {
            return Err(RegistryError::ModelArchived(model.clone()));
        }
        // Somebody has deployed it since the caller looked: promoting alone would leave the old version live.
        if touched.deployed {
            return Err(RegistryError::ModelDeployed(model.clone()));
        }
        require_ready(&mut write, model, version).await?;
        let (before, after) = set_promoted(&mut write, model, version).await?;
        let deed = Deed {
            action: "model.version_promoted",
            target: model.as_str(),
            before: Some(json!({ "promoted": before })),
            after: Some(json!({ "promoted": after })),
        };
        write.record(actor, now, deed).await?;
        write.commit().await
    }
}

/// Makes a version of a touched model its best. Gives the ids of the one that was and the one that is.
pub(crate) async fn set_promoted(write: &mut Write, model: &ModelId, version: i64) -> Result<(Value, Value)> {
    let id = |number: i64| VersionId { model: model.clone(), number }.to_string();
    let row = sqlx::query("select promoted_version from studio_models where model = $1")
        .bind(model.as_str())
        .fetch_one(write.connection())
        .await?;
    let before: Option<i64> = row.try_get("promoted_version")?;
    sqlx::query("update studio_models set promoted_version = $2 where model = $1")
        .bind(model.as_str())
        .bind(version)
        .execute(write.connection())
        .await?;
    Ok((json!(before.map(id)), json!(id(version))))
}
