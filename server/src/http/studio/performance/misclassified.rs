//! The rows that a classifier is wrong about.

use super::asked::{Asked, Which};
use super::class::{class, place};
use super::evaluated::{Evaluated, Subject};
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::{DatasetsRead, Scope, StudioRead};
use crate::error::ApiError;
use crate::http::path::Path;
use crate::http::query::{FromQuery, Query, Values};
use axum::extract::State;
use serde::Serialize;
use servoir_studio::evaluate::{Classification, Misclassified};
use servoir_types::Kind;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Rows in one answer when the caller does not say.
const LIMIT_DEFAULT: i64 = 50;
/// The most rows in one answer.
const LIMIT_MAX: i64 = 500;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(misclassified))
}

/// Which wrong answers.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
struct MisclassifiedParams {
    /// At most so many.
    #[param(required = false, minimum = 1, maximum = 500, default = 50)]
    limit: i64,
    /// Rows of this class.
    #[param(required = false, max_length = 1024, pattern = r"^[^\u0000]*$")]
    true_label: Option<String>,
    /// Rows that were given this class.
    #[param(required = false, max_length = 1024, pattern = r"^[^\u0000]*$")]
    predicted_label: Option<String>,
    /// Rows that were given a class with at least this probability.
    #[param(required = false, minimum = 0, maximum = 1, default = 0)]
    min_confidence: f64,
}

impl FromQuery for MisclassifiedParams {
    fn from_query(values: &mut Values) -> Self {
        Self {
            limit: values.integer("limit", LIMIT_DEFAULT, &(1..=LIMIT_MAX)),
            true_label: class(values, "true_label"),
            predicted_label: class(values, "predicted_label"),
            min_confidence: values.number("min_confidence", 0.0, &(0.0..=1.0)),
        }
    }
}

/// A row that was given a class that it is not of.
#[derive(Debug, Serialize, ToSchema)]
struct MisclassifiedRow {
    /// Its place in the dataset, from 0.
    row: u64,
    true_label: String,
    predicted_label: String,
    /// The probability of the predicted class.
    confidence: f64,
}

/// Wrong answers, the surest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct MisclassificationErrors {
    #[serde(flatten)]
    of: Subject,
    /// The wrong answers of the split that the labels fit, whatever their confidence.
    total: u64,
    /// The wrong answers that fit, among the 5,000 surest, which are kept.
    matching: usize,
    /// The surest of them.
    errors: Vec<MisclassifiedRow>,
}

/// List wrong answers
///
/// The rows that the classifier is wrong about, the surest first. They are rows of a dataset: the caller needs `datasets:read` too.
#[utoipa::path(get, path = "/api/v1/models/{id}/performance/misclassification-errors",
    operation_id = "listMisclassificationErrors", tag = "studio",
    params(("id" = String, Path, description = "Id or name."), Which, MisclassifiedParams),
    responses((status = 200, description = "Wrong answers.", body = MisclassificationErrors),
        (status = 404, description = "`not-found`, `no-promoted-version` or `not-evaluated`."),
        (status = 422, description = "`classification-only`, or `unknown-class`.")),
    security(("ApiKey" = ["studio:read", "datasets:read"]), ("Bearer" = ["studio:read", "datasets:read"])))]
async fn misclassified(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    Query(asked): Query<Asked<MisclassifiedParams>>,
) -> Result<axum::Json<MisclassificationErrors>, ApiError> {
    let evaluated = Evaluated::read(&app, &caller, &id, asked.which).await?;
    if !caller.principal.may(DatasetsRead::NAME) {
        let detail = format!("this call shows rows of a dataset and needs the scope '{}' too", DatasetsRead::NAME);
        return Err(ApiError::new(Kind::Forbidden, "scope-required", detail));
    }
    let (of, found) = evaluated.classification()?;
    let wanted = Wanted::new(&found, &asked.chart)?;
    let matching: Vec<&Misclassified> = found.misclassified.iter().filter(|wrong| wanted.fits(wrong)).collect();
    let label = |class: u32| found.classes[class as usize].clone();
    let errors = matching.iter().take(asked.chart.limit as usize).map(|wrong| MisclassifiedRow {
        row: wrong.row,
        true_label: label(wrong.truth),
        predicted_label: label(wrong.predicted),
        confidence: wrong.confidence,
    });
    Ok(axum::Json(MisclassificationErrors {
        of,
        total: wanted.total(&found),
        errors: errors.collect(),
        matching: matching.len(),
    }))
}

/// Which wrong answers fit.
struct Wanted {
    truth: Option<usize>,
    predicted: Option<usize>,
    min_confidence: f64,
}

impl Wanted {
    fn new(found: &Classification, asked: &MisclassifiedParams) -> Result<Self, ApiError> {
        let place_of = |class: &Option<String>| class.as_deref().map(|class| place(found, class)).transpose();
        Ok(Self {
            truth: place_of(&asked.true_label)?,
            predicted: place_of(&asked.predicted_label)?,
            min_confidence: asked.min_confidence,
        })
    }

    fn labels_fit(&self, truth: usize, predicted: usize) -> bool {
        self.truth.is_none_or(|only| only == truth) && self.predicted.is_none_or(|only| only == predicted)
    }

    fn fits(&self, wrong: &Misclassified) -> bool {
        self.labels_fit(wrong.truth as usize, wrong.predicted as usize) && wrong.confidence >= self.min_confidence
    }

    /// How many wrong answers the labels fit, from the counts of all rows.
    fn total(&self, found: &Classification) -> u64 {
        let cells =
            found.confusion.iter().enumerate().flat_map(|(truth, row)| {
                row.iter().enumerate().map(move |(predicted, count)| (truth, predicted, *count))
            });
        cells
            .filter(|&(truth, predicted, _)| truth != predicted && self.labels_fit(truth, predicted))
            .map(|(_, _, count)| count)
            .sum()
    }
}
