//! What exists and what should run: models, versions, deployments, keys and audit in SQL (SQLite or PostgreSQL, one text
//! for both), artifacts in a content-addressed store (local files or S3).
//!
//! Every write takes an [`Actor`] and leaves one audit entry in the same transaction. Reads and writes are scoped to an
//! organization: another organization's object is not found.

use bytes::Bytes;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};
use servoir_types::{Digest, Kind, ModelId, Name, Secret, Signature, Timestamp};
use std::ops::Range;
use std::path::PathBuf;
use tokio::sync::watch;

/// Where things are kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// `sqlite:PATH` or `postgres://…`.
    pub database_url: Secret,
    /// Connections that may be open.
    pub connections_max: u32,
    /// How long a query may wait for a connection before the database counts as away.
    pub acquire_timeout_seconds: u64,
    /// `file:///DIR` or `s3://BUCKET/PREFIX`; S3 credentials, region and endpoint come in `s3`.
    pub artifacts_url: String,
    /// Key–value options for an S3-compatible store, as `object_store` names them (`aws_endpoint`, `aws_region`, …).
    pub s3: Vec<(String, Secret)>,
    /// URL prefixes that `artifactUri` may point into (`file:///DIR/` or `s3://BUCKET/PREFIX/`). Empty: none.
    pub import_sources: Vec<String>,
    /// Local folder for uploads under way and for copies of remote artifacts.
    pub scratch_dir: PathBuf,
    /// How old an artifact that no version refers to must be before it is swept away.
    pub sweep_grace_seconds: u64,
}

/// The registry. Cheap to clone.
#[derive(Clone)]
pub struct Registry(());

/// What a registry call can fail with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum RegistryError {
    /// No such object in this organization. `what` is `model`, `version`, `api-key`, `deployment`.
    #[error("no {what} '{id}'")]
    NotFound { what: &'static str, id: String },
    #[error("a model named '{0}' exists already")]
    NameTaken(Name),
    #[error("model '{0}' is deployed; undeploy it first")]
    ModelDeployed(ModelId),
    #[error("version {version} of model '{model}' is deployed; deploy another or undeploy it first")]
    VersionDeployed { model: ModelId, version: i64 },
    #[error("model '{0}' is archived; unarchive it first")]
    ModelArchived(ModelId),
    #[error("model '{0}' is not archived")]
    NotArchived(ModelId),
    #[error("model '{0}' is not deployed")]
    NotDeployed(ModelId),
    #[error("model '{0}' has no earlier deployment to go back to")]
    NothingToRollBack(ModelId),
    #[error("version {version} of model '{model}' is {state}, not ready")]
    VersionNotReady { model: ModelId, version: i64, state: &'static str },
    #[error("the object has changed since it was read: it is at revision {current}")]
    Stale { current: i64 },
    #[error("the artifact is larger than {limit_bytes} bytes")]
    TooLarge { limit_bytes: u64 },
    #[error("'{uri}' is not in an allowed store: {reason}")]
    SourceRefused { uri: String, reason: String },
    #[error("the stored artifact {digest} is damaged: its bytes have the digest {found}")]
    Corrupt { digest: Digest, found: Digest },
    /// The database is away or busy beyond its time limit.
    #[error("the registry's database is unavailable: {0}")]
    Database(String),
    /// The artifact store, or the local disk, failed.
    #[error("the artifact store failed: {0}")]
    Store(String),
    /// A row or migration that this code cannot have written.
    #[error("the registry's data is inconsistent: {0}")]
    Inconsistent(String),
}

impl RegistryError {
    /// The kind, for status codes.
    pub fn kind(&self) -> Kind {
        unimplemented!()
    }
    /// The stable kebab-case code, such as `model-deployed`, `not-found`, `name-taken`.
    pub fn code(&self) -> &'static str {
        unimplemented!()
    }
}

type Result<T, E = RegistryError> = std::result::Result<T, E>;

/// Who does something, for tenancy and for the audit.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The organization whose objects are meant.
    pub organization: String,
    /// Who: a key's id, a JWT's `sub`, or `system`.
    pub subject: String,
    /// By what: `api-key:<id>`, `jwt`, `bootstrap`, `none`, `system`.
    pub credential: String,
    /// From where, when it came over the network.
    pub address: Option<String>,
    /// The request that it was part of.
    pub request_id: String,
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// How many there are in all.
    pub total: i64,
    /// This page's.
    pub items: Vec<T>,
}

/// Which part of a list.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// At most so many.
    pub limit: i64,
    /// After so many.
    pub offset: i64,
}

/// A registered model.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct Model {
    pub id: ModelId,
    pub organization: String,
    pub workspace: Option<String>,
    pub name: Name,
    pub description: String,
    pub owner: String,
    /// One of the API's frameworks, checked at the door.
    pub framework: String,
    /// One of the API's sources, checked at the door.
    pub source: String,
    pub tags: Vec<String>,
    /// 0 when there is none.
    pub latest_version: i64,
    pub archived: bool,
    pub deployed: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Grows by one with each change of the model, its versions or its deployment: the `ETag`.
    pub revision: i64,
}

/// What a new model is made of.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct NewModel {
    pub name: Name,
    pub description: String,
    pub framework: String,
    pub source: String,
    pub tags: Vec<String>,
    pub workspace: Option<String>,
}

/// What of a model is to change; `None` stays.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs)]
pub struct ModelChange {
    pub name: Option<Name>,
    pub description: Option<String>,
    pub tags: Option<Vec<String>>,
}

/// Which models, in which order.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct ModelFilter {
    /// In name or description, whatever the case; `%` and `_` mean themselves.
    pub search: Option<String>,
    pub framework: Option<String>,
    pub source: Option<String>,
    pub status: Option<ModelStatus>,
    pub tag: Option<String>,
    pub workspace: Option<String>,
    pub sort: SortField,
    pub descending: bool,
    pub window: Window,
}

/// A model's state as lists show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ModelStatus {
    Registered,
    Deployed,
    Archived,
}

/// What a list of models can be ordered by; ties are broken by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum SortField {
    Name,
    CreatedAt,
    UpdatedAt,
    Status,
}

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

/// What a new version is made of, beside its artifact.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct NewVersion {
    pub description: String,
    pub metrics: serde_json::Map<String, serde_json::Value>,
    pub format: String,
    pub signature: Option<Signature>,
}

/// An upload under way: bytes go to a file in the scratch folder and through SHA-256. Dropped unfinished, it leaves nothing.
pub struct Upload(());

impl Upload {
    /// Takes the next bytes.
    pub async fn write(&mut self, _bytes: &[u8]) -> Result<()> {
        unimplemented!()
    }
    /// No more bytes: what came is whole.
    pub async fn finish(self) -> Result<StagedArtifact> {
        unimplemented!()
    }
}

/// A whole artifact on the local disk that is not yet published. Dropped, it is removed.
pub struct StagedArtifact(());

impl StagedArtifact {
    /// Where it lies, for inspection.
    pub fn path(&self) -> &std::path::Path {
        unimplemented!()
    }
    /// SHA-256 of its bytes.
    pub fn digest(&self) -> Digest {
        unimplemented!()
    }
    /// Its length.
    pub fn size_bytes(&self) -> u64 {
        unimplemented!()
    }
}

/// An artifact's bytes going out.
pub struct ArtifactBytes {
    /// The whole artifact's length.
    pub size_bytes: u64,
    /// Which bytes these are.
    pub range: Range<u64>,
    /// The bytes.
    pub stream: BoxStream<'static, std::io::Result<Bytes>>,
}

/// How a version is to be served.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentSpec {
    /// Which version.
    pub version: i64,
    /// `auto`, `cpu`, or a profile id of `GET /hardware`.
    pub hardware: String,
    /// Instances of the model.
    pub replicas: u32,
    /// As the API takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaling: Option<Autoscaling>,
    /// The most rows that run together; `None`: chosen by the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_batch_size: Option<u32>,
    /// How long a request may wait for company, in milliseconds.
    #[serde(default)]
    pub max_queue_delay_ms: f64,
    /// The latency that the deployment should keep to, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_target_ms: Option<f64>,
}

/// Bounds for the number of instances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub struct Autoscaling {
    pub enabled: bool,
    pub min_replicas: u32,
    pub max_replicas: u32,
    /// Per cent.
    pub target_cpu_utilization: f64,
}

/// How a new version comes in.
#[derive(Debug, Clone, PartialEq)]
pub enum Strategy {
    /// All requests at once; ends a canary and a shadow.
    Swap,
    /// This share of the requests, in per cent from 1 to 99, beside what is live.
    Canary(u8),
    /// A copy of the requests; answers thrown away.
    Shadow,
}

/// What should be running for a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployment {
    /// The model.
    pub model: ModelId,
    /// Its organization.
    pub organization: String,
    /// Its name now.
    pub name: Name,
    /// Grows with each change of what should run, over all models.
    pub generation: i64,
    /// What answers, and its artifact.
    pub primary: Placed,
    /// What was live before, for a rollback.
    pub previous: Option<Placed>,
    /// A share of the requests, in per cent.
    pub canary: Option<(u8, Placed)>,
    /// A copy of the requests.
    pub shadow: Option<Placed>,
    /// When the primary became it.
    pub deployed_at: Timestamp,
}

/// A deployment's version with what is needed to load it.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// How.
    pub spec: DeploymentSpec,
    /// What.
    pub digest: Digest,
    /// The artifact's format.
    pub format: String,
}

/// How far a node has come with a model.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct NodeState {
    pub node: String,
    pub model: ModelId,
    /// The generation that it has reached.
    pub generation: i64,
    /// `deploying`, `ready`, `degraded` or `failed`.
    pub state: String,
    pub reason: Option<String>,
    pub engine: Option<String>,
    pub updated_at: Timestamp,
}

/// An API key as lists show it: never its secret.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct ApiKey {
    pub id: String,
    pub organization: String,
    pub name: String,
    /// The key's first characters, by which a person knows it again.
    pub prefix: String,
    pub scopes: Vec<String>,
    pub created_by: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
}

/// Which keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum KeyStatus {
    Active,
    Revoked,
    Expired,
}

/// What a new key is made of.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct NewKey {
    pub name: String,
    pub scopes: Vec<String>,
    pub expires_at: Option<Timestamp>,
}

/// What is needed to recognise a key that came with a request: the hash, never the key.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct KeyCredential {
    pub id: String,
    pub organization: String,
    pub scopes: Vec<String>,
    /// SHA-256 of the whole key.
    pub hash: Digest,
    pub expires_at: Option<Timestamp>,
}

/// One thing that was done.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct AuditEntry {
    pub sequence: i64,
    pub at: Timestamp,
    pub organization: String,
    pub actor: String,
    pub credential: String,
    pub address: Option<String>,
    /// `model.created`, `model.deployed`, `api_key.revoked`, …
    pub action: String,
    /// The object that it was done to.
    pub target: String,
    pub before: Option<serde_json::Value>,
    pub after: Option<serde_json::Value>,
    pub request_id: String,
}

/// What a check of the audit's hash chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum AuditVerdict {
    Intact {
        entries: i64,
    },
    /// The first entry that does not follow from the one before it.
    Broken {
        sequence: i64,
        reason: String,
    },
}

/// An answer kept for a repeat of the same request.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct StoredAnswer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What an idempotency key stands for.
#[derive(Debug, Clone, PartialEq)]
pub enum Idempotency {
    /// New: go on, then keep the answer or abandon.
    New,
    /// The same request is being worked on.
    InProgress,
    /// Done before: this was the answer.
    Done(StoredAnswer),
    /// The key was used for another request.
    Mismatch,
}

impl Registry {
    /// Connects, migrates, and sweeps what a killed process left in the scratch folder.
    pub async fn open(_options: Options) -> Result<Self> {
        unimplemented!()
    }
    /// Ticks after every committed change of models, deployments or keys, of this node or (on PostgreSQL) any other.
    pub fn changes(&self) -> watch::Receiver<u64> {
        unimplemented!()
    }
    /// Whether the database answers.
    pub async fn ping_database(&self) -> Result<()> {
        unimplemented!()
    }
    /// Whether the artifact store answers.
    pub async fn ping_store(&self) -> Result<()> {
        unimplemented!()
    }
    /// Whether several nodes can share this registry (PostgreSQL) or not (SQLite).
    pub fn is_shared(&self) -> bool {
        unimplemented!()
    }

    /// `model.created`.
    pub async fn create_model(&self, _actor: &Actor, _new: NewModel) -> Result<Model> {
        unimplemented!()
    }
    /// A page of an organization's models.
    pub async fn models(&self, _organization: &str, _filter: &ModelFilter) -> Result<Page<Model>> {
        unimplemented!()
    }
    /// One model, by id or name.
    pub async fn model(&self, _organization: &str, _id_or_name: &str) -> Result<Model> {
        unimplemented!()
    }
    /// `model.updated`. `if_revision`: only when the model is at that revision.
    pub async fn update_model(
        &self,
        _actor: &Actor,
        _id: &ModelId,
        _change: ModelChange,
        _if_revision: Option<i64>,
    ) -> Result<Model> {
        unimplemented!()
    }
    /// `model.deleted`: with its versions, and with artifacts that nothing else refers to.
    pub async fn delete_model(&self, _actor: &Actor, _id: &ModelId, _if_revision: Option<i64>) -> Result<()> {
        unimplemented!()
    }
    /// `model.archived` or `model.unarchived`.
    pub async fn set_archived(&self, _actor: &Actor, _id: &ModelId, _archived: bool) -> Result<Model> {
        unimplemented!()
    }

    /// Begins an upload of at most `limit_bytes`.
    pub async fn begin_upload(&self, _limit_bytes: u64) -> Result<Upload> {
        unimplemented!()
    }
    /// Copies an artifact of at most `limit_bytes` from an allowed store to the scratch folder. `servoir://sha256/<hex>`
    /// stands for an artifact that a version of the same organization has already.
    pub async fn import(&self, _organization: &str, _uri: &str, _limit_bytes: u64) -> Result<StagedArtifact> {
        unimplemented!()
    }
    /// `model.version_created`: the artifact, durable in the store, and its row, ready; both or neither.
    pub async fn publish(
        &self,
        _actor: &Actor,
        _model: &ModelId,
        _artifact: StagedArtifact,
        _new: NewVersion,
    ) -> Result<Version> {
        unimplemented!()
    }
    /// A page of a model's versions, newest first.
    pub async fn versions(&self, _organization: &str, _model: &ModelId, _window: Window) -> Result<Page<Version>> {
        unimplemented!()
    }
    /// One version.
    pub async fn version(&self, _organization: &str, _model: &ModelId, _version: i64) -> Result<Version> {
        unimplemented!()
    }
    /// `model.version_deleted`.
    pub async fn delete_version(&self, _actor: &Actor, _model: &ModelId, _version: i64) -> Result<()> {
        unimplemented!()
    }
    /// The bytes of an artifact, or a part of them.
    pub async fn read_artifact(&self, _digest: Digest, _range: Option<Range<u64>>) -> Result<ArtifactBytes> {
        unimplemented!()
    }
    /// A local file with the artifact's bytes, their digest checked now.
    pub async fn fetch_artifact(&self, _digest: Digest) -> Result<PathBuf> {
        unimplemented!()
    }
    /// Removes artifacts that no version refers to and that are older than the grace time. Says how many.
    pub async fn sweep(&self) -> Result<u64> {
        unimplemented!()
    }

    /// `model.deployed`: this is what should run from now on. The version must be ready and the model not archived.
    pub async fn deploy(
        &self,
        _actor: &Actor,
        _model: &ModelId,
        _spec: DeploymentSpec,
        _strategy: Strategy,
    ) -> Result<Deployment> {
        unimplemented!()
    }
    /// `model.rolled_back`: what was live before is live again, and what is live becomes what was before; ends a canary and a shadow.
    pub async fn rollback(&self, _actor: &Actor, _model: &ModelId) -> Result<Deployment> {
        unimplemented!()
    }
    /// `model.undeployed`.
    pub async fn undeploy(&self, _actor: &Actor, _model: &ModelId) -> Result<()> {
        unimplemented!()
    }
    /// What should run for a model, if anything.
    pub async fn deployment(&self, _model: &ModelId) -> Result<Option<Deployment>> {
        unimplemented!()
    }
    /// What should run, over all organizations.
    pub async fn deployments(&self) -> Result<Vec<Deployment>> {
        unimplemented!()
    }
    /// Says how far this node has come with a model.
    pub async fn report_node(&self, _state: NodeState) -> Result<()> {
        unimplemented!()
    }
    /// What nodes said of a model since `since`.
    pub async fn node_states(&self, _model: &ModelId, _since: Timestamp) -> Result<Vec<NodeState>> {
        unimplemented!()
    }
    /// This node goes: what it said is forgotten.
    pub async fn forget_node(&self, _node: &str) -> Result<()> {
        unimplemented!()
    }

    /// `api_key.created`: the key itself, shown once, beside its row.
    pub async fn create_key(&self, _actor: &Actor, _new: NewKey) -> Result<(ApiKey, Secret)> {
        unimplemented!()
    }
    /// A page of an organization's keys, newest first.
    pub async fn keys(&self, _organization: &str, _status: Option<KeyStatus>, _window: Window) -> Result<Page<ApiKey>> {
        unimplemented!()
    }
    /// One key.
    pub async fn key(&self, _organization: &str, _id: &str) -> Result<ApiKey> {
        unimplemented!()
    }
    /// `api_key.revoked`. Revoking again changes nothing.
    pub async fn revoke_key(&self, _actor: &Actor, _id: &str) -> Result<()> {
        unimplemented!()
    }
    /// All keys that are neither revoked nor expired, over all organizations.
    pub async fn key_credentials(&self) -> Result<Vec<KeyCredential>> {
        unimplemented!()
    }
    /// Notes when keys were last used.
    pub async fn touch_keys(&self, _used: &[(String, Timestamp)]) -> Result<()> {
        unimplemented!()
    }
    /// On a database without any key: keeps `provided`, or makes one and gives it back to be shown once. Scope `*`,
    /// organization `default`. On any other: nothing.
    pub async fn bootstrap_key(&self, _provided: Option<Secret>) -> Result<Option<Secret>> {
        unimplemented!()
    }

    /// A page of an organization's audit entries, newest first; `target` limits it to one object.
    pub async fn audit(&self, _organization: &str, _target: Option<&str>, _window: Window) -> Result<Page<AuditEntry>> {
        unimplemented!()
    }
    /// Walks the whole hash chain.
    pub async fn verify_audit(&self) -> Result<AuditVerdict> {
        unimplemented!()
    }

    /// Takes an idempotency key for a request; `caller` is organization and subject, `fingerprint` tells one request from another.
    pub async fn begin_idempotent(&self, _caller: &str, _key: &str, _fingerprint: Digest) -> Result<Idempotency> {
        unimplemented!()
    }
    /// Keeps the answer for 24 h.
    pub async fn finish_idempotent(&self, _caller: &str, _key: &str, _answer: StoredAnswer) -> Result<()> {
        unimplemented!()
    }
    /// The request did not come to an answer worth keeping (5xx): the key is free again.
    pub async fn abandon_idempotent(&self, _caller: &str, _key: &str) -> Result<()> {
        unimplemented!()
    }
    /// Closes the pool after what is under way.
    pub async fn close(&self) {
        unimplemented!()
    }
}
