//! How much a version relies on each feature.

use super::access::studio_model;
use super::performance::{missing, stored};
use super::runs::{of_model, run_id};
use super::versions::named_or_promoted;
use crate::app::{App, SharedApp};
use crate::auth::Caller;
use crate::auth::scope::StudioRead;
use crate::error::ApiError;
use crate::http::path::Path;
use crate::http::query::{FromQuery, Query, Values};
use axum::extract::State;
use axum::routing::get;
use serde::Serialize;
use servoir_registry::{IMPORTANCE, Role, StudioModel};
use servoir_studio::evaluate::{Importance, Method, Share};
use servoir_types::{Kind, VersionId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The most characters of a version in a parameter.
const VERSION_CHARS_MAX: usize = 64;
/// The most features in one answer.
const TOP_MAX: i64 = 10_000;

/// The routes of this file, each under both its names.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new()
        .routes(routes!(importance))
        .route("/api/v1/models/{id}/training/metrics/feature-importance", get(importance))
}

const METHODS: [(&str, Method); 4] =
    [("gain", Method::Gain), ("split", Method::Split), ("permutation", Method::Permutation), ("shap", Method::Shap)];

/// Which version, by which method, how many features.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
struct ImportanceParams {
    /// The version that this run made.
    #[param(required = false, max_length = 64, pattern = r"^[^\u0000]*$")]
    run_id: Option<String>,
    /// `ver_…`, or the version's number; the promoted version when neither it nor a run is given.
    #[param(required = false, max_length = 64, pattern = r"^[^\u0000]*$")]
    version_id: Option<String>,
    /// At most so many features, the most important ones; all of them when not given.
    #[param(required = false, minimum = 1, maximum = 10000, default = 10000)]
    top_n: i64,
    /// `gain`, `split`, `permutation` or `shap`. When not given: `gain` for trees, `permutation` for other models.
    #[param(required = false, value_type = String, pattern = "^(gain|split|permutation|shap)$")]
    method: Option<Method>,
}

impl FromQuery for ImportanceParams {
    fn from_query(values: &mut Values) -> Self {
        Self {
            run_id: run_id(values),
            version_id: values.text("version_id", VERSION_CHARS_MAX),
            top_n: values.integer("top_n", TOP_MAX, &(1..=TOP_MAX)),
            method: values.choice("method", &METHODS),
        }
    }
}

/// How much a version relies on each feature.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeatureImportance {
    model_id: String,
    version_id: String,
    /// How it was found.
    #[schema(value_type = String)]
    method: Method,
    /// The methods that this version has.
    #[schema(value_type = Vec<String>)]
    methods: Vec<Method>,
    /// How many features the model has.
    total: usize,
    /// The most important first.
    features: Vec<RankedFeature>,
}

/// A feature's importance.
#[derive(Debug, Serialize, ToSchema)]
struct RankedFeature {
    /// From 1.
    rank: usize,
    /// The source column.
    feature: String,
    /// Its share: all features' shares sum to 1, or all are 0 when no feature helps.
    importance: f64,
    /// In the method's own unit: the loss taken away, the number of splits, the fall of the score, or the mean size of the SHAP
    /// values.
    value: f64,
    /// The standard deviation over the repeats of a permutation; `null` for other methods.
    #[schema(required)]
    standard_deviation: Option<f64>,
}

/// Rank the features
///
/// By how much the version relies on each: the loss that splits on it took away in training (`gain`), how many splits there are
/// on it (`split`), how far the score of the test rows falls when its values are shuffled (`permutation`), or the mean size of
/// its SHAP values (`shap`). A feature that was encoded into several columns has the sum of theirs. All but `permutation` are
/// for trees.
#[utoipa::path(get, path = "/api/v1/models/{id}/training-metrics/feature-importance",
    operation_id = "getFeatureImportance", tag = "studio",
    params(("id" = String, Path, description = "Id or name."), ImportanceParams),
    responses((status = 200, description = "The ranking.", body = FeatureImportance),
        (status = 404, description = "`not-found`, `no-promoted-version` or `not-evaluated`."),
        (status = 422, description = "`method-unavailable`: this kind of model has no such importance.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn importance(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    Query(asked): Query<ImportanceParams>,
) -> Result<axum::Json<FeatureImportance>, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Viewer).await?;
    let version = asked_version(&app, &model, &asked).await?;
    let Some(mut found) = stored::<Importance>(&app, &model, version, IMPORTANCE).await? else {
        return Err(missing(&app, &model, version, "feature importance").await);
    };
    let methods: Vec<Method> = found.keys().copied().collect();
    let method = chosen(&methods, asked.method)?;
    let ranking = found.remove(&method).unwrap_or_default();
    Ok(axum::Json(FeatureImportance {
        model_id: model.model.id.to_string(),
        version_id: VersionId { model: model.model.id, number: version }.to_string(),
        method,
        methods,
        total: ranking.len(),
        features: ranking.into_iter().take(asked.top_n as usize).enumerate().map(ranked).collect(),
    }))
}

fn ranked((place, share): (usize, Share)) -> RankedFeature {
    let Share { feature, importance, value, deviation } = share;
    RankedFeature { rank: place + 1, feature, importance, value, standard_deviation: deviation }
}

async fn asked_version(app: &App, model: &StudioModel, asked: &ImportanceParams) -> Result<i64, ApiError> {
    let Some(run) = &asked.run_id else { return named_or_promoted(model, asked.version_id.as_deref()) };
    if asked.version_id.is_some() {
        return Err(ApiError::field("?run_id", "is given beside version_id; give one of them"));
    }
    let run = of_model(app, &model.model.organization, &model.model.id, Some(run.clone())).await?;
    run.version.ok_or_else(|| {
        let detail = format!("run '{}' is {} and has made no version", run.id, run.status.text());
        ApiError::new(Kind::NotFound, "not-evaluated", detail)
    })
}

/// The method that is asked for, or the first that the version has.
fn chosen(methods: &[Method], asked: Option<Method>) -> Result<Method, ApiError> {
    let method = asked.or_else(|| methods.first().copied()).filter(|method| methods.contains(method));
    method.ok_or_else(|| {
        let there_are: Vec<&str> =
            METHODS.iter().filter(|(_, method)| methods.contains(method)).map(|(word, _)| *word).collect();
        let detail = format!("this version has no such importance; it has {}", there_are.join(", "));
        ApiError::new(Kind::Unprocessable, "method-unavailable", detail)
    })
}
