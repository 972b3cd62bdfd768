//! The one table of management routes, and the OpenAPI document that comes of it.

use crate::app::SharedApp;
use crate::error::ApiError;
use crate::http::{auth, health, metrics, registry};
use axum::Router;
use servoir_types::Kind;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

/// Every management route with its description.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new()
        .merge(health::routes())
        .merge(metrics::routes())
        .merge(registry::routes())
        .merge(auth::routes())
}

/// The router that management requests go to.
pub fn build(app: SharedApp) -> Router {
    let (router, _document) =
        OpenApiRouter::<SharedApp>::with_openapi(Document::openapi()).merge(routes()).split_for_parts();
    router.fallback(no_such_route).with_state(app)
}

#[derive(OpenApi)]
#[openapi(info(title = "Servoir", description = "A model server with a registry built in."))]
struct Document;

async fn no_such_route(uri: http::Uri) -> ApiError {
    let detail = format!("there is nothing at {}; the routes are described at /api/docs", uri.path());
    ApiError::new(Kind::NotFound, "no-such-route", detail)
}
