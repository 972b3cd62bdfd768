//! Models and versions as the API shows them.

use super::choices::{framework_schema, source_schema, status_of, status_schema};
use super::deployment_view::Deployment;
use serde::Serialize;
use serde_json::{Map, Value};
use servoir_registry as registry;
use servoir_types::{Label, Role, TensorSpec, Timestamp};
use utoipa::ToSchema;

/// A registered model.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegisteredModel {
    /// `model_` and 16 characters of `[a-z0-9]`.
    #[schema(example = "model_k3v9w0q2m5xz7c1b")]
    pub id: String,
    pub name: String,
    pub description: String,
    /// Who registered it: a key's id or a token's subject.
    pub owner: String,
    pub organization_id: String,
    #[schema(required)]
    pub workspace_id: Option<String>,
    #[schema(schema_with = framework_schema)]
    pub framework: String,
    #[schema(schema_with = source_schema)]
    pub source: String,
    /// 0 when there is none.
    #[schema(minimum = 0)]
    pub latest_version: i64,
    /// The newest 100, newest first; items of a list leave it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub versions: Option<Vec<Version>>,
    pub tags: Vec<String>,
    #[schema(schema_with = status_schema)]
    pub status: &'static str,
    /// What should run and what does, `null` when nothing should; items of a list leave it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Deployment>)]
    pub deployment: Option<Option<Deployment>>,
    /// Always false: a deleted model is not found.
    pub deleted: bool,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl RegisteredModel {
    /// A model as an item of a list.
    pub fn item(model: registry::Model) -> Self {
        Self {
            status: status_of(&model),
            id: model.id.to_string(),
            name: model.name.to_string(),
            description: model.description,
            owner: model.owner,
            organization_id: model.organization,
            workspace_id: model.workspace,
            framework: model.framework,
            source: model.source,
            latest_version: model.latest_version,
            versions: None,
            tags: model.tags,
            deployment: None,
            deleted: false,
            created_at: model.created_at,
            updated_at: model.updated_at,
        }
    }

    /// A model as a whole.
    pub fn whole(model: registry::Model, versions: Vec<Version>, deployment: Option<Deployment>) -> Self {
        Self { versions: Some(versions), deployment: Some(deployment), ..Self::item(model) }
    }
}

/// A page of models.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelList {
    /// How many match in all.
    pub count: i64,
    pub limit: i64,
    pub offset: i64,
    pub models: Vec<RegisteredModel>,
}

/// What the registration of a model answers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedModel {
    pub id: String,
    pub name: String,
    #[schema(schema_with = framework_schema)]
    pub framework: String,
    #[schema(schema_with = status_schema)]
    pub status: &'static str,
    pub latest_version: i64,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl From<registry::Model> for CreatedModel {
    fn from(model: registry::Model) -> Self {
        Self {
            status: status_of(&model),
            id: model.id.to_string(),
            name: model.name.to_string(),
            framework: model.framework,
            latest_version: model.latest_version,
            created_at: model.created_at,
        }
    }
}

/// An immutable version of a model.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// 1, 2, …
    #[schema(minimum = 1)]
    pub version: i64,
    pub description: String,
    /// As they were given.
    #[schema(value_type = Object)]
    pub metrics: Map<String, Value>,
    /// `servoir://sha256/` and the artifact's digest; `artifactUri` of a new version takes it.
    pub artifact_uri: String,
    /// What the artifact turned out to be: `onnx`, `xgboost-json`, `xgboost-ubj`, `lightgbm-text`.
    pub format: String,
    pub size_bytes: i64,
    /// 64 hexadecimal digits.
    pub sha256: String,
    /// What the model takes and gives, `null` where the format does not tell.
    #[schema(required)]
    pub signature: Option<Signature>,
    /// `pending`, `ready` or `rejected`.
    pub state: &'static str,
    /// Why it was rejected.
    #[schema(required)]
    pub reason: Option<String>,
    /// Who published it.
    pub created_by: String,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl From<registry::Version> for Version {
    fn from(version: registry::Version) -> Self {
        Self {
            version: version.version,
            description: version.description,
            metrics: version.metrics,
            artifact_uri: format!("servoir://sha256/{}", version.digest),
            format: version.format,
            size_bytes: version.size_bytes,
            sha256: version.digest.to_hex(),
            signature: version.signature.map(Signature::from),
            state: match version.state {
                registry::VersionState::Pending => "pending",
                registry::VersionState::Ready => "ready",
                registry::VersionState::Rejected => "rejected",
            },
            reason: version.reason,
            created_by: version.created_by,
            created_at: version.created_at,
        }
    }
}

/// A page of versions, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionList {
    /// How many there are in all.
    pub count: i64,
    pub limit: i64,
    pub offset: i64,
    pub versions: Vec<Version>,
}

/// What a model takes and gives.
#[derive(Debug, Serialize, ToSchema)]
pub struct Signature {
    pub inputs: Vec<Tensor>,
    pub outputs: Vec<Tensor>,
}

impl From<servoir_types::Signature> for Signature {
    fn from(signature: servoir_types::Signature) -> Self {
        let tensors = |specs: Vec<TensorSpec>| specs.into_iter().map(Tensor::from).collect();
        Self { inputs: tensors(signature.inputs), outputs: tensors(signature.outputs) }
    }
}

/// An input or output of a model.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tensor {
    pub name: String,
    /// `FP32`, `INT64`, `BYTES`, …
    pub datatype: &'static str,
    /// -1 is a free dimension; `null`: any rank.
    #[schema(required)]
    pub shape: Option<Vec<i64>>,
    /// Names of the columns of a `[rows, features]` input, when the model carries them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature_names: Option<Vec<String>>,
    /// Whether NaN stands for a missing value that the model knows how to handle.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub accepts_missing: bool,
    /// `label` or `probabilities`, when the model tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<&'static str>,
    /// The class of each column of the probabilities: texts or whole numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<Value>>,
}

impl From<TensorSpec> for Tensor {
    fn from(spec: TensorSpec) -> Self {
        let class = |label| match label {
            Label::Int(number) => Value::from(number),
            Label::Text(text) => Value::from(text),
        };
        Self {
            name: spec.name,
            datatype: spec.datatype.name(),
            shape: spec.shape.dims().map(<[i64]>::to_vec),
            feature_names: spec.feature_names,
            accepts_missing: spec.accepts_missing,
            role: spec.role.map(|role| match role {
                Role::Label => "label",
                Role::Probabilities => "probabilities",
            }),
            classes: spec.classes.map(|classes| classes.into_iter().map(class).collect()),
        }
    }
}
