//! Who a caller is, as the server sees it.

use crate::app::SharedApp;
use crate::auth::{AnyScope, Caller};
use crate::error::ApiError;
use crate::http::query::{NoParameters, Query};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(whoami))
}

/// Who a caller is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// A key's id, a token's `sub`, or `anonymous` with authentication off.
    subject: String,
    organization_id: String,
    /// `*` stands for all of them.
    scopes: Vec<String>,
    /// `api-key`, `jwt`, or `none` with authentication off.
    credential: &'static str,
}

/// Say who I am
///
/// The principal that this request's credential stands for. Any credential will do.
#[utoipa::path(get, path = "/api/v1/auth/whoami", operation_id = "whoami", tag = "identity",
    responses((status = 200, description = "Who the caller is.", body = Identity)),
    security(("ApiKey" = []), ("Bearer" = [])))]
async fn whoami(caller: Caller<AnyScope>, _: Query<NoParameters>) -> Result<axum::Json<Identity>, ApiError> {
    let principal = caller.principal;
    Ok(axum::Json(Identity {
        subject: principal.subject.to_string(),
        organization_id: principal.organization.to_string(),
        scopes: principal.scopes.to_vec(),
        credential: principal.credential.as_str(),
    }))
}
