//! How far the answers of a version on trial are others than those of the version before.

use crate::app::App;
use serde::Serialize;
use servoir_runtime::Deployment;
use std::sync::Arc;
use utoipa::ToSchema;

/// How far the answers of a version on trial, to the requests that this node has asked of both, are others than those of the
/// version before.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DivergenceStatus {
    /// The version on trial.
    version: u64,
    /// The version before, or the one that answers beside it.
    compared_with: u64,
    /// Requests that both have answered.
    requests: u64,
    /// Per cent of a request's labels that differ, on average; `null` while there are none.
    #[schema(required, minimum = 0, maximum = 100)]
    labels_differ_percent: Option<f64>,
    /// How far a request's numbers are apart, on average, in per cent of 1 or of the larger one; `null` while there are none.
    #[schema(required, minimum = 0, maximum = 200)]
    scores_differ_percent: Option<f64>,
}

impl DivergenceStatus {
    /// What was found of a version by now; `None` when its answers are not compared.
    pub fn of(app: &App, deployment: &Arc<Deployment>) -> Option<Self> {
        let (found, compared_with) = app.reconciler.trials.compared(deployment)?;
        let percent = |share: Option<f64>| share.map(|share| 100.0 * share);
        Some(Self {
            version: deployment.identity().version,
            compared_with,
            requests: found.requests,
            labels_differ_percent: percent(found.labels_apart()),
            scores_differ_percent: percent(found.scores_apart()),
        })
    }
}
