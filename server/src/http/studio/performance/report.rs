//! Precision, recall and F1 by class.

use super::asked::{Asked, Which};
use super::evaluated::{Evaluated, Subject};
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::StudioRead;
use crate::error::ApiError;
use crate::http::path::Path;
use crate::http::query::{FromQuery, Query, Values};
use axum::extract::State;
use serde::Serialize;
use servoir_studio::evaluate::ClassScores;
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(report))
}

const AVERAGES: [(&str, &str); 3] = [("macro", "macro"), ("weighted", "weighted"), ("micro", "micro")];

/// Which averages.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
struct ReportParams {
    /// This average alone: `macro`, `weighted` or `micro`.
    #[param(required = false, value_type = String, pattern = "^(macro|weighted|micro)$")]
    average: Option<&'static str>,
}

impl FromQuery for ReportParams {
    fn from_query(values: &mut Values) -> Self {
        Self { average: values.choice("average", &AVERAGES) }
    }
}

/// Scores of one class, or an average of them. A quotient without anything to divide by is 0.
#[derive(Debug, Serialize, ToSchema)]
struct Scores {
    /// Of the rows that were given the class, the share that is of it.
    precision: f64,
    /// Of the rows of the class, the share that was given it.
    recall: f64,
    f1_score: f64,
    /// Rows of the class; of an average, all rows.
    support: u64,
}

impl From<ClassScores> for Scores {
    fn from(scores: ClassScores) -> Self {
        let ClassScores { precision, recall, f1: f1_score, support } = scores;
        Self { precision, recall, f1_score, support }
    }
}

/// A class and its scores.
#[derive(Debug, Serialize, ToSchema)]
struct OfClass {
    class_label: String,
    #[serde(flatten)]
    scores: Scores,
}

/// Precision, recall and F1 by class.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClassificationReport {
    #[serde(flatten)]
    of: Subject,
    /// The share of rows that were given their class; `null` without rows.
    #[schema(required)]
    accuracy: Option<f64>,
    classes: Vec<OfClass>,
    /// By `macro`, `weighted`, `micro`.
    averages: BTreeMap<&'static str, Scores>,
}

/// Report precision, recall and F1 by class
///
/// As scikit-learn's `classification_report` with `zero_division=0`. Classes that are neither true nor predicted have no part in
/// the macro average.
#[utoipa::path(get, path = "/api/v1/models/{id}/performance/classification-report",
    operation_id = "getClassificationReport", tag = "studio",
    params(("id" = String, Path, description = "Id or name."), Which, ReportParams),
    responses((status = 200, description = "The report.", body = ClassificationReport),
        (status = 404, description = "`not-found`, `no-promoted-version` or `not-evaluated`."),
        (status = 422, description = "`classification-only`.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn report(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    Query(asked): Query<Asked<ReportParams>>,
) -> Result<axum::Json<ClassificationReport>, ApiError> {
    let (of, found) = Evaluated::read(&app, &caller, &id, asked.which).await?.classification()?;
    let report = found.report;
    let averages =
        [("macro", report.macro_average), ("weighted", report.weighted_average), ("micro", report.micro_average)];
    let wanted = |name: &str| asked.chart.average.is_none_or(|only| only == name);
    let classes = found.classes.into_iter().zip(report.classes);
    Ok(axum::Json(ClassificationReport {
        of,
        accuracy: found.summary.get("accuracy").copied().flatten(),
        classes: classes.map(|(class_label, scores)| OfClass { class_label, scores: scores.into() }).collect(),
        averages: averages
            .into_iter()
            .filter(|(name, _)| wanted(name))
            .map(|(name, scores)| (name, scores.into()))
            .collect(),
    }))
}
