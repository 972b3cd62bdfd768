//! That a version does not break who calls what is live: by its signature, before it is loaded and after.

use crate::app::App;
use crate::error::ApiError;
use servoir_registry::{Breaking, RegistryError};
use servoir_runtime::Deployment;
use servoir_types::ModelId;

/// Refuses a version before it is loaded, as far as the signatures that are kept tell.
///
/// # Errors
/// 409 `swap-refused`, naming what would break.
pub async fn before_loading(app: &App, model: &ModelId, version: i64, breaking: Breaking) -> Result<(), ApiError> {
    match breaking {
        Breaking::Refused => app.registry.check_successor(model, version).await.map_err(|error| refused(app, error)),
        Breaking::Forced => Ok(()),
    }
}

/// Refuses a version that is in memory, by the signatures that the engines have read. Where a format does not tell them
/// before, this is the first that is known of them.
///
/// # Errors
/// As [`before_loading`].
pub fn after_loading(
    app: &App,
    (organization, model): (&str, &ModelId),
    candidate: &Deployment,
    breaking: Breaking,
) -> Result<(), ApiError> {
    let live = app.serving.find(organization, model.as_str()).and_then(|entry| entry.live());
    let (Some(live), Breaking::Refused) = (live, breaking) else { return Ok(()) };
    let version = |deployment: &Deployment| i64::try_from(deployment.identity().version).unwrap_or(i64::MAX);
    let changes = live.primary.signature().broken_by(candidate.signature());
    let (live, next) = (version(&live.primary), version(candidate));
    if live == next || changes.is_empty() {
        return Ok(());
    }
    Err(refused(app, RegistryError::SwapRefused { live, next, changes }))
}

/// What a caller is told, after it was counted.
pub fn refused(app: &App, error: RegistryError) -> ApiError {
    if matches!(error, RegistryError::SwapRefused { .. }) {
        app.metrics.swap_refused("signature");
    }
    error.into()
}
