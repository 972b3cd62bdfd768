//! What happened to a model.

use super::access::studio_model;
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::StudioRead;
use crate::error::ApiError;
use crate::http::openapi::texts;
use crate::http::path::Path;
use crate::http::query::{FromQuery, Query, Values};
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use servoir_registry::{AuditEntry, AuditFilter, Role, Window};
use servoir_types::Timestamp;
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Events in one page when the caller does not say, and at most.
const LIMIT_DEFAULT: i64 = 50;
const LIMIT_MAX: i64 = 200;
/// The most characters of a filter.
const FILTER_CHARS_MAX: usize = 256;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Something that happened to a model.
#[derive(Debug, Serialize, ToSchema)]
pub struct Event {
    /// Grows with each event.
    #[schema(minimum = 1)]
    id: i64,
    /// `model.created`, `model.deployed`, ….
    event_type: String,
    model_id: String,
    /// Who did it: a key's id, a token's subject, or `system`.
    actor_id: String,
    #[schema(value_type = String, format = DateTime)]
    timestamp: Timestamp,
    /// What was before, as far as the event is about it.
    #[schema(required, value_type = Option<Object>)]
    before: Option<Value>,
    /// What was after.
    #[schema(required, value_type = Option<Object>)]
    after: Option<Value>,
}

impl From<AuditEntry> for Event {
    fn from(entry: AuditEntry) -> Self {
        Self {
            id: entry.sequence,
            event_type: entry.action,
            model_id: entry.target,
            actor_id: entry.actor,
            timestamp: entry.at,
            before: entry.before,
            after: entry.after,
        }
    }
}

/// A page of events, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Events {
    /// How many match in all.
    #[schema(minimum = 0)]
    total: i64,
    limit: i64,
    offset: i64,
    events: Vec<Event>,
}

/// Which events.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // describes the parameters; `ActivityQuery` carries them
struct ActivityParams {
    /// At most so many events.
    #[param(required = false, minimum = 1, maximum = 200, default = 50)]
    limit: i64,
    /// After so many events.
    #[param(required = false, minimum = 0, default = 0)]
    offset: i64,
    /// `model.deployed`, or `deployed` alone.
    #[param(required = false, schema_with = texts::filter)]
    event_type: Option<String>,
    /// Not before.
    #[param(required = false, schema_with = texts::time)]
    from: Option<String>,
    /// Not after.
    #[param(required = false, schema_with = texts::time)]
    to: Option<String>,
}

/// The parameters of a list of events.
struct ActivityQuery(AuditFilter);

impl IntoParams for ActivityQuery {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        ActivityParams::into_params(place)
    }
}

impl FromQuery for ActivityQuery {
    fn from_query(values: &mut Values) -> Self {
        let window = Window {
            limit: values.integer("limit", LIMIT_DEFAULT, &(1..=LIMIT_MAX)),
            offset: values.integer("offset", 0, &(0..=i64::MAX)),
        };
        let action = values.text("event_type", FILTER_CHARS_MAX).map(whole_action);
        Self(AuditFilter { action, from: values.time("from"), to: values.time("to"), ..AuditFilter::all(window) })
    }
}

/// An action, of a model unless it says of what.
pub fn whole_action(action: String) -> String {
    if action.contains('.') { action } else { format!("model.{action}") }
}

/// List what happened to a model
///
/// A page of what was done to the model, the newest first, through either API, the command line, or by the server itself.
#[utoipa::path(get, path = "/api/v1/models/{id}/activity", operation_id = "listModelActivity", tag = "studio",
    params(("id" = String, Path, description = "Id or name."), ActivityParams),
    responses((status = 200, description = "A page of events.", body = Events),
        (status = 404, description = "`not-found`: the organization has no such model.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn list(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    Query(ActivityQuery(filter)): Query<ActivityQuery>,
) -> Result<axum::Json<Events>, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Viewer).await?.model;
    let Window { limit, offset } = filter.window;
    let filter = AuditFilter { target: Some(model.id.to_string()), ..filter };
    let found = app.registry.audit(&model.organization, &filter).await?;
    let events = found.items.into_iter().map(Event::from).collect();
    Ok(axum::Json(Events { total: found.total, limit, offset, events }))
}
