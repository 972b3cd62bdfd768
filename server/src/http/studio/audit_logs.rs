//! The audit: who did what, by which right, and when.

use super::access::studio_model;
use super::activity::whole_action;
use super::choices::{ORDERS, order_schema};
use super::paging::{PageParams, Results};
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::AuditRead;
use crate::error::ApiError;
use crate::http::openapi::texts;
use crate::http::path::Path;
use crate::http::query::{FromQuery, Query, Values};
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use servoir_registry::{AuditEntry, AuditFilter, Role};
use servoir_types::Timestamp;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Entries in one page when the caller does not say, and at most.
const SIZE_DEFAULT: i64 = 50;
const SIZE_MAX: i64 = 200;
/// How far back is looked when the caller does not say.
const FROM_DEFAULT_SECONDS: i64 = 90 * 86_400;
/// The most characters of a filter.
const FILTER_CHARS_MAX: usize = 256;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(of_model)).routes(routes!(of_organization))
}

/// Something that was done.
#[derive(Debug, Serialize, ToSchema)]
pub struct Entry {
    /// From 1, over all organizations; entries are chained in this order.
    #[schema(minimum = 1)]
    sequence: i64,
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    /// A key's id, a token's subject, or `system`.
    actor_id: String,
    /// `api-key:` and the key's id, `jwt`, `bootstrap`, `none`, `system`.
    credential: String,
    /// From where it came over the network.
    #[schema(required)]
    address: Option<String>,
    /// `model.created`, `api_key.revoked`, ….
    action: String,
    /// The id of the object that it was done to.
    target: String,
    /// What of it was before.
    #[schema(required, value_type = Option<Object>)]
    before: Option<Value>,
    /// What of it was after.
    #[schema(required, value_type = Option<Object>)]
    after: Option<Value>,
    /// Finds the request in the log.
    request_id: String,
}

impl From<AuditEntry> for Entry {
    fn from(entry: AuditEntry) -> Self {
        Self {
            sequence: entry.sequence,
            timestamp: entry.at,
            actor_id: entry.actor,
            credential: entry.credential,
            address: entry.address,
            action: entry.action,
            target: entry.target,
            before: entry.before,
            after: entry.after,
            request_id: entry.request_id,
        }
    }
}

/// Which entries, in which order.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // describes the parameters; `AuditQuery` carries them
struct AuditParams {
    /// Not before; by default 90 days ago.
    #[param(required = false, schema_with = texts::time)]
    from: Option<String>,
    /// Not after.
    #[param(required = false, schema_with = texts::time)]
    to: Option<String>,
    /// `api_key.created`; `deployed` stands for `model.deployed`.
    #[param(required = false, schema_with = texts::filter)]
    action: Option<String>,
    /// A key's id or a token's subject.
    #[param(required = false, schema_with = texts::filter)]
    actor_id: Option<String>,
    /// From 1.
    #[param(required = false, minimum = 1, maximum = 1_000_000_000, default = 1)]
    page: i64,
    /// At most so many entries.
    #[param(required = false, minimum = 1, maximum = 200, default = 50)]
    page_size: i64,
    /// By default `desc`: the newest first.
    #[param(required = false, schema_with = order_schema)]
    sort_order: Option<String>,
}

/// The parameters of a list of entries.
struct AuditQuery {
    filter: AuditFilter,
    page: PageParams,
}

impl IntoParams for AuditQuery {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        AuditParams::into_params(place)
    }
}

impl FromQuery for AuditQuery {
    fn from_query(values: &mut Values) -> Self {
        let page = PageParams::sized(values, SIZE_DEFAULT, &(1..=SIZE_MAX));
        let filter = AuditFilter {
            target: None,
            action: values.text("action", FILTER_CHARS_MAX).map(whole_action),
            actor: values.text("actor_id", FILTER_CHARS_MAX),
            from: values.time("from").or_else(|| Some(Timestamp::now().plus_seconds(-FROM_DEFAULT_SECONDS))),
            to: values.time("to"),
            ascending: values.choice("sort_order", ORDERS) == Some(false),
            window: page.window(),
        };
        Self { filter, page }
    }
}

/// List a model's audit entries
///
/// Who did what to the model, through either API, the command line, or the server itself. Entries cannot be changed; `servoir
/// audit verify` finds one that was altered or taken out of the database.
#[utoipa::path(get, path = "/api/v1/models/{id}/audit-logs", operation_id = "listModelAudit", tag = "audit",
    params(("id" = String, Path, description = "Id or name."), AuditParams),
    responses((status = 200, description = "A page of entries.", body = Results<Entry>),
        (status = 404, description = "`not-found`: the organization has no such model.")),
    security(("ApiKey" = ["audit:read"]), ("Bearer" = ["audit:read"])))]
async fn of_model(
    caller: Caller<AuditRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    Query(AuditQuery { filter, page }): Query<AuditQuery>,
) -> Result<axum::Json<Results<Entry>>, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Viewer).await?.model;
    let filter = AuditFilter { target: Some(model.id.to_string()), ..filter };
    Ok(axum::Json(page.of(app.registry.audit(&model.organization, &filter).await?, Entry::from)))
}

/// List audit entries
///
/// Who did what in the organization; of models that are gone, too.
#[utoipa::path(get, path = "/api/v1/audit-logs", operation_id = "listAudit", tag = "audit",
    params(AuditParams), responses((status = 200, description = "A page of entries.", body = Results<Entry>)),
    security(("ApiKey" = ["audit:read"]), ("Bearer" = ["audit:read"])))]
async fn of_organization(
    caller: Caller<AuditRead>,
    State(app): State<SharedApp>,
    Query(AuditQuery { filter, page }): Query<AuditQuery>,
) -> Result<axum::Json<Results<Entry>>, ApiError> {
    Ok(axum::Json(page.of(app.registry.audit(&caller.actor.organization, &filter).await?, Entry::from)))
}
