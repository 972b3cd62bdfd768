//! What a model does at this moment, here and on the other nodes.

use super::deployment_view::Canary;
use super::divergence_view::DivergenceStatus;
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::RegistryRead;
use crate::error::ApiError;
use crate::http::path::OnlyPath;
use crate::http::studio::access;
use crate::readiness::ModelState;
use crate::reconcile::Compared;
use axum::extract::State;
use serde::Serialize;
use servoir_registry::{NodeState, Role};
use servoir_runtime::{Deployment, Device, Gauges, Profile};
use servoir_types::Timestamp;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// For how long a node that says nothing is still counted.
const NODE_SILENCE_SECONDS_MAX: i64 = 60;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(read))
}

/// What a model does at this moment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LiveStatus {
    /// The model's id.
    id: String,
    /// `undeployed`, `deploying`, `ready`, `idle` (it sleeps, and answers when it is asked), `degraded` or `failed`, on this node.
    state: &'static str,
    /// Why it is degraded or failed.
    #[schema(required)]
    reason: Option<String>,
    /// The version that answers on this node, `null` while none does.
    #[schema(required)]
    version: Option<u64>,
    /// Instances alive.
    instances: usize,
    /// Instances at work.
    busy: usize,
    /// Rows that wait.
    queue_depth: usize,
    /// Requests that wait or run.
    in_flight: usize,
    /// Memory that the version that answers takes, in bytes; `null` while none does. It is what was measured in a process of its own,
    /// times the sessions where each has a copy of the weights.
    #[schema(required)]
    memory_bytes: Option<u64>,
    /// The engine's last failure.
    #[schema(required)]
    last_error: Option<String>,
    /// `onnxruntime`, `tract` or `trees`.
    #[schema(required)]
    engine: Option<&'static str>,
    /// `cpu`, or a GPU such as `cuda:0`; `null` while nothing is live.
    #[schema(required, value_type = Option<String>)]
    device: Option<Device>,
    /// How the model is run on this node, `null` while nothing is live.
    #[schema(required)]
    run: Option<RunStatus>,
    #[schema(required)]
    canary: Option<Canary>,
    #[schema(required)]
    shadow: Option<ShadowStatus>,
    /// Versions on trial whose answers are compared with those of the version before.
    divergence: Vec<DivergenceStatus>,
    /// How far each node has come, of those that spoke within the last minute.
    nodes: Vec<NodeStatus>,
}

/// How a model is run.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunStatus {
    /// Threads that a run may use inside the engine.
    threads: usize,
    /// The most rows that run together.
    max_batch_size: usize,
    /// The most rows of a request that runs on the thread that reads it.
    inline_rows_max: usize,
    /// The most rows of several such requests that run together, when that costs less; 0: each runs alone.
    inline_batch_rows_max: usize,
    /// What was measured when the model was loaded; `null` when nothing was.
    #[schema(required, value_type = Option<Object>)]
    profile: Option<Profile>,
}

impl RunStatus {
    fn of(deployment: &Deployment) -> Self {
        let options = deployment.options();
        Self {
            threads: options.threads,
            max_batch_size: options.batch_rows_max,
            inline_rows_max: deployment.inline_rows_max(),
            inline_batch_rows_max: deployment.inline_batch_rows_max(),
            profile: options.profile.as_deref().cloned(),
        }
    }
}

/// A version that is sent a copy of the requests, and how far its answers on this node agree with those that callers got.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShadowStatus {
    version: i64,
    /// Requests that what is live has answered, and that the shadow was asked too.
    requests: usize,
    /// Those of them on which the shadow failed.
    failed: usize,
    /// Those that the shadow did not get to: its queue was full, or the time was over. They are not among `requests`.
    unanswered: u64,
    /// Outputs that had a form that they could not have.
    reshaped: usize,
    /// Outputs that were not finite where they had been.
    not_finite: usize,
    /// Labels that were compared.
    labels: usize,
    /// Per cent of them that differ; `null` while there are none.
    #[schema(required, minimum = 0, maximum = 100)]
    labels_differ_percent: Option<f64>,
    /// Numbers that were compared.
    scores: usize,
    /// How far they are apart on average, in per cent of 1 or of the larger one; `null` while there are none.
    #[schema(required, minimum = 0, maximum = 200)]
    scores_differ_percent: Option<f64>,
}

impl ShadowStatus {
    fn of(shadow: &Deployment, Compared { agreed, unanswered }: &Compared) -> Self {
        let percent = |part: f64, of: usize| (of > 0).then(|| 100.0 * part / of as f64);
        Self {
            version: version(shadow),
            requests: agreed.requests,
            failed: agreed.failed,
            unanswered: *unanswered,
            reshaped: agreed.reshaped,
            not_finite: agreed.not_finite,
            labels: agreed.labels,
            labels_differ_percent: percent(agreed.labels_different as f64, agreed.labels),
            scores: agreed.scores,
            scores_differ_percent: percent(agreed.scores_apart, agreed.scores),
        }
    }
}

/// How far a node has come with a model.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NodeStatus {
    node: String,
    /// Grows with each change of what should run.
    generation: i64,
    /// `deploying`, `ready`, `degraded` or `failed`.
    state: String,
    #[schema(required)]
    reason: Option<String>,
    #[schema(required)]
    engine: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl From<NodeState> for NodeStatus {
    fn from(state: NodeState) -> Self {
        Self {
            node: state.node,
            generation: state.generation,
            state: state.state,
            reason: state.reason,
            engine: state.engine,
            updated_at: state.updated_at,
        }
    }
}

/// Read a model's live status
///
/// What answers on this node, how busy it is, and how far every node has come with what should run.
#[utoipa::path(get, path = "/api/v1/model-registry/models/{id}/status", operation_id = "getModelStatus",
    tag = "deployments",
    params(("id" = String, Path, description = "Id or name.")),
    responses((status = 200, description = "What the model does.", body = LiveStatus),
        (status = 404, description = "`not-found`: the organization has no such model.")),
    security(("ApiKey" = ["model-registry:read"]), ("Bearer" = ["model-registry:read"])))]
async fn read(
    caller: Caller<RegistryRead>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
) -> Result<axum::Json<LiveStatus>, ApiError> {
    let model = access::model(&app, &caller.principal, &id, Role::Viewer).await?;
    let nodes = app.registry.node_states(&model.id, heard_since(&app)).await?;
    let state = app.reconciler.state(&model.id).or(model.deployed.then_some(ModelState::Deploying));
    let entry = app.serving.find(&model.organization, model.id.as_str());
    let live = entry.and_then(|entry| entry.live());
    let primary = live.as_ref().map(|live| &live.primary);
    let gauges = primary.map_or_else(Gauges::default, |primary| primary.gauges());
    let is_asleep = primary.is_some_and(|primary| primary.is_asleep());
    let canary = live.as_ref().and_then(|live| live.canary.as_ref());
    let shadow = live.as_ref().and_then(|live| live.shadow.as_ref());
    Ok(axum::Json(LiveStatus {
        id: model.id.to_string(),
        state: state.as_ref().map_or("undeployed", |state| state.shown(is_asleep)),
        reason: state.as_ref().and_then(ModelState::reason).map(str::to_owned),
        version: primary.map(|primary| primary.identity().version),
        instances: gauges.instances,
        busy: gauges.busy,
        queue_depth: gauges.queue_rows,
        in_flight: gauges.in_flight,
        memory_bytes: primary.and_then(|primary| app.reconciler.memory().of(primary)),
        last_error: primary.and_then(|primary| primary.last_error()),
        engine: primary.map(|primary| primary.engine().as_str()),
        device: primary.map(|primary| primary.device()),
        run: primary.map(|primary| RunStatus::of(primary)),
        canary: canary.map(|(percent, deployment)| Canary { version: version(deployment), percent: *percent }),
        divergence: primary
            .into_iter()
            .chain(canary.map(|(_, canary)| canary))
            .filter_map(|one| DivergenceStatus::of(&app, one))
            .collect(),
        shadow: shadow.map(|shadow| ShadowStatus::of(shadow, &app.reconciler.mirrored.of(shadow))),
        nodes: nodes.into_iter().map(NodeStatus::from).collect(),
    }))
}

fn version(deployment: &Deployment) -> i64 {
    i64::try_from(deployment.identity().version).unwrap_or(i64::MAX)
}

/// Nodes that share a registry say again and again that they are there; the only node of one speaks when something changes.
fn heard_since(app: &SharedApp) -> Timestamp {
    match app.registry.is_shared() {
        true => Timestamp::now().plus_seconds(-NODE_SILENCE_SECONDS_MAX),
        false => Timestamp::from_millis(0),
    }
}
