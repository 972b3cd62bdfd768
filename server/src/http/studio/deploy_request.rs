//! What callers of the Studio say of a deployment: the registry's own request, in this dialect's names.

use crate::error::{ApiError, FieldError};
use crate::http::registry::deploy_request::{
    AutoscalingBounds, BatchingChoice, DeployModel, Plan, StrategyChoice, TuningChoice, hardware_schema,
    strategy_schema,
};
use crate::http::whole;
use serde::Deserialize;
use utoipa::ToSchema;

/// How a version is to be served. Everything may be left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StudioDeploy)]
pub struct Deploy {
    /// `ver_…` or a number; by default the promoted version.
    pub version_id: Option<String>,
    /// `auto` (the default), or the id of a hardware profile.
    #[schema(schema_with = hardware_schema)]
    hardware: Option<String>,
    /// Instances of the model. With 1, the default, as many run as were measured to answer the most rows.
    #[schema(minimum = 1, maximum = 64)]
    #[serde(default, deserialize_with = "whole::optional")]
    replicas: Option<i64>,
    autoscaling: Option<Autoscaling>,
    batching: Option<Batching>,
    /// The latency that the deployment should keep to.
    #[schema(exclusive_minimum = 0, maximum = 3_600_000)]
    latency_target_ms: Option<f64>,
    tuning: Option<TuningChoice>,
    /// How the version comes in; by default `swap`.
    #[schema(schema_with = strategy_schema)]
    strategy: Option<StrategyChoice>,
    /// Whether it may go live although its signature breaks who calls what is; by default false.
    force: Option<bool>,
}

/// Bounds for the number of instances.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StudioAutoscaling)]
struct Autoscaling {
    /// By default false: there are `replicas` instances.
    enabled: Option<bool>,
    /// By default 1. With 0, what nobody asks anything for `models.idle_seconds` gives its memory back until somebody does.
    #[schema(minimum = 0, maximum = 64)]
    #[serde(default, deserialize_with = "whole::optional")]
    min_replicas: Option<i64>,
    #[schema(minimum = 1, maximum = 64)]
    #[serde(default, deserialize_with = "whole::optional")]
    max_replicas: Option<i64>,
    /// Per cent, by default 70.
    #[schema(minimum = 1, maximum = 100)]
    target_cpu_utilization: Option<f64>,
}

/// How requests share runs of the model.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StudioBatching)]
struct Batching {
    /// The most rows that run together; by default chosen by the server.
    #[schema(minimum = 1, maximum = 65_536)]
    #[serde(default, deserialize_with = "whole::optional")]
    max_batch_size: Option<i64>,
    /// How long a request may wait for company; by default 0, not at all.
    #[schema(minimum = 0, maximum = 10_000)]
    max_queue_delay_ms: Option<f64>,
}

impl Deploy {
    /// The deployment to make; its version is yet to be filled in.
    ///
    /// # Errors
    /// As [`DeployModel::check`], with the fields as they are called here.
    pub fn check(self) -> Result<Plan, ApiError> {
        let request = DeployModel {
            version: None,
            hardware: self.hardware,
            replicas: self.replicas,
            autoscaling: self.autoscaling.map(|bounds| AutoscalingBounds {
                enabled: bounds.enabled,
                min_replicas: bounds.min_replicas,
                max_replicas: bounds.max_replicas,
                target_cpu_utilization: bounds.target_cpu_utilization,
            }),
            batching: self.batching.map(|batching| BatchingChoice {
                max_batch_size: batching.max_batch_size,
                max_queue_delay_ms: batching.max_queue_delay_ms,
            }),
            latency_target_ms: self.latency_target_ms,
            tuning: self.tuning,
            strategy: self.strategy,
            force: self.force,
        };
        request
            .check()
            .map_err(|error| ApiError { fields: error.fields.into_iter().map(in_this_dialect).collect(), ..error })
    }
}

fn in_this_dialect(field: FieldError) -> FieldError {
    FieldError { pointer: snake_case(&field.pointer), ..field }
}

/// `/batching/maxBatchSize` as `/batching/max_batch_size`.
fn snake_case(pointer: &str) -> String {
    pointer.chars().fold(String::new(), |mut pointer, letter| {
        if letter.is_ascii_uppercase() {
            pointer.push('_');
        }
        pointer.push(letter.to_ascii_lowercase());
        pointer
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::json::parse;
    use bytes::Bytes;

    #[test]
    fn wrong_fields_are_named_as_they_are_called_here() {
        let body = r#"{"replicas": 0, "batching": {"max_batch_size": 0}, "autoscaling": {"min_replicas": 65}}"#;
        let error = parse::<Deploy>(&Bytes::from_static(body.as_bytes())).unwrap().check().unwrap_err();
        let pointers: Vec<_> = error.fields.iter().map(|field| field.pointer.as_str()).collect();
        assert!(pointers.contains(&"/batching/max_batch_size") && pointers.contains(&"/replicas"), "{pointers:?}");
        assert!(pointers.contains(&"/autoscaling/min_replicas"), "{pointers:?}");
        assert!(parse::<Deploy>(&Bytes::from_static(br#"{"maxBatchSize": 1}"#)).is_err());
    }
}
