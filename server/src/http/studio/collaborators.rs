//! The people of a model, and what they may.

use super::access::studio_model;
use super::choices::{given_role_schema, role_schema};
use super::paging::{PageParams, Results};
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::{StudioRead, StudioWrite};
use crate::error::ApiError;
use crate::http::fields::Fields;
use crate::http::json::Json;
use crate::http::path::{OnlyPath, Path};
use crate::http::query::Query;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use servoir_registry::{self as registry, Role};
use servoir_types::Timestamp;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The most characters in the id of a user.
const USER_CHARS_MAX: usize = 256;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(change, remove))
}

/// Somebody who may do something with a model.
#[derive(Debug, Serialize, ToSchema)]
pub struct Collaborator {
    /// A key's id or a token's subject.
    user_id: String,
    #[schema(schema_with = role_schema)]
    role: &'static str,
    added_by: String,
    #[schema(value_type = String, format = DateTime)]
    added_at: Timestamp,
}

impl From<registry::Collaborator> for Collaborator {
    fn from(one: registry::Collaborator) -> Self {
        Self { user_id: one.subject, role: one.role.text(), added_by: one.added_by, added_at: one.added_at }
    }
}

/// Somebody to let in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AddCollaborator {
    /// A key's id or a token's subject, as `GET /api/v1/auth/whoami` says it.
    #[schema(required, value_type = String, min_length = 1, max_length = 256, pattern = r"^[^\u0000]*$")]
    user_id: Option<String>,
    /// `viewer`, `editor` or `admin`; a model has one owner, who stays.
    #[schema(required, schema_with = given_role_schema)]
    role: Option<String>,
}

/// What somebody may do from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeCollaborator {
    #[schema(required, schema_with = given_role_schema)]
    role: Option<String>,
}

fn checked_role(fields: &mut Fields, role: Option<String>) -> Option<Role> {
    let role = fields.required("/role", role);
    role.and_then(|role| fields.choice("/role", &role, Role::ALL))
}

/// List collaborators
///
/// The owner first, then the others in the order in which they came.
#[utoipa::path(get, path = "/api/v1/models/{id}/collaborators", operation_id = "listCollaborators", tag = "studio",
    params(("id" = String, Path, description = "Id or name."), PageParams),
    responses((status = 200, description = "A page of people.", body = Results<Collaborator>),
        (status = 404, description = "`not-found`: the organization has no such model.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn list(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    Query(page): Query<PageParams>,
) -> Result<axum::Json<Results<Collaborator>>, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Viewer).await?.model;
    let found = app.registry.collaborators(&model.id, page.window()).await?;
    Ok(axum::Json(page.of(found, Collaborator::from)))
}

/// Add a collaborator
///
/// For the administrators of the model.
#[utoipa::path(post, path = "/api/v1/models/{id}/collaborators", operation_id = "addCollaborator", tag = "studio",
    params(("id" = String, Path, description = "Id or name.")),
    request_body = AddCollaborator,
    responses((status = 201, description = "Added.", body = Collaborator),
        (status = 404, description = "`not-found`: the organization has no such model."),
        (status = 409, description = "`collaborator-exists`: change the role instead."),
        (status = 422, description = "`owner-stays`: a model has one owner; `too-many-collaborators`.")),
    security(("ApiKey" = ["studio:write"]), ("Bearer" = ["studio:write"])))]
async fn add(
    caller: Caller<StudioWrite>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
    Json(request): Json<AddCollaborator>,
) -> Result<Response, ApiError> {
    let mut fields = Fields::default();
    let user = fields.required("/user_id", request.user_id.filter(|user| !user.is_empty()));
    fields.no_longer_than("/user_id", user.as_deref().unwrap_or_default(), USER_CHARS_MAX);
    let role = checked_role(&mut fields, request.role);
    let (user, role) = fields.finish_with(user.zip(role))?;
    let model = studio_model(&app, &caller, &id, Role::Admin).await?.model;
    let added = app.registry.add_collaborator(&caller.actor, &model.id, &user, role).await?;
    Ok((StatusCode::CREATED, axum::Json(Collaborator::from(added))).into_response())
}

/// Change a collaborator's role
///
/// For the administrators of the model.
#[utoipa::path(patch, path = "/api/v1/models/{id}/collaborators/{user_id}", operation_id = "changeCollaborator",
    tag = "studio",
    params(("id" = String, Path, description = "Id or name."), ("user_id" = String, Path, description = "Who.")),
    request_body = ChangeCollaborator,
    responses((status = 200, description = "Changed.", body = Collaborator),
        (status = 404, description = "`not-found`: no such model or collaborator."),
        (status = 422, description = "`owner-stays`: a model has one owner.")),
    security(("ApiKey" = ["studio:write"]), ("Bearer" = ["studio:write"])))]
async fn change(
    caller: Caller<StudioWrite>,
    State(app): State<SharedApp>,
    OnlyPath((id, user)): OnlyPath<(String, String)>,
    Json(request): Json<ChangeCollaborator>,
) -> Result<axum::Json<Collaborator>, ApiError> {
    let mut fields = Fields::default();
    let role = checked_role(&mut fields, request.role);
    let role = fields.finish_with(role)?;
    let model = studio_model(&app, &caller, &id, Role::Admin).await?.model;
    Ok(axum::Json(app.registry.change_collaborator(&caller.actor, &model.id, &user, role).await?.into()))
}

/// Remove a collaborator
///
/// For the administrators of the model.
#[utoipa::path(delete, path = "/api/v1/models/{id}/collaborators/{user_id}", operation_id = "removeCollaborator",
    tag = "studio",
    params(("id" = String, Path, description = "Id or name."), ("user_id" = String, Path, description = "Who.")),
    responses((status = 204, description = "Removed."),
        (status = 404, description = "`not-found`: no such model or collaborator."),
        (status = 422, description = "`owner-stays`: a model has one owner.")),
    security(("ApiKey" = ["studio:write"]), ("Bearer" = ["studio:write"])))]
async fn remove(
    caller: Caller<StudioWrite>,
    State(app): State<SharedApp>,
    OnlyPath((id, user)): OnlyPath<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Admin).await?.model;
    app.registry.remove_collaborator(&caller.actor, &model.id, &user).await?;
    Ok(StatusCode::NO_CONTENT)
}
