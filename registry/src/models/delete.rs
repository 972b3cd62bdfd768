//! Deleting a model with all that belongs to it.

use super::{delete_tags, summary, touch};
use crate::actor::Actor;
use crate::artifacts::references;
use crate::audit::{Deed, digest};
use crate::database::Write;
use crate::error::{RegistryError, Result};
use crate::registry::Registry;
use crate::studio;
use servoir_types::{Digest, ModelId, Timestamp};

impl Registry {
    /// `model.deleted`: with its versions, runs and assets, and with artifacts that nothing else refers to. A model that is
    /// being trained stays, unless `force`: then its run is gone too, and whoever works on it finds that out.
    pub async fn delete_model(&self, actor: &Actor, id: &ModelId, if_revision: Option<i64>, force: bool) -> Result<()> {
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        let model = touch(&mut write, actor, id, if_revision, now).await?;
        if model.deployed {
            return Err(RegistryError::ModelDeployed(model.id));
        }
        if !force {
            studio::refuse_while_training(&mut write, id).await?;
        }
        let digests = drop_artifacts(&mut write, id).await?;
        sqlx::query("delete from node_states where model = $1").bind(id.as_str()).execute(write.connection()).await?;
        delete_tags(write.connection(), id).await?;
        sqlx::query("delete from models where id = $1").bind(id.as_str()).execute(write.connection()).await?;
        let deed = Deed { action: "model.deleted", target: id.as_str(), before: Some(summary(&model)), after: None };
        write.record(actor, now, deed).await?;
        write.commit().await?;
        self.sweep_released(&digests).await;
        Ok(())
    }
}

/// Deletes the rows of a touched model that use artifacts. Gives back the artifacts that they used.
async fn drop_artifacts(write: &mut Write, id: &ModelId) -> Result<Vec<Digest>> {
    let mut digests = Vec::new();
    for statement in [
        "delete from version_files where model = $1 returning digest",
        "delete from custom_assets where model = $1 returning digest",
        "delete from versions where model = $1 returning digest",
    ] {
        let rows = sqlx::query(statement).bind(id.as_str()).fetch_all(write.connection()).await?;
        for row in &rows {
            digests.push(digest(row, "digest")?);
        }
    }
    references::drop_uses(write.connection(), &mut digests).await?;
    Ok(digests)
}
