//! `/v2/models/stats` and `/v2/models/{model}/stats`: what was done, as the statistics extension has it.

use crate::app::App;
use crate::http::predict::lookup;
use serde::Serialize;
use servoir_runtime::{BatchStatistics, Deployment, Statistics, Tally};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelsStatistics {
    /// One entry for each version, by name and version.
    pub model_stats: Vec<ModelStatistics>,
}

/// What one version has done since it was loaded.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelStatistics {
    /// The model, as the caller called it.
    pub name: String,
    /// The version.
    pub version: String,
    /// When the last request was run, in milliseconds since 1970; 0: none was.
    pub last_inference: u64,
    /// Rows that were run.
    pub inference_count: u64,
    /// Runs; one may have served several requests.
    pub execution_count: u64,
    /// Requests.
    pub inference_stats: InferenceStatistics,
    /// Of models with several answers for a request, which there are none of.
    pub response_stats: BTreeMap<String, DurationStatistics>,
    /// Runs by their rows.
    pub batch_stats: Vec<BatchDurations>,
    /// Not measured.
    #[schema(value_type = Vec<u64>)]
    pub memory_usage: [u64; 0],
}

/// How often, and how long altogether.
#[derive(Debug, Default, Clone, Copy, Serialize, ToSchema)]
pub struct DurationStatistics {
    /// How often.
    pub count: u64,
    /// How long, in nanoseconds.
    pub ns: u64,
}

/// Requests, and where their time went.
#[derive(Debug, Serialize, ToSchema)]
#[allow(missing_docs)] // the extension's own names; `Statistics` says what each counts
pub struct InferenceStatistics {
    pub success: DurationStatistics,
    pub fail: DurationStatistics,
    pub queue: DurationStatistics,
    pub compute_input: DurationStatistics,
    pub compute_infer: DurationStatistics,
    pub compute_output: DurationStatistics,
    /// There is no cache of answers.
    pub cache_hit: DurationStatistics,
    pub cache_miss: DurationStatistics,
}

/// Runs of one size.
#[derive(Debug, Serialize, ToSchema)]
#[allow(missing_docs)] // the extension's own names
pub struct BatchDurations {
    /// Rows; above 512 the next power of two stands for them.
    pub batch_size: usize,
    pub compute_input: DurationStatistics,
    pub compute_infer: DurationStatistics,
    pub compute_output: DurationStatistics,
}

impl ModelStatistics {
    /// What a version has done, under the name or id that the caller knows it by.
    pub fn of(name: &str, deployment: &Deployment) -> Self {
        let statistics = deployment.statistics();
        let Statistics { success, fail, queue, compute_input, compute_infer, compute_output, .. } = statistics;
        Self {
            name: name.to_owned(),
            version: deployment.identity().version.to_string(),
            last_inference: statistics.last_inference_ms,
            inference_count: statistics.inferences,
            execution_count: statistics.executions,
            inference_stats: InferenceStatistics {
                success: success.into(),
                fail: fail.into(),
                queue: queue.into(),
                compute_input: compute_input.into(),
                compute_infer: compute_infer.into(),
                compute_output: compute_output.into(),
                cache_hit: DurationStatistics::default(),
                cache_miss: DurationStatistics::default(),
            },
            response_stats: BTreeMap::new(),
            batch_stats: statistics.batches.iter().map(BatchDurations::from).collect(),
            memory_usage: [],
        }
    }
}

impl From<Tally> for DurationStatistics {
    fn from(tally: Tally) -> Self {
        Self { count: tally.count, ns: tally.nanos }
    }
}

impl From<&BatchStatistics> for BatchDurations {
    fn from(batch: &BatchStatistics) -> Self {
        Self {
            batch_size: batch.rows,
            compute_input: batch.compute_input.into(),
            compute_infer: batch.compute_infer.into(),
            compute_output: batch.compute_output.into(),
        }
    }
}

/// Every version that answers for an organization.
pub fn of_all(app: &App, organization: &str) -> ModelsStatistics {
    let mut deployments: Vec<_> = lookup::of_organization(app, organization);
    deployments.sort_by_cached_key(|deployment| (deployment.identity().name.clone(), deployment.identity().version));
    let of = |deployment: &Deployment| ModelStatistics::of(&deployment.identity().name, deployment);
    ModelsStatistics { model_stats: deployments.iter().map(|deployment| of(deployment)).collect() }
}
