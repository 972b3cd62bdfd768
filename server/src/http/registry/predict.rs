//! Predictions through the registry's URL space: the same as `/v1/predict/{id}`.

use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::InferenceInvoke;
use crate::http::path::Path;
use crate::http::predict::{self, PredictRequest, PredictResponse};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(answer))
}

/// Predict
///
/// The same as `POST /v1/predict/{id}`: bodies, answers and errors.
#[utoipa::path(post, path = "/api/v1/model-registry/models/{id}/predict", operation_id = "predictModel",
    tag = "predictions",
    params(("id" = String, Path, description = "Id or name."),
        ("version" = Option<i64>, Query, minimum = 1, description = "Only when this version is live.")),
    request_body = PredictRequest,
    responses((status = 200, description = "The predictions.", body = PredictResponse),
        (status = 400, description = "Not JSON, a wrong type or an unknown field."),
        (status = 404, description = "`not-found`: no such model or version, or none is live."),
        (status = 422, description = "`input-mismatch`: well-formed, and wrong for this model."),
        (status = 429, description = "`queue-full`, or `latency-target`: the wait is forecast to be too long."),
        (status = 503, description = "Not ready, or on its way out."),
        (status = 504, description = "`deadline-exceeded`.")),
    security(("ApiKey" = ["inference:invoke"]), ("Bearer" = ["inference:invoke"])))]
async fn answer(
    _: Caller<InferenceInvoke>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Response {
    predict::registry_twin(&app, &id, request).await
}
