//! The numbers that stand for the whole.

use super::asked::Which;
use super::evaluated::{Evaluated, Subject};
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::StudioRead;
use crate::error::ApiError;
use crate::http::path::Path;
use crate::http::query::Query;
use axum::extract::State;
use serde::Serialize;
use servoir_studio::evaluate::{Evaluation, Summary};
use servoir_studio::task::Task;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(summary))
}

/// The numbers that stand for the whole.
#[derive(Debug, Serialize, ToSchema)]
pub struct PerformanceSummary {
    #[serde(flatten)]
    of: Subject,
    /// `classification` or `regression`.
    #[schema(value_type = String)]
    task_type: Task,
    /// How many rows were answered.
    rows: u64,
    /// By scikit-learn's name; `null` where a number is not defined for these rows.
    metrics: Summary,
}

/// Sum up a version's performance
///
/// Of classifiers accuracy, balanced accuracy, precision, recall and F1 (macro, weighted, micro), log loss, ROC AUC and average
/// precision (of two classes the second's, of more the mean over the classes), Brier score, Matthews' correlation and expected
/// calibration error; of regressions mean, median and largest absolute error, MSE, RMSE, MAPE, R² and explained variance.
#[utoipa::path(get, path = "/api/v1/models/{id}/performance/summary", operation_id = "getPerformanceSummary",
    tag = "studio", params(("id" = String, Path, description = "Id or name."), Which),
    responses((status = 200, description = "The numbers.", body = PerformanceSummary),
        (status = 404, description = "`not-found`, `no-promoted-version` or `not-evaluated`.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn summary(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Result<axum::Json<PerformanceSummary>, ApiError> {
    let Evaluated { subject: of, found } = Evaluated::read(&app, &caller, &id, which).await?;
    Ok(axum::Json(match found {
        Evaluation::Classification(found) => {
            PerformanceSummary { of, task_type: Task::Classification, rows: found.rows, metrics: found.summary }
        }
        Evaluation::Regression(found) => {
            PerformanceSummary { of, task_type: Task::Regression, rows: found.rows, metrics: found.summary }
        }
    }))
}
