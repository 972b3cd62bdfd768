//! API keys: make, list, read, revoke.

use super::key_request::CreateApiKey;
use super::key_view::{ApiKey, ApiKeyList, CreatedApiKey};
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::AuthAdmin;
use crate::error::ApiError;
use crate::http::idempotency::KeepInstead;
use crate::http::json::Json;
use crate::http::pagination::window;
use crate::http::path::OnlyPath;
use crate::http::query::{FromQuery, NoParameters, Query, Values};
use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use servoir_registry::{KeyStatus, Window};
use servoir_types::Timestamp;
use utoipa::IntoParams;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The states of a key.
const STATUSES: &[(&str, KeyStatus)] =
    &[("active", KeyStatus::Active), ("revoked", KeyStatus::Revoked), ("expired", KeyStatus::Expired)];

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(read, revoke))
}

/// Which keys.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
struct KeyListParams {
    #[param(required = false, schema_with = status_schema, value_type = Option<String>)]
    status: Option<KeyStatus>,
    /// At most so many keys.
    #[param(required = false, minimum = 1, maximum = 200, default = 20)]
    limit: i64,
    /// After so many keys.
    #[param(required = false, minimum = 0, default = 0)]
    offset: i64,
}

fn status_schema() -> Object {
    let words = STATUSES.iter().map(|(word, _)| *word);
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
}

impl FromQuery for KeyListParams {
    fn from_query(values: &mut Values) -> Self {
        let Window { limit, offset } = window(values);
        Self { status: values.choice("status", STATUSES), limit, offset }
    }
}

/// Make an API key
///
/// The key is shown in this answer and never again: only its hash is kept. It works at once. A repeat under the same
/// `Idempotency-Key` makes no second key and gets the same answer with `key` being `null`.
#[utoipa::path(post, path = "/api/v1/auth/api-keys", operation_id = "createApiKey", tag = "identity",
    request_body = CreateApiKey,
    responses((status = 201, description = "Made.", body = CreatedApiKey, headers(("Location" = String))),
        (status = 403, description = "`scope-exceeded`: the caller does not have every scope itself.")),
    security(("ApiKey" = ["auth:admin"]), ("Bearer" = ["auth:admin"])))]
async fn create(
    caller: Caller<AuthAdmin>,
    State(app): State<SharedApp>,
    _: Query<NoParameters>,
    Json(request): Json<CreateApiKey>,
) -> Result<Response, ApiError> {
    let new = request.check(&caller.principal, Timestamp::now())?;
    let (key, secret) = app.registry.create_key(&caller.actor, new).await?;
    if let Err(error) = app.authenticator.keys.refresh(&app.registry).await {
        // The key exists and is shown only now; it begins to work with the next refresh.
        tracing::warn!(%error, "a new API key is not known here yet");
    }
    let location = [(header::LOCATION, format!("/api/v1/auth/api-keys/{}", key.id))];
    let created = CreatedApiKey::new(key, &secret);
    let kept = serde_json::to_vec(&created.without_secret()).map_err(ApiError::internal)?;
    let kept = Extension(KeepInstead(kept));
    Ok((StatusCode::CREATED, location, kept, axum::Json(created)).into_response())
}

/// List API keys
///
/// A page of the organization's keys, the newest first, without their secrets.
#[utoipa::path(get, path = "/api/v1/auth/api-keys", operation_id = "listApiKeys", tag = "identity",
    params(KeyListParams), responses((status = 200, description = "A page of keys.", body = ApiKeyList)),
    security(("ApiKey" = ["auth:admin"]), ("Bearer" = ["auth:admin"])))]
async fn list(
    caller: Caller<AuthAdmin>,
    State(app): State<SharedApp>,
    Query(query): Query<KeyListParams>,
) -> Result<axum::Json<ApiKeyList>, ApiError> {
    let KeyListParams { status, limit, offset } = query;
    let page = app.registry.keys(&caller.actor.organization, status, Window { limit, offset }).await?;
    let now = Timestamp::now();
    let api_keys = page.items.into_iter().map(|key| ApiKey::at(key, now)).collect();
    Ok(axum::Json(ApiKeyList { count: page.total, limit, offset, api_keys }))
}

/// Read an API key
///
/// Everything but its secret.
#[utoipa::path(get, path = "/api/v1/auth/api-keys/{id}", operation_id = "getApiKey", tag = "identity",
    params(("id" = String, Path, description = "The key's id.")),
    responses((status = 200, description = "The key.", body = ApiKey),
        (status = 404, description = "`not-found`: the organization has no such key.")),
    security(("ApiKey" = ["auth:admin"]), ("Bearer" = ["auth:admin"])))]
async fn read(
    caller: Caller<AuthAdmin>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
) -> Result<axum::Json<ApiKey>, ApiError> {
    let key = app.registry.key(&caller.actor.organization, &id).await?;
    Ok(axum::Json(ApiKey::at(key, Timestamp::now())))
}

/// Revoke an API key
///
/// It stops working at once, and stays in the list as revoked. A key may revoke itself.
#[utoipa::path(delete, path = "/api/v1/auth/api-keys/{id}", operation_id = "revokeApiKey", tag = "identity",
    params(("id" = String, Path, description = "The key's id.")),
    responses((status = 204, description = "Revoked."),
        (status = 404, description = "`not-found`: the organization has no such key.")),
    security(("ApiKey" = ["auth:admin"]), ("Bearer" = ["auth:admin"])))]
async fn revoke(
    caller: Caller<AuthAdmin>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
) -> Result<StatusCode, ApiError> {
    app.registry.revoke_key(&caller.actor, &id).await?;
    // Success is only said when the key no longer works here; revoking again is harmless.
    app.authenticator.keys.refresh(&app.registry).await?;
    Ok(StatusCode::NO_CONTENT)
}
