//! What a version was worth when it was trained here.

use super::{Scores, Task};
use crate::app::App;
use crate::error::ApiError;
use serde::{Deserialize, Serialize};
use servoir_registry::Labelled;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The rows that stand for what is to come.
const SPLIT: &str = "test";

/// What a version was worth when it was trained here.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AtTraining {
    /// `test`.
    split: &'static str,
    /// How many rows there were.
    rows: u64,
    scores: Scores,
    /// How far the same estimate of accuracy was off at most on these rows; of classifiers.
    #[schema(required)]
    expected_calibration_error: Option<f64>,
}

/// A stored evaluation, as far as it matters here.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stored {
    Classification(Found),
    Regression(Found),
}

#[derive(Deserialize)]
struct Found {
    rows: u64,
    summary: BTreeMap<String, Option<f64>>,
}

/// Reads what evaluation has stored of a version, when it was trained here.
pub async fn read(app: &App, organization: &str, of: Labelled<'_>) -> Result<Option<(Task, AtTraining)>, ApiError> {
    let body = app.registry.evaluation(organization, of.model, of.version, SPLIT).await?;
    let Some(body) = body else { return Ok(None) };
    // An evaluation can be large: it is parsed where nobody waits for the thread.
    let stored = tokio::task::spawn_blocking(move || serde_json::from_str(&body)).await.map_err(ApiError::internal)?;
    let (task, found) = match stored.map_err(ApiError::internal)? {
        Stored::Classification(found) => (Task::Classification, found),
        Stored::Regression(found) => (Task::Regression, found),
    };
    let number = |name: &str| found.summary.get(name).copied().flatten();
    let scores = Scores {
        accuracy: number("accuracy"),
        f1_macro: number("f1_macro"),
        f1_weighted: number("f1_weighted"),
        roc_auc: number("roc_auc"),
        mae: number("mae"),
        rmse: number("rmse"),
        r2: number("r2"),
    };
    let expected_calibration_error = number("expected_calibration_error");
    Ok(Some((task, AtTraining { split: SPLIT, rows: found.rows, scores, expected_calibration_error })))
}
