//! Files that somebody brings for a custom model: weights, which are a version at once, and what a runner of their own
//! trains with.

use crate::actor::{Actor, storable};
use crate::artifacts::{StagedArtifact, references};
use crate::audit::{Deed, digest};
use crate::database::Write;
use crate::error::{RegistryError, Result};
use crate::models::touch;
use crate::publish::{NewRow, add_version};
use crate::registry::Registry;
use crate::studio::words;
use crate::versions::NewVersion;
use serde_json::json;
use servoir_types::{AssetId, Digest, ModelId, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// The most assets of a model.
const ASSETS_MAX: i64 = 1000;

words! {
    /// What an asset is for.
    AssetType of "type of an asset" {
        Script = "script",
        Weights = "weights",
        Requirements = "requirements",
        Config = "config",
        Other = "other",
    }
}

/// A file of a custom model.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Asset {
    pub id: AssetId,
    pub model: ModelId,
    pub asset_type: AssetType,
    /// The file's name.
    pub name: String,
    pub size_bytes: i64,
    pub digest: Digest,
    /// The version that weights became.
    pub version: Option<i64>,
    pub created_by: String,
    pub created_at: Timestamp,
}

/// What a new asset is made of, beside its bytes.
#[derive(Debug, Clone)]
pub struct NewAsset {
    /// What it is for.
    pub asset_type: AssetType,
    /// The file's name.
    pub name: String,
    /// The version to make of it, when it is weights.
    pub version: Option<NewVersion>,
}

/// An asset's columns, in every statement that gives assets back.
macro_rules! asset_columns {
    () => {
        "id, model, asset_type, name, size_bytes, digest, version, created_by, created_at"
    };
}

impl Registry {
    /// `model.custom_asset_uploaded`: the file, durable in the store, its row, and the version that it becomes; all of it
    /// or nothing.
    pub async fn add_asset(
        &self,
        actor: &Actor,
        model: &ModelId,
        artifact: StagedArtifact,
        new: NewAsset,
    ) -> Result<Asset> {
        storable("name", &new.name)?;
        self.commit_with(vec![artifact.digest()], self.prepare_asset(actor, model, &artifact, new)).await
    }

    async fn prepare_asset(
        &self,
        actor: &Actor,
        model: &ModelId,
        artifact: &StagedArtifact,
        new: NewAsset,
    ) -> Result<(Write, Asset)> {
        self.store().put(artifact).await?;
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        touch(&mut write, actor, model, None, now).await?;
        let count: i64 = sqlx::query_scalar("select count(*) from custom_assets where model = $1")
            .bind(model.as_str())
            .fetch_one(write.connection())
            .await?;
        if count >= ASSETS_MAX {
            return Err(RegistryError::TooManyAssets { max: ASSETS_MAX });
        }
        references::claim_to_use(write.connection(), artifact.digest()).await?;
        let version = match new.version {
            Some(new) => {
                // The asset's use and the version's own.
                references::claim_to_use(write.connection(), artifact.digest()).await?;
                let row = NewRow { model, artifact, new, created_by: &actor.subject, now };
                Some(add_version(&mut write, row).await?.version)
            }
            None => None,
        };
        let asset = Asset {
            id: AssetId::random(),
            model: model.clone(),
            asset_type: new.asset_type,
            name: new.name,
            size_bytes: i64::try_from(artifact.size_bytes()).unwrap_or(i64::MAX),
            digest: artifact.digest(),
            version,
            created_by: actor.subject.clone(),
            created_at: now,
        };
        insert(&mut write, &asset).await?;
        let after = Some(summary(&asset));
        let deed = Deed { action: "model.custom_asset_uploaded", target: model.as_str(), before: None, after };
        write.record(actor, now, deed).await?;
        Ok((write, asset))
    }

    /// A model's assets, oldest first.
    pub async fn assets(&self, model: &ModelId) -> Result<Vec<Asset>> {
        let rows = sqlx::query(concat!(
            "select ",
            asset_columns!(),
            " from custom_assets where model = $1 order by created_at, id"
        ))
        .bind(model.as_str())
        .fetch_all(&mut *self.database().read().await?)
        .await?;
        rows.iter().map(asset).collect()
    }

    /// `model.custom_asset_deleted`. A version that was made of it stays.
    pub async fn delete_asset(&self, actor: &Actor, model: &ModelId, id: &str) -> Result<()> {
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        touch(&mut write, actor, model, None, now).await?;
        let row =
            sqlx::query(concat!("delete from custom_assets where model = $1 and id = $2 returning ", asset_columns!()))
                .bind(model.as_str())
                .bind(id)
                .fetch_optional(write.connection())
                .await?;
        let row = row.ok_or_else(|| RegistryError::NotFound { what: "asset", id: id.to_owned() })?;
        let asset = asset(&row)?;
        references::drop_uses(write.connection(), &mut vec![asset.digest]).await?;
        let before = Some(summary(&asset));
        let deed = Deed { action: "model.custom_asset_deleted", target: model.as_str(), before, after: None };
        write.record(actor, now, deed).await?;
        write.commit().await?;
        self.sweep_released(&[asset.digest]).await;
        Ok(())
    }
}

async fn insert(write: &mut Write, asset: &Asset) -> Result<()> {
    sqlx::query(
        "insert into custom_assets (id, model, asset_type, name, size_bytes, digest, version, created_by, created_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(asset.id.as_str())
    .bind(asset.model.as_str())
    .bind(asset.asset_type.text())
    .bind(&asset.name)
    .bind(asset.size_bytes)
    .bind(asset.digest.to_hex())
    .bind(asset.version)
    .bind(&asset.created_by)
    .bind(asset.created_at.as_millis())
    .execute(write.connection())
    .await?;
    Ok(())
}

fn summary(asset: &Asset) -> serde_json::Value {
    json!({
        "assetId": asset.id, "assetType": asset.asset_type.text(), "name": asset.name,
        "sizeBytes": asset.size_bytes, "sha256": asset.digest, "version": asset.version,
    })
}

fn asset(row: &AnyRow) -> Result<Asset> {
    Ok(Asset {
        id: AssetId::from_text(row.try_get::<String, _>("id")?),
        model: ModelId::from_text(row.try_get::<String, _>("model")?),
        asset_type: AssetType::from_text(&row.try_get::<String, _>("asset_type")?)?,
        name: row.try_get("name")?,
        size_bytes: row.try_get("size_bytes")?,
        digest: digest(row, "digest")?,
        version: row.try_get("version")?,
        created_by: row.try_get("created_by")?,
        created_at: Timestamp::from_millis(row.try_get("created_at")?),
    })
}
