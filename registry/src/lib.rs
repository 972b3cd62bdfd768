//! What exists and what should run: models, versions, deployments, keys and audit in SQL (SQLite or PostgreSQL, one text
//! for both), artifacts in a content-addressed store (local files or S3).
//!
//! Every write takes an [`Actor`] and leaves one audit entry in the same transaction. Reads and writes are scoped to an
//! organization: another organization's object is not found.
//!
//! All of it is methods of [`Registry`], each in the file of its noun.

mod actor;
mod artifacts;
mod assets;
mod audit;
mod changes;
mod database;
mod datasets;
mod deployments;
mod error;
mod evaluations;
mod frames;
mod idempotency;
mod keys;
mod latency;
mod models;
mod monitoring;
mod nodes;
mod options;
mod publish;
mod registry;
mod runs;
mod signing;
mod studio;
mod trainings;
mod versions;

pub use actor::{Actor, Page, Window};
pub use artifacts::{ArtifactBytes, StagedArtifact, Upload};
pub use assets::{Asset, AssetType, NewAsset};
pub use audit::{AuditEntry, AuditFilter, AuditVerdict};
pub use datasets::{Dataset, DatasetFilter, DatasetLink, DatasetSummary, NewDataset};
pub use deployments::{
    Autoscaling, Breaking, Deployment, DeploymentSpec, Finding, Forced, OnTrial, Placed, RolledBack, Rollout, Strategy,
    Tuning,
};
pub use error::RegistryError;
pub use evaluations::IMPORTANCE;
pub use frames::{FRAMES_PER_APPEND_MAX, Frame, LogFilter, NewFrame};
pub use idempotency::{Idempotency, StoredAnswer};
pub use keys::{ApiKey, KeyCredential, KeyStatus, NewKey};
pub use models::{Model, ModelChange, ModelFilter, ModelStatus, NewModel, SortField};
pub use monitoring::{
    Actual, Alert, AlertFilter, AlertSeverity, AlertStatus, AlertStep, AlertSubject, AnalysisSummary, BASELINES_MAX,
    BaselineRow, BaselineSummary, BucketRow, ClassPair, Delivery, DeliveryOutcome, EntityPrediction, Labelled,
    LabelledOutcome, Mistake, MonitoringChange, MonitoringSettingsRow, NewBaseline, NewDelivery, NumberSums,
    RaisedAlerts, Recorded, RecordingRow, Scored, Served, StoredAnalysis, Watched,
};
pub use nodes::NodeState;
pub use options::Options;
pub use registry::Registry;
pub use runs::{Failure, NewRun, Priority, Run, RunDataset, RunStatus, Silences, TrainedFile, TrainedVersion};
pub use studio::{
    Collaborator, Dashboard, DashboardFilter, ModelType, NewStudioModel, Role, StudioChange, StudioFilter, StudioModel,
    StudioPart, StudioStatus, TaskType,
};
pub use trainings::{TracedVersion, Training, VersionFile};
pub use versions::{NewVersion, Version, VersionState};
