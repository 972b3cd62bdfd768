//! How far off a regression's answers are.

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
use servoir_studio::evaluate::{QUANTILES, Sampled};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(residuals))
}

/// How far off the answers are. A residual is the true number less the predicted one; `null` is a number that is not finite.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResidualsChart {
    #[serde(flatten)]
    of: Subject,
    rows: u64,
    #[schema(required)]
    mean: Option<f64>,
    #[schema(required)]
    standard_deviation: Option<f64>,
    quantiles: Vec<ResidualQuantile>,
    histogram: ResidualHistogram,
    /// Evenly spaced rows, 1,000 at most.
    sample: Vec<SampledRow>,
}

/// A quantile of the residuals.
#[derive(Debug, Serialize, ToSchema)]
struct ResidualQuantile {
    /// The share of rows at or below it.
    quantile: f64,
    #[schema(required)]
    residual: Option<f64>,
}

/// How often which residual occurs.
#[derive(Debug, Serialize, ToSchema)]
struct ResidualHistogram {
    /// One more than bins.
    edges: Vec<f64>,
    /// A bin has its lower edge, the last both.
    counts: Vec<u64>,
}

/// A row with both numbers.
#[derive(Debug, Serialize, ToSchema)]
struct SampledRow {
    /// Its place in the dataset, from 0.
    row: u64,
    #[schema(required)]
    true_value: Option<f64>,
    #[schema(required)]
    predicted_value: Option<f64>,
    #[schema(required)]
    residual: Option<f64>,
}

impl From<Sampled> for SampledRow {
    fn from(Sampled { row, truth, predicted }: Sampled) -> Self {
        let residual = truth.zip(predicted).map(|(truth, predicted)| truth - predicted);
        Self { row, true_value: truth, predicted_value: predicted, residual: residual.filter(|it| it.is_finite()) }
    }
}

/// Read the residuals
///
/// Quantiles, a histogram of 50 bins, and a sample of rows with the true and the predicted number.
#[utoipa::path(get, path = "/api/v1/models/{id}/performance/residuals", operation_id = "getResiduals", tag = "studio",
    params(("id" = String, Path, description = "Id or name."), Which),
    responses((status = 200, description = "The residuals.", body = ResidualsChart),
        (status = 404, description = "`not-found`, `no-promoted-version` or `not-evaluated`."),
        (status = 422, description = "`regression-only`.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn residuals(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Result<axum::Json<ResidualsChart>, ApiError> {
    let (of, found) = Evaluated::read(&app, &caller, &id, which).await?.regression()?;
    let residuals = found.residuals;
    let quantiles = QUANTILES.into_iter().zip(residuals.quantiles);
    Ok(axum::Json(ResidualsChart {
        of,
        rows: found.rows,
        mean: residuals.mean,
        standard_deviation: residuals.deviation,
        quantiles: quantiles.map(|(quantile, residual)| ResidualQuantile { quantile, residual }).collect(),
        histogram: ResidualHistogram { edges: residuals.histogram.edges, counts: residuals.histogram.counts },
        sample: residuals.sample.into_iter().map(SampledRow::from).collect(),
    }))
}
