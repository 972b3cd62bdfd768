//! A custom model's script on its way into a run: found among the model's files and put into a folder with the others.

use super::scratch::RunFolder;
use super::session::{Ending, failed};
use super::supervisor::Shared;
use crate::job::Script;
use servoir_registry::{AssetType, ModelType, RegistryError, Run, StudioModel};

/// Where a script and its files are, in the run's folder.
const FOLDER: &str = "script";

/// The newest script of a custom model, with the files that belong to it; `None` for a model that is trained here.
pub(super) async fn of(
    shared: &Shared,
    run: &Run,
    model: &StudioModel,
    folder: &RunFolder,
) -> Result<Option<Script>, Ending> {
    if model.model_type != ModelType::Custom {
        return Ok(None);
    }
    let Shared { registry, settings, .. } = shared;
    let away = |error: RegistryError| failed(error.code(), error);
    let assets = registry.assets(&run.model).await.map_err(away)?;
    let Some(script) = assets.iter().rfind(|asset| asset.asset_type == AssetType::Script) else {
        return Err(failed("no-script", "the model has no script to train with"));
    };
    if settings.runner.command.is_empty() {
        return Err(failed("no-runner", "this node has no runner for scripts ('studio.runner')"));
    }
    let place = folder.path().join(FOLDER);
    let unwritable = |error: std::io::Error| failed("no-scratch-folder", error);
    tokio::fs::create_dir(&place).await.map_err(unwritable)?;
    // Oldest first: a newer file takes the place of an older one of its name.
    for asset in assets.iter().filter(|asset| asset.asset_type != AssetType::Weights) {
        let file = registry.fetch_artifact(asset.digest).await.map_err(away)?;
        tokio::fs::copy(file, place.join(&asset.name)).await.map_err(unwritable)?;
    }
    Ok(Some(Script {
        command: settings.runner.command.clone(),
        folder: place,
        file: script.name.clone(),
        cpu_seconds_max: settings.runner.cpu_seconds_max,
    }))
}
