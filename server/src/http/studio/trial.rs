//! One prediction of any version, live or not, that counts for nothing.

use super::access::studio_model;
use super::versions::named_or_promoted;
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::StudioRead;
use crate::error::ApiError;
use crate::http::json::Json;
use crate::http::path::OnlyPath;
use crate::reconcile::open_beside;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use servoir_codec::v1::{Answer, Asked, PredictionIds, Predictions};
use servoir_registry::Role;
use servoir_runtime::{Program, run_once};
use servoir_types::{Signature, Tensor, Timestamp, VersionId};
use std::sync::Arc;
use std::time::Instant;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(test))
}

/// A row to try.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TestPrediction)]
pub struct Trial {
    /// A value for each feature, by name.
    inputs: Map<String, Value>,
    /// `ver_…` or a number; by default the promoted version.
    version_id: Option<String>,
}

/// What the version says of the row.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TestedPrediction)]
pub struct Tried {
    /// `model_…`.
    model_id: String,
    /// `ver_…`.
    version_id: String,
    /// A label or a number.
    #[schema(value_type = Value)]
    prediction: Value,
    /// One for each class, in the order of `classes`; `null` when the model has none.
    #[schema(required, value_type = Option<Vec<f64>>)]
    probabilities: Option<Value>,
    /// What each probability stands for.
    #[schema(required, value_type = Option<Vec<Value>>)]
    classes: Option<Value>,
    /// How long the model computed; opening it is not counted.
    latency_ms: f64,
}

/// Try a version with one row
///
/// Runs any version that is ready, deployed or not, and nothing of it is counted in metrics or monitoring. The version is
/// opened for this one row, so it takes longer than a prediction of what is live.
#[utoipa::path(post, path = "/api/v1/models/{id}/test", operation_id = "testModel", tag = "studio",
    params(("id" = String, Path, description = "Id or name.")),
    request_body = Trial,
    responses((status = 200, description = "The prediction.", body = Tried),
        (status = 404, description = "`not-found`: no such model or version; `no-promoted-version`."),
        (status = 409, description = "`version-not-ready`."),
        (status = 422, description = "`input-mismatch`, naming missing or wrong features; `version-rejected`, `engine-missing`.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn test(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
    Json(trial): Json<Trial>,
) -> Result<axum::Json<Tried>, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Viewer).await?;
    let number = named_or_promoted(&model, trial.version_id.as_deref())?;
    let model = model.model;
    let version = app.registry.version(&model.organization, &model.id, number).await?;
    let program = open_beside(&app, &version).await?;
    let name = model.name.to_string();
    let row = Row { name, version: u64::try_from(number).unwrap_or_default(), inputs: trial.inputs };
    let ran = app.reconciler.loading_threads().run(move || row.run(program)).await;
    let mut said =
        ran.ok_or_else(|| ApiError::internal("the thread that tried a version ended before it was done"))??;
    Ok(axum::Json(Tried {
        version_id: VersionId { model: model.id.clone(), number }.to_string(),
        model_id: model.id.to_string(),
        prediction: said["prediction"].take(),
        probabilities: said.get_mut("probabilities").map(|rows| rows[0].take()),
        classes: said.get_mut("classes").map(Value::take),
        latency_ms: said["latencyMs"].as_f64().unwrap_or_default(),
    }))
}

/// A row on its way through a version.
struct Row {
    name: String,
    version: u64,
    inputs: Map<String, Value>,
}

impl Row {
    /// Runs the version once and lets it go. Blocking.
    fn run(&self, program: Arc<dyn Program>) -> Result<Value, ApiError> {
        let signature = program.signature();
        let model = servoir_codec::Model { name: &self.name, version: self.version, signature, rows_max: 1 };
        let body = self.body(signature);
        let asked = Asked::read(body.as_bytes(), model)?;
        let started = Instant::now();
        let outputs = run_once(&*program, &asked.inputs)??;
        self.answer(signature, &outputs, started)
    }

    /// The row as predictions ask for it: by the features' names; a model without names takes its one input whole.
    fn body(&self, signature: &Signature) -> String {
        let whole = match &signature.inputs[..] {
            [only] => self.inputs.get(&only.name).filter(|row| row.is_array()),
            _ => None,
        };
        match whole {
            Some(row) if self.inputs.len() == 1 => json!({ "input_data": row }).to_string(),
            _ => json!({ "input_data": self.inputs }).to_string(),
        }
    }

    /// The answer as predictions give it, so that a trial reads as they do.
    fn answer(&self, signature: &Signature, outputs: &[Tensor], started: Instant) -> Result<Value, ApiError> {
        let predictions = Predictions::of(signature, outputs);
        // A trial counts for nothing, and its id is not shown.
        let ids = PredictionIds::new([0; 16], 0);
        let ids = ids.take(&self.name, self.version, Timestamp::now(), predictions.rows());
        let answer = Answer {
            model_id: &self.name,
            version: self.version,
            ids,
            telling: false,
            predictions: &predictions,
            single: true,
            latency_ms: started.elapsed().as_micros() as f64 / 1000.0,
        };
        serde_json::from_slice(&answer.to_json()?).map_err(ApiError::internal)
    }
}
