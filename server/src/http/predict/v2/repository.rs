//! `/v2/repository/…`: which models are there, and which of them answer.

use super::{json, small_body};
use crate::app::SharedApp;
use crate::auth::scope::{RegistryRead, RegistryWrite, Scope as _};
use crate::auth::{Caller, Principal};
use crate::error::ApiError;
use crate::http::predict::lookup;
use crate::http::registry::{default_spec, newest_ready};
use crate::http::studio::access;
use crate::models_dir::Indexed;
use crate::readiness::ModelState;
use crate::reconcile::Wish;
use axum::body::Body;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use servoir_registry::{DeploymentSpec, Model, ModelFilter, RegistryError, Role, SortField, Strategy, Window};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// The most models that the registry is asked for.
const LISTED_MAX: i64 = 10_000;
/// How many models are read at a time.
const PAGE_MODELS: i64 = 500;

/// What `index` can be asked.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RepositoryIndexRequest)]
pub struct Query {
    /// Only models that answer.
    #[serde(default)]
    pub ready: bool,
    /// The one repository has no name.
    #[serde(default, rename = "repository_name")]
    _repository_name: Option<String>,
}

/// A version in the repository.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[schema(as = RepositoryModel)]
pub struct Listed {
    /// The model.
    pub name: String,
    /// The version; empty when the model has none yet.
    pub version: String,
    /// `READY`, `LOADING` or `UNAVAILABLE`.
    pub state: &'static str,
    /// Why it does not answer.
    pub reason: String,
}

/// What `load` and `unload` can be told.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RepositoryUnloadRequest)]
pub struct Change {
    #[serde(default)]
    parameters: Map<String, Value>,
}

/// Every version that answers for the caller's organization, and after them, for a caller that may read the registry,
/// the models that do not. When the registry is away, those that answer alone.
pub async fn listed(app: &SharedApp, principal: &Principal, ready_only: bool) -> Vec<Listed> {
    if let Some(directory) = &app.models_dir {
        let lines = Box::pin(directory.index(&principal.organization)).await.into_iter();
        return lines.filter(|line| !ready_only || line.reason.is_none()).map(in_directory).collect();
    }
    let answering = lookup::of_organization(app, &principal.organization);
    let mut listed: Vec<_> = answering
        .iter()
        .map(|deployment| Listed {
            name: deployment.identity().name.clone(),
            version: deployment.identity().version.to_string(),
            state: "READY",
            reason: String::new(),
        })
        .collect();
    listed.sort();
    if !ready_only && principal.may(RegistryRead::NAME) {
        let models = answering.iter().map(|deployment| deployment.identity().model.as_str()).collect();
        match others(app, principal, &models).await {
            Ok(others) => listed.extend(others),
            Err(error) => tracing::warn!(%error, "the index lists only what is live: the registry cannot be read"),
        }
    }
    listed
}

fn in_directory(line: Indexed) -> Listed {
    let state = if line.reason.is_none() { "READY" } else { "UNAVAILABLE" };
    let version = line.version.map(|version| version.to_string()).unwrap_or_default();
    Listed { name: line.name, version, state, reason: line.reason.unwrap_or_default() }
}

/// The models of the registry that do not answer, by name.
async fn others(
    app: &SharedApp,
    principal: &Principal,
    answering: &BTreeSet<&str>,
) -> Result<Vec<Listed>, RegistryError> {
    let organization = &*principal.organization;
    let mut others = Vec::new();
    let mut window = Window { limit: PAGE_MODELS, offset: 0 };
    loop {
        let page = app.registry.models(organization, &by_name(principal, window)).await?;
        let is_last = page.items.is_empty();
        let silent = page.items.into_iter().filter(|model| !answering.contains(model.id.as_str()));
        others.extend(silent.map(|model| silent_model(app, model)));
        window.offset += PAGE_MODELS;
        if is_last || window.offset >= page.total {
            return Ok(others);
        }
        if window.offset >= LISTED_MAX {
            tracing::warn!(organization, total = page.total, "the index lists the first {LISTED_MAX} models only");
            return Ok(others);
        }
    }
}

fn by_name(principal: &Principal, window: Window) -> ModelFilter {
    ModelFilter {
        search: None,
        framework: None,
        source: None,
        status: None,
        tag: None,
        workspace: None,
        visible_to: access::visible_to(principal),
        sort: SortField::Name,
        descending: false,
        window,
    }
}

fn silent_model(app: &SharedApp, model: Model) -> Listed {
    let (state, reason) = match app.reconciler.state(&model.id) {
        Some(ModelState::Deploying) => ("LOADING", "it is being brought up".to_owned()),
        Some(state) => ("UNAVAILABLE", state.reason().unwrap_or("it is not live here").to_owned()),
        None if model.archived => ("UNAVAILABLE", "the model is archived".to_owned()),
        None if model.latest_version == 0 => ("UNAVAILABLE", "the model has no version".to_owned()),
        None => ("UNAVAILABLE", "the model is not deployed".to_owned()),
    };
    let version = if model.latest_version == 0 { String::new() } else { model.latest_version.to_string() };
    Listed { name: model.name.to_string(), version, state, reason }
}

/// Brings a model up: the newest version that is ready, when that is not live already.
///
/// # Errors
/// 404 for a model that the organization does not have; what a deployment answers: 409 when there is no version that is
/// ready or it would break who calls what is live, 422 with the engine's reason when it cannot be served.
pub async fn load(app: &SharedApp, caller: &Caller<RegistryWrite>, name: &str) -> Result<(), ApiError> {
    if let Some(directory) = &app.models_dir {
        return Box::pin(directory.load(app, &caller.actor, name)).await;
    }
    let model = access::model(app, &caller.principal, name, Role::Editor).await?;
    let newest = newest_ready(app, &model).await?;
    let current = app.registry.deployment(&model.id).await?;
    let spec = match current {
        Some(current) if current.primary.spec.version >= newest => {
            if app.reconciler.state(&model.id) == Some(ModelState::Ready) {
                return Ok(());
            }
            current.primary.spec
        }
        Some(current) => DeploymentSpec { version: newest, ..current.primary.spec },
        None => DeploymentSpec { version: newest, ..default_spec()? },
    };
    let wish = Wish { model: model.id, name: model.name, spec, rollout: Strategy::Swap.into() };
    app.reconciler.deploy(app, &caller.actor, wish).await.map(|_| ())
}

/// Takes a model down, when it is up.
///
/// # Errors
/// 404 for a model that the organization does not have.
pub async fn unload(app: &SharedApp, caller: &Caller<RegistryWrite>, name: &str) -> Result<(), ApiError> {
    if let Some(directory) = &app.models_dir {
        return Box::pin(directory.unload(app, &caller.actor, name)).await;
    }
    let model = access::model(app, &caller.principal, name, Role::Editor).await?;
    match app.reconciler.undeploy(app, &caller.actor, &model.id).await {
        Err(error) if error.code == "not-deployed" => Ok(()),
        outcome => outcome,
    }
}

/// Refuses what `load` cannot be told.
///
/// # Errors
/// 400 for settings or files that are to take the place of those in the registry.
pub fn check_load_parameters<'a>(mut names: impl Iterator<Item = &'a str>) -> Result<(), ApiError> {
    let Some(name) = names.find(|name| *name == "config" || name.starts_with("file:")) else { return Ok(()) };
    let detail = if name == "config" {
        "parameters.config: a model is loaded with the settings of its deployment; give others with \
         POST /api/v1/model-registry/models/{id}/deploy"
            .to_owned()
    } else {
        format!(
            "parameters.{}: a model's files come from the registry; publish them as a version with \
             POST /api/v1/model-registry/models/{{id}}/versions, then load the model",
            name.chars().take(64).collect::<String>()
        )
    };
    Err(ApiError::malformed("no-overrides", detail))
}

/// Answers `index`.
///
/// # Errors
/// 400 when there is a body and it is not `{"ready": true|false}`.
pub async fn index(app: &SharedApp, principal: &Principal, body: Body) -> Result<Response, ApiError> {
    let query: Query = small_body(app, body).await?;
    json(&listed(app, principal, query.ready).await)
}

/// Answers `load`.
///
/// # Errors
/// As [`load`] and [`check_load_parameters`].
pub async fn answer_load(
    app: &SharedApp,
    caller: &Caller<RegistryWrite>,
    name: &str,
    body: Body,
) -> Result<Response, ApiError> {
    let change: Change = small_body(app, body).await?;
    check_load_parameters(change.parameters.keys().map(String::as_str))?;
    load(app, caller, name).await?;
    json(&json!({}))
}

/// Answers `unload`. No model depends on another, so `unload_dependents` changes nothing.
///
/// # Errors
/// As [`unload`].
pub async fn answer_unload(
    app: &SharedApp,
    caller: &Caller<RegistryWrite>,
    name: &str,
    body: Body,
) -> Result<Response, ApiError> {
    let _change: Change = small_body(app, body).await?;
    unload(app, caller, name).await?;
    json(&json!({}))
}
