//! ROC curves, and precision over recall.

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
use servoir_studio::evaluate::{Averaged, Classification, Curve, POINTS_MAX};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Points of a curve when the caller does not say.
const RESOLUTION_DEFAULT: usize = 100;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(roc)).routes(routes!(precision_recall))
}

/// Which curve, and how finely.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
struct CurveParams {
    /// This class against all others. When not given: of two classes the second; of more the mean over all classes.
    #[param(required = false, max_length = 1024, pattern = r"^[^\u0000]*$")]
    class_label: Option<String>,
    /// At most so many points, the first and the last among them.
    #[param(required = false, minimum = 2, maximum = 1000, default = 100)]
    resolution: usize,
}

impl FromQuery for CurveParams {
    fn from_query(values: &mut Values) -> Self {
        let resolution = values.integer("resolution", RESOLUTION_DEFAULT as i64, &(2..=POINTS_MAX as i64));
        Self {
            class_label: class(values, "class_label"),
            resolution: usize::try_from(resolution).unwrap_or(RESOLUTION_DEFAULT),
        }
    }
}

/// A ROC curve.
#[derive(Debug, Serialize, ToSchema)]
pub struct RocCurve {
    #[serde(flatten)]
    of: Subject,
    /// `null`: the mean over the classes that have rows and do not have all of them.
    #[schema(required)]
    class_label: Option<String>,
    /// False positive rates, rising; empty when the curve is not defined.
    fpr: Vec<f64>,
    /// True positive rates.
    tpr: Vec<f64>,
    /// The least probability that counts as positive at this point, `null` where none does; `null` for a mean.
    #[schema(required)]
    thresholds: Option<Vec<Option<f64>>>,
    /// The area under the curve, of all rows; `null` when it is not defined.
    #[schema(required)]
    roc_auc: Option<f64>,
}

/// Precision over recall.
#[derive(Debug, Serialize, ToSchema)]
pub struct PrecisionRecallCurve {
    #[serde(flatten)]
    of: Subject,
    /// `null`: the mean over the classes.
    #[schema(required)]
    class_label: Option<String>,
    precision: Vec<f64>,
    recall: Vec<f64>,
    /// The least probability that counts as positive at this point, `null` where none does; `null` for a mean.
    #[schema(required)]
    thresholds: Option<Vec<Option<f64>>>,
    /// Of all rows; `null` without rows.
    #[schema(required)]
    average_precision: Option<f64>,
}

/// Read a ROC curve
///
/// As scikit-learn's `roc_curve` (which leaves out points on a line with their neighbours) and `roc_auc_score`; thinned to
/// `resolution`.
#[utoipa::path(get, path = "/api/v1/models/{id}/performance/roc-curve", operation_id = "getRocCurve", tag = "studio",
    params(("id" = String, Path, description = "Id or name."), Which, CurveParams),
    responses((status = 200, description = "The curve.", body = RocCurve),
        (status = 404, description = "`not-found`, `no-promoted-version` or `not-evaluated`."),
        (status = 422, description = "`classification-only`, or `unknown-class`.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn roc(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    Query(asked): Query<Asked<CurveParams>>,
) -> Result<axum::Json<RocCurve>, ApiError> {
    let (of, found) = Evaluated::read(&app, &caller, &id, asked.which).await?.classification()?;
    let Line { class_label, x, y, thresholds, area } = line(&found, (&found.roc, &found.roc_mean), &asked.chart)?;
    Ok(axum::Json(RocCurve { of, class_label, fpr: x, tpr: y, thresholds, roc_auc: area }))
}

/// Read a curve of precision over recall
///
/// As scikit-learn's `precision_recall_curve` and `average_precision_score`; thinned to `resolution`.
#[utoipa::path(get, path = "/api/v1/models/{id}/performance/pr-curve", operation_id = "getPrecisionRecallCurve",
    tag = "studio", params(("id" = String, Path, description = "Id or name."), Which, CurveParams),
    responses((status = 200, description = "The curve.", body = PrecisionRecallCurve),
        (status = 404, description = "`not-found`, `no-promoted-version` or `not-evaluated`."),
        (status = 422, description = "`classification-only`, or `unknown-class`.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn precision_recall(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    Query(asked): Query<Asked<CurveParams>>,
) -> Result<axum::Json<PrecisionRecallCurve>, ApiError> {
    let (of, found) = Evaluated::read(&app, &caller, &id, asked.which).await?.classification()?;
    let curves = (found.precision_recall.as_slice(), &found.precision_recall_mean);
    let Line { class_label, x, y, thresholds, area } = line(&found, curves, &asked.chart)?;
    Ok(axum::Json(PrecisionRecallCurve {
        of,
        class_label,
        precision: y,
        recall: x,
        thresholds,
        average_precision: area,
    }))
}

/// What a chart draws.
struct Line {
    class_label: Option<String>,
    x: Vec<f64>,
    y: Vec<f64>,
    thresholds: Option<Vec<Option<f64>>>,
    area: Option<f64>,
}

fn line(
    found: &Classification,
    (of_classes, mean): (&[Curve], &Averaged),
    asked: &CurveParams,
) -> Result<Line, ApiError> {
    Ok(match chosen(found, asked.class_label.as_deref())? {
        Some(class) => {
            let Curve { x, y, thresholds, area } = of_classes[class].thinned(asked.resolution);
            Line { class_label: Some(found.classes[class].clone()), x, y, thresholds: Some(thresholds), area }
        }
        None => {
            let Averaged { x, y, area } = mean.thinned(asked.resolution);
            Line { class_label: None, x, y, thresholds: None, area }
        }
    })
}
