//! Whether probabilities are what they say.

use super::asked::{Asked, Which};
use super::class::{chosen, class};
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
    OpenApiRouter::new().routes(routes!(calibration))
}

/// How probabilities are put into bins.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Bins {
    /// Of the same width.
    Uniform,
    /// Of about the same number of rows.
    Quantile,
}

const WORDS: [(&str, Bins); 2] = [("uniform", Bins::Uniform), ("quantile", Bins::Quantile)];

/// Which probabilities, in which bins.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
struct CalibrationParams {
    /// The probability of this class. When not given: of two classes the second's; of more that of the predicted class.
    #[param(required = false, max_length = 1024, pattern = r"^[^\u0000]*$")]
    class_label: Option<String>,
    /// Ten bins of the same width (`uniform`) or of about the same number of rows (`quantile`).
    #[param(required = false, value_type = String, pattern = "^(uniform|quantile)$", default = "uniform")]
    strategy: Bins,
}

impl FromQuery for CalibrationParams {
    fn from_query(values: &mut Values) -> Self {
        Self {
            class_label: class(values, "class_label"),
            strategy: values.choice("strategy", &WORDS).unwrap_or(Bins::Uniform),
        }
    }
}

/// Probabilities beside how often they came true.
#[derive(Debug, Serialize, ToSchema)]
pub struct CalibrationCurve {
    #[serde(flatten)]
    of: Subject,
    /// `null`: the probability of the predicted class.
    #[schema(required)]
    class_label: Option<String>,
    strategy: Bins,
    /// The mean probability in each bin that has rows.
    prob_pred: Vec<f64>,
    /// The share of the bin's rows for which it came true.
    prob_true: Vec<f64>,
    /// The bin's rows.
    counts: Vec<u64>,
    /// The mean distance of the two, weighted by rows; `null` without rows.
    #[schema(required)]
    expected_calibration_error: Option<f64>,
}

/// Read the calibration curve
///
/// As scikit-learn's `calibration_curve` with ten bins.
#[utoipa::path(get, path = "/api/v1/models/{id}/performance/calibration", operation_id = "getCalibration",
    tag = "studio", params(("id" = String, Path, description = "Id or name."), Which, CalibrationParams),
    responses((status = 200, description = "The curve.", body = CalibrationCurve),
        (status = 404, description = "`not-found`, `no-promoted-version` or `not-evaluated`."),
        (status = 422, description = "`classification-only`, or `unknown-class`.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn calibration(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    Query(asked): Query<Asked<CalibrationParams>>,
) -> Result<axum::Json<CalibrationCurve>, ApiError> {
    let (of, mut found) = Evaluated::read(&app, &caller, &id, asked.which).await?.classification()?;
    let class = chosen(&found, asked.chart.class_label.as_deref())?;
    let calibration = match class {
        Some(class) => found.calibration.swap_remove(class),
        None => found.confidence,
    };
    let bins = match asked.chart.strategy {
        Bins::Uniform => calibration.uniform,
        Bins::Quantile => calibration.quantile,
    };
    Ok(axum::Json(CalibrationCurve {
        of,
        class_label: class.map(|class| found.classes.swap_remove(class)),
        strategy: asked.chart.strategy,
        prob_pred: bins.predicted,
        prob_true: bins.observed,
        counts: bins.counts,
        expected_calibration_error: bins.error,
    }))
}
