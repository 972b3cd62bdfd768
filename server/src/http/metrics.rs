//! `GET /metrics`: Prometheus text, or OpenMetrics when the scraper asks for it.

use crate::app::SharedApp;
use crate::auth::Principal;
use crate::auth::scope::{MonitoringRead, Scope};
use crate::error::ApiError;
use crate::http::client_address::ClientAddress;
use crate::telemetry::exposition::Exposition;
use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(scrape))
}

/// All metrics of the server. From this machine, or when `metrics.public` is set, no credential is needed; from elsewhere
/// the scope `monitoring:read`.
#[utoipa::path(get, path = "/metrics", tag = "health",
    responses((status = 200, description = "The metrics.", body = String, content_type = "text/plain")))]
async fn scrape(
    State(app): State<SharedApp>,
    Extension(client): Extension<ClientAddress>,
    Extension(principal): Extension<Result<Principal, ApiError>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    if !app.config.metrics_public && !client.is_local() {
        principal?.require(MonitoringRead::NAME)?;
    }
    let exposition = Exposition::accepted_by(&headers);
    // The driver of a GPU is asked, which may take its time.
    let encode = tokio::task::spawn_blocking(move || app.metrics.encode(&app, exposition));
    let text = encode.await.map_err(ApiError::internal)?.map_err(ApiError::internal)?;
    Ok(([(header::CONTENT_TYPE, exposition.media_type())], text).into_response())
}
