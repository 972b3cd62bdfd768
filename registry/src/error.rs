//! What a registry call can fail with.

use servoir_types::{BreakingChange, DatasetId, Digest, Kind, ModelId, Name, RunId};
use std::io;
use std::path::PathBuf;

/// The result of a registry call.
pub(crate) type Result<T, E = RegistryError> = std::result::Result<T, E>;

/// What a registry call can fail with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)] // each message says it
pub enum RegistryError {
    /// No such object in this organization. `what` is `model`, `version`, `api-key`, `collaborator`, ….
    #[error("no {what} '{id}'")]
    NotFound { what: &'static str, id: String },
    #[error("a model named '{0}' exists already")]
    NameTaken(Name),
    #[error("a dataset named '{0}' exists already")]
    DatasetNameTaken(Name),
    #[error("dataset '{id}' is linked to models ('{models}'); unlink it first")]
    DatasetLinked { id: DatasetId, models: String },
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
    #[error("version {version} of model '{model}' was not trained here: there is no configuration to restore")]
    NotTrained { model: ModelId, version: i64 },
    #[error("'{0}' is a collaborator already; change the role instead")]
    CollaboratorExists(String),
    #[error("'{0}' owns the model: a model has one owner, who stays")]
    OwnerStays(String),
    #[error("the model has {max} collaborators, and no model has more")]
    TooManyCollaborators { max: i64 },
    #[error("the model has {max} files, which is the most; delete one first")]
    TooManyAssets { max: i64 },
    #[error("version {version} has {max} baselines, and no version has more")]
    TooManyBaselines { version: i64, max: i64 },
    #[error(
        "version {next} would break who calls version {live}, which is live: {}; force it to put it live all the same",
        listed(.changes)
    )]
    SwapRefused { live: i64, next: i64, changes: Vec<BreakingChange> },
    #[error("version {version} of model '{model}' is {state}, not ready")]
    VersionNotReady { model: ModelId, version: i64, state: &'static str },
    #[error("model '{0}' has a run under way; wait for its end, or cancel it")]
    RunInProgress(ModelId),
    #[error("the dataset lacks columns that the model's configuration names: {}", .0.join(", "))]
    ColumnsMissing(Vec<String>),
    #[error("alert '{0}' is over; there is nothing to acknowledge")]
    AlertCleared(String),
    #[error("run '{run}' has ended: it is {status}")]
    RunEnded { run: RunId, status: String },
    #[error("model '{0}' has no dataset to learn from; link one first")]
    NoDataset(ModelId),
    #[error("the object has changed since it was read: it is at revision {current}")]
    Stale { current: i64 },
    #[error("the artifact is larger than {limit_bytes} bytes")]
    TooLarge { limit_bytes: u64 },
    #[error("'{uri}' is not in an allowed store: {reason}")]
    SourceRefused { uri: String, reason: String },
    #[error("the stored artifact {digest} is damaged: its bytes have the digest {found}")]
    Corrupt { digest: Digest, found: Digest },
    /// A value that neither database can keep, or a setting that cannot be meant.
    #[error("{field} {reason}")]
    Invalid { field: &'static str, reason: &'static str },
    /// The database is away or busy beyond its time limit.
    #[error("the registry's database is unavailable: {0}")]
    Database(String),
    /// A SQLite database belongs to one server at a time.
    #[error("another servoir process uses the database '{}'; stop it first, or use PostgreSQL to share one", .0.display())]
    InUse(PathBuf),
    /// The artifact store, or the local disk, failed.
    #[error("the artifact store failed: {0}")]
    Store(String),
    /// A disk or a quota is used up, the database's or that of uploads and artifacts.
    #[error("no space is left: {0}")]
    Full(String),
    /// A row or migration that this code cannot have written.
    #[error("the registry's data is inconsistent: {0}")]
    Inconsistent(String),
}

impl RegistryError {
    /// The kind, for status codes.
    pub fn kind(&self) -> Kind {
        self.class().0
    }

    /// The stable kebab-case code, such as `model-deployed`, `not-found`, `name-taken`.
    pub fn code(&self) -> &'static str {
        self.class().1
    }

    fn class(&self) -> (Kind, &'static str) {
        match self {
            Self::NotFound { .. } => (Kind::NotFound, "not-found"),
            Self::NameTaken(_) => (Kind::Conflict, "name-taken"),
            Self::DatasetNameTaken(_) => (Kind::Conflict, "name-taken"),
            Self::DatasetLinked { .. } => (Kind::Conflict, "dataset-linked"),
            Self::ModelDeployed(_) => (Kind::Conflict, "model-deployed"),
            Self::VersionDeployed { .. } => (Kind::Conflict, "version-deployed"),
            Self::ModelArchived(_) => (Kind::Conflict, "model-archived"),
            Self::NotArchived(_) => (Kind::Conflict, "not-archived"),
            Self::NotDeployed(_) => (Kind::Conflict, "not-deployed"),
            Self::NothingToRollBack(_) => (Kind::Conflict, "nothing-to-roll-back"),
            Self::NotTrained { .. } => (Kind::Unprocessable, "not-trained"),
            Self::CollaboratorExists(_) => (Kind::Conflict, "collaborator-exists"),
            Self::OwnerStays(_) => (Kind::Unprocessable, "owner-stays"),
            Self::TooManyCollaborators { .. } => (Kind::Unprocessable, "too-many-collaborators"),
            Self::TooManyAssets { .. } => (Kind::Unprocessable, "too-many-assets"),
            Self::TooManyBaselines { .. } => (Kind::Unprocessable, "too-many-baselines"),
            Self::SwapRefused { .. } => (Kind::Conflict, "swap-refused"),
            Self::VersionNotReady { .. } => (Kind::Conflict, "version-not-ready"),
            Self::RunInProgress(_) => (Kind::Conflict, "run-in-progress"),
            Self::ColumnsMissing(_) => (Kind::Unprocessable, "columns-missing"),
            Self::AlertCleared(_) => (Kind::Conflict, "alert-cleared"),
            Self::RunEnded { .. } => (Kind::Conflict, "run-ended"),
            Self::NoDataset(_) => (Kind::Unprocessable, "no-dataset"),
            Self::Stale { .. } => (Kind::Stale, "stale"),
            Self::TooLarge { .. } => (Kind::TooLarge, "artifact-too-large"),
            Self::SourceRefused { .. } => (Kind::Unprocessable, "source-refused"),
            Self::Invalid { .. } => (Kind::Malformed, "invalid-value"),
            Self::Corrupt { .. } => (Kind::Internal, "artifact-corrupt"),
            Self::Database(_) => (Kind::Unavailable, "database-unavailable"),
            Self::InUse(_) => (Kind::Unavailable, "database-in-use"),
            Self::Store(_) => (Kind::Unavailable, "store-unavailable"),
            Self::Full(_) => (Kind::Unavailable, "storage-full"),
            Self::Inconsistent(_) => (Kind::Internal, "data-inconsistent"),
        }
    }

    pub(crate) fn no_model(id: impl ToString) -> Self {
        Self::NotFound { what: "model", id: id.to_string() }
    }

    pub(crate) fn no_version(version: i64) -> Self {
        Self::NotFound { what: "version", id: version.to_string() }
    }

    pub(crate) fn no_run(id: Option<&RunId>) -> Self {
        Self::NotFound { what: "run", id: id.map_or_else(|| "latest".to_owned(), ToString::to_string) }
    }

    pub(crate) fn store(doing: &str, error: impl std::fmt::Display) -> Self {
        Self::Store(format!("{doing}: {error}"))
    }

    /// What a local disk says of work on a file.
    pub(crate) fn disk(doing: &str, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full(format!("{doing}: {error}")),
            _ => Self::store(doing, error),
        }
    }
}

/// The most changes that a message lists; a problem's `errors` have them all.
const CHANGES_SHOWN_MAX: usize = 5;

fn listed(changes: &[BreakingChange]) -> String {
    let shown: Vec<_> = changes.iter().take(CHANGES_SHOWN_MAX).map(ToString::to_string).collect();
    match changes.len().saturating_sub(CHANGES_SHOWN_MAX) {
        0 => shown.join("; "),
        more => format!("{}; and {more} more changes", shown.join("; ")),
    }
}

/// PostgreSQL's code for a text that its encoding cannot hold; a NUL character is the only such text in Rust.
const POSTGRES_CHARACTER_NOT_IN_REPERTOIRE: &str = "22021";
/// What PostgreSQL and SQLite (`SQLITE_FULL`) say when their disk is.
const DISK_FULL: [&str; 2] = ["53100", "13"];

/// What the database driver says, by what it means: the database is away, or holds what this code cannot have written.
/// Violations that mean something else where they occur are handled there.
impl From<sqlx::Error> for RegistryError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::error::ErrorKind;
        match &error {
            sqlx::Error::PoolTimedOut => Self::Database("no connection within the time limit".into()),
            sqlx::Error::Database(cause) => match cause.kind() {
                _ if cause.code().as_deref() == Some(POSTGRES_CHARACTER_NOT_IN_REPERTOIRE) => {
                    Self::Invalid { field: "a text", reason: "contains a NUL character, which cannot be stored" }
                }
                _ if cause.code().is_some_and(|code| DISK_FULL.contains(&&*code)) => Self::Full(error.to_string()),
                ErrorKind::Other => Self::Database(error.to_string()),
                _ => Self::Inconsistent(error.to_string()),
            },
            sqlx::Error::RowNotFound
            | sqlx::Error::TypeNotFound { .. }
            | sqlx::Error::ColumnIndexOutOfBounds { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::Decode(_)
            | sqlx::Error::Encode(_)
            | sqlx::Error::AnyDriverError(_) => Self::Inconsistent(error.to_string()),
            _ => Self::Database(error.to_string()),
        }
    }
}

/// Whether a statement failed because a row with the same unique values exists.
pub(crate) fn is_unique_violation(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|cause| cause.is_unique_violation())
}
