//! Who may do what with a model: the one way from a path's `{id}` to a model, for every route of both dialects.

use crate::app::App;
use crate::auth::scope::{AuthAdmin, Scope};
use crate::auth::{Caller, Principal};
use crate::error::ApiError;
use servoir_registry::{Model, RegistryError, Role, StudioModel};
use servoir_types::{Kind, VersionId};

/// The model that a path names, for a caller who must be at least `least` to it.
///
/// # Errors
/// 404 `not-found` when the organization has no such model, or has one that is private and shows the caller nothing; 403
/// `role-required`.
pub async fn studio_model<S>(app: &App, caller: &Caller<S>, id: &str, least: Role) -> Result<StudioModel, ApiError> {
    seen_by(app, &caller.principal, id, least).await
}

/// The same for routes that need no more than the registry knows.
///
/// # Errors
/// As [`studio_model`].
pub async fn model(app: &App, principal: &Principal, id: &str, least: Role) -> Result<Model, ApiError> {
    Ok(seen_by(app, principal, id, least).await?.model)
}

/// Whose private models a list is to show; `None`: everybody's.
pub fn visible_to(principal: &Principal) -> Option<String> {
    (!principal.may(AuthAdmin::NAME)).then(|| principal.subject.to_string())
}

/// What a caller may do with a model of their organization; `None`: for them it does not exist.
///
/// # Errors
/// When the registry is away.
pub async fn role_of(app: &App, principal: &Principal, model: &StudioModel) -> Result<Option<Role>, ApiError> {
    let role = app.registry.role_of(model, &principal.subject).await?;
    Ok(if principal.may(AuthAdmin::NAME) { role.max(Some(Role::Admin)) } else { role })
}

async fn seen_by(app: &App, principal: &Principal, id: &str, least: Role) -> Result<StudioModel, ApiError> {
    let found = app.registry.studio_model(&principal.organization, id).await?;
    match role_of(app, principal, &found).await? {
        None => Err(RegistryError::NotFound { what: "model", id: id.to_owned() }.into()),
        Some(role) if role < least => {
            let detail = format!(
                "this call needs the role '{}' on model '{}'; yours is '{}'",
                least.text(),
                found.model.name,
                role.text()
            );
            Err(ApiError::new(Kind::Forbidden, "role-required", detail))
        }
        Some(_) => Ok(found),
    }
}

/// The number of the version that a path or a parameter names: `ver_…`, or a bare number.
///
/// # Errors
/// 404 `not-found` for what is no version of this model. Whether there is one of that number is for the registry to say.
pub fn version_number(model: &Model, text: &str) -> Result<i64, ApiError> {
    let version = VersionId::in_model(text, &model.id).ok().filter(|version| version.model == model.id);
    let missing = || RegistryError::NotFound { what: "version", id: text.to_owned() }.into();
    version.map(|version| version.number).ok_or_else(missing)
}
