//! Showing a model whole: what is kept of it, what should run, and what does.

use super::deployment_view::Deployment;
use super::wire::RegisteredModel;
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::http::etag;
use crate::http::origin::Origin;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use servoir_registry::{Model, Window};
use std::convert::Infallible;

/// How many versions a whole model shows; the rest is in the list of versions.
pub const VERSIONS_SHOWN_MAX: i64 = 100;

/// The server as one caller reaches it.
pub struct Show {
    /// The parts of the server.
    pub app: SharedApp,
    origin: Origin,
}

impl FromRequestParts<SharedApp> for Show {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, Infallible> {
        Ok(Self { app: app.clone(), origin: Origin::from_request_parts(parts, app).await? })
    }
}

impl Show {
    /// What should run, with what this node knows of it.
    pub fn deployment(&self, deployment: &servoir_registry::Deployment) -> Deployment {
        Deployment::of(&self.app, &self.origin, deployment)
    }

    /// The answer with the whole model and its tag.
    ///
    /// # Errors
    /// When the registry is away.
    pub async fn whole(&self, model: Model) -> Result<Response, ApiError> {
        let registry = &self.app.registry;
        let shown = Window { limit: VERSIONS_SHOWN_MAX, offset: 0 };
        let versions = registry.versions(&model.organization, &model.id, shown).await?;
        let versions = versions.items.into_iter().map(Into::into).collect();
        let deployment = if model.deployed { registry.deployment(&model.id).await? } else { None };
        let deployment = deployment.map(|deployment| self.deployment(&deployment));
        let tag = etag::header_of(&model);
        Ok((tag, axum::Json(RegisteredModel::whole(model, versions, deployment))).into_response())
    }
}
