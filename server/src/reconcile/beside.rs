//! Versions that are opened beside what serves: to try one, or to make a baseline of its answers.

use super::Failure;
use super::load::format_of;
use crate::app::App;
use crate::error::ApiError;
use crate::preflight::FileKey;
use crate::tuning::Opens;
use servoir_registry::{Version, VersionState};
use servoir_runtime::{Artifact, LoadOptions, Program};
use servoir_types::Kind;
use std::sync::Arc;

/// The version in memory, on one thread. What serves is untouched, and nothing that it is asked is counted.
///
/// Run it and let it go on [`super::Reconciler::loading_threads`]: an engine's memory stays with the thread that asked for it.
///
/// # Errors
/// 409 `version-not-ready`; 422 with the engine's reason.
pub async fn open_beside(app: &App, version: &Version) -> Result<Arc<dyn Program>, ApiError> {
    if version.state != VersionState::Ready {
        let detail = format!("version {} is not ready", version.version);
        return Err(ApiError::new(Kind::Conflict, "version-not-ready", detail));
    }
    let format = format_of(&version.format).map_err(Failure::Load)?;
    let path = app.registry.fetch_artifact(version.digest).await?;
    let artifact = Artifact { path, folder: None, format };
    app.preflight
        .pass(&artifact, FileKey::Content(version.digest), &Opens::first())
        .await
        .map_err(Failure::Preflight)?;
    let engines = app.engines.clone();
    let load = move || engines.load(&artifact, &LoadOptions::cpu(None, 1));
    let loaded = app.reconciler.loading_threads().run(load).await;
    Ok(loaded.ok_or(Failure::Aborted)?.map_err(Failure::Load)?)
}
