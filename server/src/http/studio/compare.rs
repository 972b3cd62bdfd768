//! Two versions beside each other: numbers, configuration, and whether one is better or only luckier.

use super::access::studio_model;
use super::performance::stored;
use super::version_view::Version;
use crate::app::{App, SharedApp};
use crate::auth::Caller;
use crate::auth::scope::StudioRead;
use crate::error::ApiError;
use crate::http::path::Path;
use crate::http::query::{FromQuery, Query, Values};
use axum::extract::State;
use serde::Serialize;
use serde_json::{Map, Value};
use servoir_registry::{RegistryError, Role, StudioModel, TracedVersion};
use servoir_studio::evaluate::{Comparison, Evaluation, Measured, compare as test_rows};
use servoir_types::{Kind, VersionId};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The most characters of a version in a parameter.
const VERSION_CHARS_MAX: usize = 64;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(compare))
}

/// Which versions.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
struct CompareParams {
    /// `ver_…`, or the version's number.
    #[param(min_length = 1, max_length = 64, pattern = r"^[^\u0000]*$")]
    version_a: String,
    /// `ver_…`, or the version's number.
    #[param(min_length = 1, max_length = 64, pattern = r"^[^\u0000]*$")]
    version_b: String,
}

impl FromQuery for CompareParams {
    fn from_query(values: &mut Values) -> Self {
        let mut required = |name: &str| {
            let text = values.text(name, VERSION_CHARS_MAX);
            if text.is_none() {
                values.wrong(name, "is required");
            }
            text.unwrap_or_default()
        };
        Self { version_a: required("version_a"), version_b: required("version_b") }
    }
}

/// Two versions beside each other.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionComparison {
    version_a: Version,
    version_b: Version,
    /// By metric that both have: that of `version_b` less that of `version_a`.
    metric_deltas: BTreeMap<String, f64>,
    /// What of the configuration differs, by path such as `hyperparameters.max_depth`: the chosen algorithm and all its
    /// hyperparameters, preprocessing, validation, and the dataset.
    config_diff: BTreeMap<String, Difference>,
    significance: Significance,
}

/// A value of both configurations; `null` where one has none.
#[derive(Debug, Serialize, ToSchema)]
struct Difference {
    #[schema(required)]
    version_a: Value,
    #[schema(required)]
    version_b: Value,
}

/// Whether the difference on the test rows is more than chance.
#[derive(Debug, Serialize, ToSchema)]
struct Significance {
    /// Whether both were judged by the same test rows.
    comparable: bool,
    /// Why they were not compared.
    #[schema(required)]
    because: Option<String>,
    #[schema(required)]
    test: Option<PairedTest>,
}

/// A paired test on the test rows.
#[derive(Debug, Serialize, ToSchema)]
struct PairedTest {
    /// Of classifiers McNemar's test: `mcnemar_exact` when fewer than 25 rows differ, else `mcnemar_chi_squared` with the
    /// continuity correction. Of regressions `paired_t`, on the squared errors.
    method: String,
    /// The smaller count of rows that one alone has right; chi-squared; or t, `null` when it is infinite.
    #[schema(required)]
    statistic: Option<f64>,
    /// How probable a difference as large as this is when both are equally good.
    p_value: f64,
    /// Whether `p_value` is less than 0.05.
    significant: bool,
    /// How many rows were compared: 200,000 at most.
    rows: usize,
    /// Of classifiers: the rows that `version_a` alone has right.
    #[schema(required)]
    only_a_correct: Option<u64>,
    /// Of classifiers: the rows that `version_b` alone has right.
    #[schema(required)]
    only_b_correct: Option<u64>,
    /// Of regressions: the mean squared error of `version_b` less that of `version_a`.
    #[schema(required)]
    mse_difference: Option<f64>,
}

/// Compare two versions
///
/// What differs in their numbers and in how they were made, and a paired significance test on the test rows, for which both must
/// have been judged by the same rows.
#[utoipa::path(get, path = "/api/v1/models/{id}/versions/compare", operation_id = "compareVersions", tag = "studio",
    params(("id" = String, Path, description = "Id or name."), CompareParams),
    responses((status = 200, description = "Both, and what differs.", body = VersionComparison),
        (status = 404, description = "`not-found`: no such model or version."),
        (status = 422, description = "`version-of-another-model`.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn compare(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    asked: Result<Query<CompareParams>, ApiError>,
) -> Result<axum::Json<VersionComparison>, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Viewer).await?;
    // A model that the caller has not is missing, whatever parameters are missing beside.
    let Query(asked) = asked?;
    let a = traced(&app, &model, &asked.version_a).await?;
    let b = traced(&app, &model, &asked.version_b).await?;
    let significance = significance(&app, &model, (a.version.version, b.version.version)).await?;
    Ok(axum::Json(VersionComparison {
        metric_deltas: deltas(&a.version.metrics, &b.version.metrics),
        config_diff: differences(&configuration(&a), &configuration(&b)),
        significance,
        version_a: Version::of(&model, a),
        version_b: Version::of(&model, b),
    }))
}

async fn traced(app: &App, model: &StudioModel, text: &str) -> Result<TracedVersion, ApiError> {
    let missing = || RegistryError::NotFound { what: "version", id: text.to_owned() };
    let version = VersionId::in_model(text, &model.model.id).map_err(|_| missing())?;
    if version.model != model.model.id {
        let detail = format!("version '{text}' is of another model than '{}'", model.model.name);
        return Err(ApiError::new(Kind::Unprocessable, "version-of-another-model", detail));
    }
    Ok(app.registry.traced_version(&model.model.organization, &model.model.id, version.number).await?)
}

fn deltas(a: &Map<String, Value>, b: &Map<String, Value>) -> BTreeMap<String, f64> {
    let delta = |(name, a): (&String, &Value)| {
        let delta = b.get(name)?.as_f64()? - a.as_f64()?;
        delta.is_finite().then(|| (name.clone(), delta))
    };
    a.iter().filter_map(delta).collect()
}

/// How a version was made, each value by its path; nothing of a version that was not trained here.
fn configuration(traced: &TracedVersion) -> BTreeMap<String, Value> {
    let mut values = BTreeMap::new();
    if let Some(training) = &traced.training {
        let mut whole = training.config.clone();
        whole["algorithm"] = training.algorithm.clone().into();
        whole["hyperparameters"] = training.hyperparameters.clone().into();
        whole["dataset_id"] = training.dataset.clone().into();
        whole["dataset_sha256"] = training.dataset_digest.to_hex().into();
        flatten("", whole, &mut values);
    }
    values
}

/// Sections become paths; a configuration is two levels deep, a list one value.
fn flatten(path: &str, value: Value, values: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(section) => {
            for (key, value) in section {
                flatten(&if path.is_empty() { key } else { format!("{path}.{key}") }, value, values);
            }
        }
        value => {
            values.insert(path.to_owned(), value);
        }
    }
}

fn differences(a: &BTreeMap<String, Value>, b: &BTreeMap<String, Value>) -> BTreeMap<String, Difference> {
    let value = |values: &BTreeMap<String, Value>, key: &str| values.get(key).cloned().unwrap_or(Value::Null);
    a.keys()
        .chain(b.keys())
        .map(|key| (key.clone(), Difference { version_a: value(a, key), version_b: value(b, key) }))
        .filter(|(_, difference)| difference.version_a != difference.version_b)
        .collect()
}

async fn significance(app: &App, model: &StudioModel, versions: (i64, i64)) -> Result<Significance, ApiError> {
    let a = stored::<Evaluation>(app, model, versions.0, "test").await?;
    let b = stored::<Evaluation>(app, model, versions.1, "test").await?;
    let (Some(a), Some(b)) = (&a, &b) else {
        let without = if a.is_none() { versions.0 } else { versions.1 };
        let because =
            Some(format!("version {without} was not evaluated: nothing is stored of its answers to the test rows"));
        return Ok(Significance { comparable: false, because, test: None });
    };
    Ok(match test_rows(a, b) {
        Comparison::NotComparable { because } => Significance { comparable: false, because: Some(because), test: None },
        Comparison::Tested(test) => {
            let (only_a_correct, only_b_correct, mse_difference) = match test.of {
                Measured::Discordant { only_a, only_b } => (Some(only_a), Some(only_b), None),
                Measured::SquaredErrors { difference } => (None, None, Some(difference)),
            };
            let test = PairedTest {
                method: test.method,
                statistic: test.statistic,
                p_value: test.p_value,
                significant: test.significant,
                rows: test.rows,
                only_a_correct,
                only_b_correct,
                mse_difference,
            };
            Significance { comparable: true, because: None, test: Some(test) }
        }
    })
}
