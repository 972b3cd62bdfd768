//! Showing a model whole: what is kept of it, what it is trained on, what its best version is worth.

use super::access;
use super::config;
use super::model_view::{Beside, LinkedDataset, StudioModelView};
use crate::app::App;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::http::etag;
use axum::response::{IntoResponse, Response};
use serde_json::Map;
use servoir_registry::{RegistryError, Role, StudioModel};

/// The answer with the whole model, as the caller sees it, and its tag.
///
/// # Errors
/// When the registry is away.
pub async fn whole<S>(app: &App, caller: &Caller<S>, model: StudioModel) -> Result<Response, ApiError> {
    let registry = &app.registry;
    let metrics = match model.promoted_version {
        None => Map::new(),
        Some(version) => match registry.version(&model.model.organization, &model.model.id, version).await {
            Ok(version) => version.metrics,
            // It was deleted since the model was read.
            Err(RegistryError::NotFound { .. }) => Map::new(),
            Err(error) => return Err(error.into()),
        },
    };
    let dataset = registry.dataset_link(&model.model.id).await?;
    let dataset =
        dataset.map(|link| LinkedDataset { id: link.dataset.to_string(), name: link.name, linked_at: link.linked_at });
    let role = access::role_of(app, &caller.principal, &model).await?.unwrap_or(Role::Viewer);
    let tag = etag::header_of(&model.model);
    let beside = Beside { config: config::effective(&model)?, dataset, metrics, role };
    Ok((tag, axum::Json(StudioModelView::of(model, beside))).into_response())
}
