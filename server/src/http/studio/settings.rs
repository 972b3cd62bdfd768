//! A model's settings: how it is shown, who is told what, and who sees it.

use super::access::studio_model;
use super::choices::{VISIBILITIES, visibility_schema};
use super::model_view::visibility;
use super::settings_request::PatchSettings;
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::{StudioRead, StudioWrite};
use crate::error::ApiError;
use crate::http::etag::{self, IfMatch};
use crate::http::json::Json;
use crate::http::path::OnlyPath;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use servoir_registry::{Role, StudioModel, StudioPart};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(read, change))
}

/// A model's settings.
#[derive(Debug, Serialize, ToSchema)]
pub struct Settings {
    /// Texts, numbers and truth values by name: whatever the caller's pages want to remember.
    #[schema(value_type = Object)]
    display: Map<String, Value>,
    /// The same, of who is told what.
    #[schema(value_type = Object)]
    notifications: Map<String, Value>,
    access: Access,
}

/// Who sees a model.
#[derive(Debug, Serialize, ToSchema)]
pub struct Access {
    /// `org`: everybody in the organization; `private`: its owner, its collaborators and administrators.
    #[schema(schema_with = visibility_schema)]
    visibility: &'static str,
}

impl From<&StudioModel> for Settings {
    fn from(model: &StudioModel) -> Self {
        let section = |name: &str| model.settings.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
        Self {
            display: section("display"),
            notifications: section("notifications"),
            access: Access { visibility: visibility(model.private) },
        }
    }
}

/// Read the settings
///
/// How the model is shown, who is told what, and who sees it.
#[utoipa::path(get, path = "/api/v1/models/{id}/settings", operation_id = "getModelSettings", tag = "studio",
    params(("id" = String, Path, description = "Id or name.")),
    responses((status = 200, description = "All of them.", body = Settings, headers(("ETag" = String))),
        (status = 404, description = "`not-found`: the organization has no such model.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn read(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
) -> Result<Response, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Viewer).await?;
    Ok((etag::header_of(&model.model), axum::Json(Settings::from(&model))).into_response())
}

/// Change settings
///
/// Each entry of a section that is given takes the place of the entry of its name; `null` takes it away. Who sees the model
/// is for its administrators to say.
#[utoipa::path(patch, path = "/api/v1/models/{id}/settings", operation_id = "patchModelSettings", tag = "studio",
    params(("id" = String, Path, description = "Id or name."), IfMatch),
    request_body = PatchSettings,
    responses((status = 200, description = "All of them, as they are now.", body = Settings, headers(("ETag" = String))),
        (status = 404, description = "`not-found`: the organization has no such model."),
        (status = 412, description = "`stale`: the model has changed since.")),
    security(("ApiKey" = ["studio:write"]), ("Bearer" = ["studio:write"])))]
async fn change(
    caller: Caller<StudioWrite>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
    condition: IfMatch,
    Json(request): Json<PatchSettings>,
) -> Result<Response, ApiError> {
    let patch = request.check(VISIBILITIES)?;
    let least = if patch.private.is_some() { Role::Admin } else { Role::Editor };
    let model = studio_model(&app, &caller, &id, least).await?;
    let at = (&model.model.id, condition.revision_of(&model.model)?);
    let changed =
        app.registry.change_studio_model(&caller.actor, at, StudioPart::Settings, |model| patch.of(model)).await?;
    Ok((etag::header_of(&changed.model), axum::Json(Settings::from(&changed))).into_response())
}
