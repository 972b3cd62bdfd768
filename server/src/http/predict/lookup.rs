//! From a model's id or name to the deployment that answers.

use crate::app::App;
use crate::error::ApiError;
use servoir_codec::Model;
use servoir_runtime::{Deployment, Entry, Live};
use servoir_types::Kind;
use std::sync::Arc;

/// What is live of an organization's model, by its id or name.
///
/// # Errors
/// 404 `model-not-found`; 503 `not-ready` while models are still being brought up and this may be one of them. The
/// answer does not depend on what other organizations have.
pub fn live(app: &App, organization: &str, model: &str) -> Result<Arc<Live>, ApiError> {
    let found = app.serving.find(organization, model).and_then(|entry| entry.live());
    found.ok_or_else(|| absent(app, model))
}

/// What a request goes to.
pub struct Chosen {
    /// Answers it. While [`Self::settle`] has not been called, and there is a canary, that may become another.
    pub deployment: Arc<Deployment>,
    /// Is sent a copy of it.
    pub shadow: Option<Arc<Deployment>>,
    /// What was found live, while there is a canary and nobody has addressed the request to a version.
    open: Option<(Arc<Entry>, Arc<Live>)>,
}

impl Chosen {
    /// Whether it is settled who answers.
    pub fn is_settled(&self) -> bool {
        self.open.is_none()
    }

    /// Settles whether the primary or the canary answers, where there is a canary: `entity` says whom the request is about, and is
    /// asked only then. Whether there was something to settle.
    pub fn settle<E: AsRef<[u8]>>(&mut self, entity: impl FnOnce() -> Option<E>) -> bool {
        let Some((entry, live)) = self.open.take() else { return false };
        self.deployment = entry.choose_of(&live, entity().as_ref().map(AsRef::as_ref));
        true
    }
}

/// The deployment that takes a request: of the version when one is named, else the primary, or the canary as is to be settled;
/// and the shadow, which sees what nobody has addressed to a version.
///
/// # Errors
/// As [`live`]; 404 `version-not-live`, naming what is.
pub fn choose(app: &App, organization: &str, model: &str, version: Option<u64>) -> Result<Chosen, ApiError> {
    if let Some(version) = version {
        let deployment = of_version(&*live(app, organization, model)?, model, version)?;
        return Ok(Chosen { deployment, shadow: None, open: None });
    }
    let entry = app.serving.find(organization, model).ok_or_else(|| absent(app, model))?;
    let live = entry.live().ok_or_else(|| absent(app, model))?;
    let (deployment, shadow) = (Arc::clone(&live.primary), live.shadow.clone());
    let open = live.canary.is_some().then_some((entry, live));
    Ok(Chosen { deployment, shadow, open })
}

/// The deployment that has this version, of those that callers get answers from.
///
/// # Errors
/// 404 `version-not-live`, naming what is.
pub fn of_version(live: &Live, model: &str, version: u64) -> Result<Arc<Deployment>, ApiError> {
    let found = answering(live).find(|deployment| deployment.identity().version == version);
    found.cloned().ok_or_else(|| {
        let versions: Vec<_> = answering(live).map(|deployment| deployment.identity().version.to_string()).collect();
        let detail =
            format!("version {version} of model '{}' is not live; live: {}", shown(model), versions.join(" and "));
        ApiError::new(Kind::NotFound, "version-not-live", detail)
    })
}

/// The deployments that callers get answers from.
pub fn answering(live: &Live) -> impl Iterator<Item = &Arc<Deployment>> {
    std::iter::once(&live.primary).chain(live.canary.iter().map(|(_, canary)| canary)).chain(&live.also)
}

/// Every deployment that callers of an organization get answers from, in no order.
pub fn of_organization(app: &App, organization: &str) -> Vec<Arc<Deployment>> {
    let entries = app.serving.entries().into_iter().filter(|(owner, _)| owner == organization);
    entries
        .filter_map(|(_, entry)| entry.live())
        .flat_map(|live| answering(&live).cloned().collect::<Vec<_>>())
        .collect()
}

/// What a body for this deployment is read for.
pub fn expected(deployment: &Deployment) -> Model<'_> {
    let identity = deployment.identity();
    Model {
        name: &identity.name,
        version: identity.version,
        signature: deployment.signature(),
        rows_max: deployment.options().queue_rows_max,
    }
}

fn absent(app: &App, model: &str) -> ApiError {
    let model = shown(model);
    if app.readiness.is_coming_up() {
        let detail = format!("model '{model}' does not answer yet: models are still being brought up; try again soon");
        return ApiError { retry_after_seconds: Some(1), ..ApiError::new(Kind::Unavailable, "not-ready", detail) };
    }
    let detail = match &app.models_dir {
        Some(_) => format!("no model '{model}' is live; check the name, or ask /v2/repository/index why it is not"),
        None => format!("no model '{model}' is deployed; deploy a version of it, or check the id or name"),
    };
    ApiError::new(Kind::NotFound, "model-not-found", detail)
}

/// As much of a name as a message shows.
fn shown(model: &str) -> String {
    const CHARS_MAX: usize = 128;
    model.chars().filter(|c| !c.is_control()).take(CHARS_MAX).collect()
}
