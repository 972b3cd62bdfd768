//! Which classes are taken for which.

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
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(matrix))
}

/// What counts are divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Normalize {
    /// The rows of the true class.
    True,
    /// The rows of the predicted class.
    Pred,
    /// All rows.
    All,
    /// Nothing.
    None,
}

const WORDS: [(&str, Normalize); 4] =
    [("true", Normalize::True), ("pred", Normalize::Pred), ("all", Normalize::All), ("none", Normalize::None)];

/// What counts are divided by.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
struct ConfusionParams {
    /// `true` (rows of the true class), `pred` (of the predicted class), `all` (all rows) or `none`.
    #[param(required = false, value_type = String, pattern = "^(true|pred|all|none)$", default = "none")]
    normalize: Normalize,
}

impl FromQuery for ConfusionParams {
    fn from_query(values: &mut Values) -> Self {
        Self { normalize: values.choice("normalize", &WORDS).unwrap_or(Normalize::None) }
    }
}

/// Which classes are taken for which.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConfusionMatrix {
    #[serde(flatten)]
    of: Subject,
    normalize: Normalize,
    /// The classes, in the order of both sides of the matrix.
    labels: Vec<String>,
    /// By true class (outer) and predicted class (inner): rows, or shares of them; 0 where there is nothing to divide by.
    matrix: Vec<Vec<f64>>,
    /// All rows.
    rows: u64,
}

/// Read the confusion matrix
///
/// As scikit-learn's `confusion_matrix`, with its `normalize`.
#[utoipa::path(get, path = "/api/v1/models/{id}/performance/confusion-matrix", operation_id = "getConfusionMatrix",
    tag = "studio", params(("id" = String, Path, description = "Id or name."), Which, ConfusionParams),
    responses((status = 200, description = "The matrix.", body = ConfusionMatrix),
        (status = 404, description = "`not-found`, `no-promoted-version` or `not-evaluated`."),
        (status = 422, description = "`classification-only`.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn matrix(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    Query(asked): Query<Asked<ConfusionParams>>,
) -> Result<axum::Json<ConfusionMatrix>, ApiError> {
    let (of, found) = Evaluated::read(&app, &caller, &id, asked.which).await?.classification()?;
    let normalize = asked.chart.normalize;
    let matrix = normalized(&found.confusion, normalize);
    Ok(axum::Json(ConfusionMatrix { of, normalize, labels: found.classes, matrix, rows: found.rows }))
}

fn normalized(counts: &[Vec<u64>], by: Normalize) -> Vec<Vec<f64>> {
    let of_truth: Vec<u64> = counts.iter().map(|row| row.iter().sum()).collect();
    let of_predicted: Vec<u64> = (0..counts.len()).map(|class| counts.iter().map(|row| row[class]).sum()).collect();
    let all: u64 = of_truth.iter().sum();
    let cell = |truth: usize, predicted: usize| {
        let whole = match by {
            Normalize::True => of_truth[truth],
            Normalize::Pred => of_predicted[predicted],
            Normalize::All => all,
            Normalize::None => 1,
        };
        if whole == 0 { 0.0 } else { counts[truth][predicted] as f64 / whole as f64 }
    };
    let classes = counts.len();
    (0..classes).map(|truth| (0..classes).map(|predicted| cell(truth, predicted)).collect()).collect()
}
