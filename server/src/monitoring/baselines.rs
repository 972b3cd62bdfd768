//! Making baselines: from a table, or from what a version was asked while it served.

mod answers;
mod layout;
mod profiles;
mod rows;
mod survey;
mod table;

use super::recording;
use crate::app::App;
use crate::error::ApiError;
use crate::reconcile::open_beside;
use servoir_monitor::{Baseline, Layout};
use servoir_registry::{Model, Version};
use servoir_types::{Kind, Timestamp};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The most columns of a baseline, features and outputs each.
const COLUMNS_MAX: usize = 1000;
/// Recorded rows that a baseline is made of, at most.
const RECORDED_ROWS_MAX: usize = 100_000;

/// One baseline is made at a time: it keeps a core busy and takes the memory of its columns' surveys.
static TURN: Semaphore = Semaphore::const_new(1);

/// A baseline of a table's rows and of what the version answers to them.
///
/// # Errors
/// 422: the version cannot be loaded or run, or the table does not have its features.
pub async fn of_table(app: &App, version: &Version, file: PathBuf) -> Result<Baseline, ApiError> {
    let _turn = TURN.acquire().await.map_err(ApiError::internal)?;
    let program = open_beside(app, version).await?;
    let surveyed = {
        let program = Arc::clone(&program);
        tokio::task::spawn_blocking(move || table::survey(&file, program.signature())).await
    };
    let surveyed = surveyed.map_err(ApiError::internal)??;
    // On the threads that models are loaded on: an engine's memory stays with the thread that asked for it.
    let threads = app.reconciler.loading_threads();
    let answered = threads.run(move || surveyed.answered(&*program)).await;
    answered
        .ok_or_else(|| ApiError::internal("the thread that ran a version for a baseline ended before it was done"))?
}

/// A baseline of rows that were recorded while the version served.
///
/// # Errors
/// 422 `nothing-recorded`, saying what to do.
pub async fn of_production(
    app: &App,
    version: &Version,
    (from, to): (Timestamp, Timestamp),
) -> Result<Baseline, ApiError> {
    let _turn = TURN.acquire().await.map_err(ApiError::internal)?;
    let of = (&version.model, version.version);
    app.monitoring.flush().await?;
    let recorded = recording::sample(&app.registry, of, (from, to), RECORDED_ROWS_MAX).await?;
    let Some(recorded) = recorded.filter(|recorded| recorded.rows() > 0) else {
        let detail = format!(
            "no rows of version {} were recorded between {from} and {to}; \
             set recordValues of the model's monitoring, wait for traffic, and ask again",
            version.version
        );
        return Err(ApiError::new(Kind::Unprocessable, "nothing-recorded", detail));
    };
    let program = open_beside(app, version).await?;
    let profiled = tokio::task::spawn_blocking(move || {
        let (signature, rows) = (program.signature(), recorded.rows() as u64);
        let features = profiles::of_recorded(recorded.features, layout::inputs(signature));
        let outputs = profiles::of_recorded(recorded.outputs, layout::outputs(signature));
        Baseline::new(rows, features, outputs)
    });
    profiled.await.map_err(ApiError::internal)
}

/// The version that is meant when none is named: the one that is live, or the newest that is ready.
///
/// # Errors
/// 404 for a version that is not there; 409 `no-ready-version`.
pub async fn version_of(app: &App, model: &Model, named: Option<i64>) -> Result<Version, ApiError> {
    let live = match (named, model.deployed) {
        (None, true) => app.registry.deployment(&model.id).await?.map(|deployment| deployment.primary.spec.version),
        _ => None,
    };
    let number = match named.or(live) {
        Some(number) => number,
        None => crate::http::registry::newest_ready(app, model).await?,
    };
    Ok(app.registry.version(&model.organization, &model.id, number).await?)
}

/// Refuses more columns than a baseline has.
fn bounded(layout: &Layout) -> Result<(), ApiError> {
    let columns = layout.features.len().max(layout.outputs.len());
    if columns <= COLUMNS_MAX {
        return Ok(());
    }
    let detail = format!("the model has {columns} columns; a baseline has at most {COLUMNS_MAX}");
    Err(ApiError::new(Kind::Unprocessable, "too-many-columns", detail))
}

fn unfit(detail: impl Into<String>) -> ApiError {
    ApiError::new(Kind::Unprocessable, "table-mismatch", detail)
}
