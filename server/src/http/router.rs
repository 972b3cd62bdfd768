//! The one table of management routes, and the OpenAPI document that comes of it.

use crate::app::SharedApp;
use crate::error::ApiError;
use crate::http::openapi::{self, Document};
use crate::http::predict::DataPlane;
use crate::http::{auth, health, idempotency, metrics, registry, studio};
use axum::Router;
use axum::middleware::from_fn_with_state;
use servoir_types::Kind;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

/// Every management route with its description.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new()
        .merge(health::routes())
        .merge(metrics::routes())
        .merge(registry::routes())
        .merge(auth::routes())
        .merge(studio::routes())
}

/// The document that describes every route.
///
/// # Errors
/// When the description cannot be written as JSON, which a test rules out.
pub fn document() -> Result<serde_json::Value, serde_json::Error> {
    let mut document = OpenApiRouter::<SharedApp>::with_openapi(Document::openapi()).merge(routes()).into_openapi();
    document.merge(DataPlane::openapi());
    serde_json::to_value(document).map(openapi::complete)
}

/// The router of a listener that offers predictions alone, beside a listener for management: health and nothing else.
pub fn health_alone(app: SharedApp) -> Router {
    let (router, _) = health::routes().split_for_parts();
    router.fallback(no_such_route).with_state(app)
}

/// The router that management requests go to.
pub fn build(app: SharedApp) -> Router {
    let (router, _) = routes().split_for_parts();
    let router = router.route_layer(from_fn_with_state(app.clone(), idempotency::layer));
    let router = router.route_layer(from_fn_with_state(app.clone(), registry::unless_in_use));
    router.merge(openapi::routes(document)).fallback(no_such_route).with_state(app)
}

async fn no_such_route(uri: http::Uri) -> ApiError {
    let detail = format!("there is nothing at {}; the routes are described at {}", uri.path(), openapi::PAGE_PATH);
    ApiError::new(Kind::NotFound, "no-such-route", detail)
}
