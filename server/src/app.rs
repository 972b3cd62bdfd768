//! What every request handler reaches: the parts of a running server.

use crate::auth::Authenticator;
use crate::config::Config;
use crate::http::pace::Pace;
use crate::http::room::Room;
use crate::models_dir::ModelsDirectory;
use crate::monitoring::findings::Findings;
use crate::monitoring::webhooks::Webhooks;
use crate::monitoring::{EntityLog, Monitoring};
use crate::preflight::Preflight;
use crate::readiness::Readiness;
use crate::reconcile::Reconciler;
use crate::telemetry::metrics::Metrics;
use crate::tuning::Tuner;
use servoir_codec::v1::PredictionIds;
use servoir_registry::Registry;
use servoir_runtime::{Engines, Serving};
use servoir_studio::runs::live::Hub;
use servoir_studio::runs::supervisor::RunCounts;
use servoir_types::IdSequence;
use std::sync::Arc;

/// The parts of a running server. One per process.
pub struct App {
    /// As it was started.
    pub config: Config,
    /// What exists and what should run.
    pub registry: Registry,
    /// The engines that were found.
    pub engines: Engines,
    /// Finds out how models run best here.
    pub tuner: Arc<Tuner>,
    /// Tries model files before they are loaded.
    pub preflight: Preflight,
    /// What runs.
    pub serving: Serving,
    /// Makes what runs equal to what should run.
    pub reconciler: Reconciler,
    /// The folder of models that is served in place of the registry, when one is.
    pub models_dir: Option<Arc<ModelsDirectory>>,
    /// Recognises callers.
    pub authenticator: Authenticator,
    /// Those who follow runs of training.
    pub runs: Hub,
    /// Runs of training that go on here, and how many have ended.
    pub run_counts: Arc<RunCounts>,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Counts what versions are asked and answer.
    pub monitoring: Arc<Monitoring>,
    /// What the newest analyses say.
    pub findings: Findings,
    /// Who is told of alerts.
    pub webhooks: Webhooks,
    /// Whether to send traffic here.
    pub readiness: Readiness,
    /// How fast each caller may ask.
    pub pace: Pace,
    /// The memory of bodies.
    pub bodies: Room,
    /// Ids of requests.
    pub request_ids: IdSequence,
    /// Ids of predictions.
    pub prediction_ids: PredictionIds,
    /// Predictions that name whom they are about, on their way into the database.
    pub entities: EntityLog,
}

/// The state that routers carry.
pub type SharedApp = Arc<App>;
