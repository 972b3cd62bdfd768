//! `/livez` and `/readyz`: for load balancers and orchestrators.

use crate::app::SharedApp;
use crate::error::ApiError;
use crate::readiness::Readiness;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use servoir_types::Kind;
use std::fmt::Write as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(livez)).routes(routes!(readyz))
}

/// Whether a path is one that tells how the server is.
pub fn is_probe(path: &str) -> bool {
    const PROBES: [&str; 5] =
        ["/livez", "/readyz", "/v2/health/live", "/v2/health/ready", "/grpc.health.v1.Health/Check"];
    PROBES.contains(&path)
}

/// The process is up.
#[utoipa::path(get, path = "/livez", tag = "health", responses((status = 200, description = "The process is up.", body = String)))]
async fn livez() -> &'static str {
    "ok\n"
}

/// Traffic is welcome; with `?verbose`, each check by itself.
#[utoipa::path(get, path = "/readyz", tag = "health", params(("verbose" = Option<String>, Query, description = "List each check.")),
    responses((status = 200, description = "Ready.", body = String), (status = 503, description = "Not ready.")))]
async fn readyz(State(app): State<SharedApp>, RawQuery(query): RawQuery) -> Response {
    let verbose =
        query.is_some_and(|query| query.split('&').any(|pair| pair == "verbose" || pair.starts_with("verbose=")));
    if !app.readiness.is_ready() {
        return not_ready(&app.readiness).into_response();
    }
    if verbose { report(&app.readiness).into_response() } else { "ok\n".into_response() }
}

/// 503, naming each check that fails.
pub fn not_ready(readiness: &Readiness) -> ApiError {
    let failing: Vec<_> = readiness.checks().into_iter().filter(|check| !check.ok).collect();
    let detail = failing.iter().map(|check| format!("{}: {}", check.name, check.detail)).collect::<Vec<_>>().join("; ");
    ApiError {
        retry_after_seconds: Some(1),
        ..ApiError::new(Kind::Unavailable, "not-ready", format!("not ready: {detail}"))
    }
}

fn report(readiness: &Readiness) -> String {
    readiness.checks().into_iter().fold(String::new(), |mut report, check| {
        let mark = if check.ok { "ok" } else { "failing" };
        let _ = writeln!(report, "{mark}  {}  {}", check.name, check.detail);
        report
    })
}
