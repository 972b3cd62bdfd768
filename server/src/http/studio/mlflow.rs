//! Models as MLflow's REST API shows them (`registered-models/get`, MLflow 2 and 3): times are milliseconds, versions are
//! texts, tags are pairs.

use serde::Serialize;
use servoir_registry::{StudioModel, Version, VersionState};
use utoipa::ToSchema;

/// The alias of the promoted version.
const PROMOTED: &str = "champion";

/// What `registered-models/get` answers.
#[derive(Debug, Serialize, ToSchema)]
pub struct MlflowModel {
    registered_model: MlflowRegisteredModel,
}

/// A registered model.
#[derive(Debug, Serialize, ToSchema)]
pub struct MlflowRegisteredModel {
    name: String,
    creation_timestamp: i64,
    last_updated_timestamp: i64,
    user_id: String,
    description: String,
    /// The newest 100, newest first.
    latest_versions: Vec<MlflowVersion>,
    tags: Vec<MlflowTag>,
    /// `champion` is the promoted version.
    aliases: Vec<MlflowAlias>,
}

/// A version of a registered model.
#[derive(Debug, Serialize, ToSchema)]
pub struct MlflowVersion {
    name: String,
    version: String,
    creation_timestamp: i64,
    last_updated_timestamp: i64,
    user_id: String,
    /// `Production` for the promoted version; MLflow's stages are out of use, its clients still read them.
    current_stage: &'static str,
    description: String,
    /// Where the artifact is: `servoir://sha256/…`.
    source: String,
    run_id: String,
    /// `READY`, `PENDING_REGISTRATION` or `FAILED_REGISTRATION`.
    status: &'static str,
    status_message: String,
    tags: Vec<MlflowTag>,
    aliases: Vec<String>,
}

/// A tag.
#[derive(Debug, Serialize, ToSchema)]
pub struct MlflowTag {
    key: String,
    value: String,
}

/// Another name of a version.
#[derive(Debug, Serialize, ToSchema)]
pub struct MlflowAlias {
    alias: String,
    version: String,
}

impl MlflowModel {
    /// A model with these versions.
    pub fn of(studio: StudioModel, versions: Vec<Version>) -> Self {
        let promoted = studio.promoted_version;
        let alias = |number: i64| MlflowAlias { alias: PROMOTED.to_owned(), version: number.to_string() };
        let model = studio.model;
        let name = model.name.to_string();
        let latest_versions = versions.into_iter().map(|version| MlflowVersion::of(&name, promoted, version)).collect();
        let registered_model = MlflowRegisteredModel {
            latest_versions,
            name,
            creation_timestamp: model.created_at.as_millis(),
            last_updated_timestamp: model.updated_at.as_millis(),
            user_id: model.owner,
            description: model.description,
            tags: model.tags.into_iter().map(|tag| MlflowTag { key: tag, value: String::new() }).collect(),
            aliases: promoted.map(alias).into_iter().collect(),
        };
        Self { registered_model }
    }
}

impl MlflowVersion {
    fn of(name: &str, promoted: Option<i64>, version: Version) -> Self {
        let is_promoted = promoted == Some(version.version);
        let tag = |key: &str, value: String| MlflowTag { key: key.to_owned(), value };
        Self {
            name: name.to_owned(),
            version: version.version.to_string(),
            creation_timestamp: version.created_at.as_millis(),
            last_updated_timestamp: version.created_at.as_millis(),
            user_id: version.created_by,
            current_stage: if is_promoted { "Production" } else { "None" },
            description: version.description,
            source: format!("servoir://sha256/{}", version.digest),
            run_id: String::new(),
            status: match version.state {
                VersionState::Ready => "READY",
                VersionState::Pending => "PENDING_REGISTRATION",
                VersionState::Rejected => "FAILED_REGISTRATION",
            },
            status_message: version.reason.unwrap_or_default(),
            tags: vec![tag("format", version.format), tag("sha256", version.digest.to_hex())],
            aliases: is_promoted.then(|| PROMOTED.to_owned()).into_iter().collect(),
        }
    }
}
