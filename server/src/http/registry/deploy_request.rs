//! What callers say of a deployment, checked: every field that is wrong is named at once.

use crate::error::ApiError;
use crate::hardware::Hardware;
use crate::http::fields::Fields;
use crate::http::openapi::texts::nullable;
use crate::http::whole;
use serde::Deserialize;
use serde_json::{Value, json};
use servoir_registry::{Autoscaling, Breaking, DeploymentSpec, Rollout, Strategy, Tuning};
use servoir_runtime::EngineName;
use servoir_types::Kind;
use utoipa::ToSchema;
use utoipa::openapi::schema::{AdditionalProperties, Object, ObjectBuilder, OneOfBuilder, Schema, Type};

/// The most instances of a model on one node.
pub const REPLICAS_MAX: i64 = 64;
/// The most threads of a run.
pub const THREADS_MAX: i64 = 1024;
/// The most rows that a connection's thread can be told to run: others that it reads wait meanwhile.
const INLINE_ROWS_MAX: i64 = 1024;
/// The most rows of one batch.
pub const BATCH_ROWS_MAX: i64 = 65_536;
/// The longest that a request may be made to wait for company, in milliseconds.
pub const QUEUE_DELAY_MS_MAX: f64 = 10_000.0;
/// The longest latency target, in milliseconds.
pub const LATENCY_TARGET_MS_MAX: f64 = 3_600_000.0;

/// How a version is to be served. Everything may be left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeployModel {
    /// By default the newest that is ready.
    #[schema(minimum = 1)]
    #[serde(default, deserialize_with = "whole::optional")]
    pub version: Option<i64>,
    /// `auto` (the default), or the id of a hardware profile.
    #[schema(schema_with = hardware_schema)]
    pub hardware: Option<String>,
    /// Instances of the model. With 1, the default, as many run as were measured to answer the most rows.
    #[schema(minimum = 1, maximum = 64)]
    #[serde(default, deserialize_with = "whole::optional")]
    pub replicas: Option<i64>,
    pub autoscaling: Option<AutoscalingBounds>,
    pub batching: Option<BatchingChoice>,
    /// The latency that the deployment should keep to.
    #[schema(exclusive_minimum = 0, maximum = 3_600_000)]
    pub latency_target_ms: Option<f64>,
    pub tuning: Option<TuningChoice>,
    /// How the version comes in; by default `swap`.
    #[schema(schema_with = strategy_schema)]
    pub strategy: Option<StrategyChoice>,
    /// Whether it may go live although its signature breaks who calls what is; by default false.
    pub force: Option<bool>,
}

/// What a change of what is live can be told that says the rest by itself. Everything may be left out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// Whether a version may go live although its signature breaks who calls what is; by default false.
    force: Option<bool>,
}

impl Override {
    /// What becomes of changes that break callers.
    pub fn breaking(&self) -> Breaking {
        breaking(self.force)
    }
}

fn breaking(force: Option<bool>) -> Breaking {
    if force == Some(true) { Breaking::Forced } else { Breaking::Refused }
}

/// Bounds for the number of instances.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AutoscalingBounds {
    /// By default false: there are `replicas` instances.
    pub enabled: Option<bool>,
    /// By default 1. With 0, what nobody asks anything for `models.idle_seconds` gives its memory back until somebody does.
    #[schema(minimum = 0, maximum = 64)]
    #[serde(default, deserialize_with = "whole::optional")]
    pub min_replicas: Option<i64>,
    #[schema(minimum = 1, maximum = 64)]
    #[serde(default, deserialize_with = "whole::optional")]
    pub max_replicas: Option<i64>,
    /// Per cent, by default 70.
    #[schema(minimum = 1, maximum = 100)]
    pub target_cpu_utilization: Option<f64>,
}

/// How requests share runs of the model.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BatchingChoice {
    /// The most rows that run together; by default chosen by the server.
    #[schema(minimum = 1, maximum = 65_536)]
    #[serde(default, deserialize_with = "whole::optional")]
    pub max_batch_size: Option<i64>,
    /// How long a request may wait for company; by default 0, not at all.
    #[schema(minimum = 0, maximum = 10_000)]
    pub max_queue_delay_ms: Option<f64>,
}

/// How the model is run; what is left out is measured when the version is loaded.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TuningChoice {
    /// The engine.
    #[schema(schema_with = engine_schema)]
    engine: Option<String>,
    /// Instances of the model; counts before `replicas`.
    #[schema(minimum = 1, maximum = 64)]
    #[serde(default, deserialize_with = "whole::optional")]
    instances: Option<i64>,
    /// Threads that a run may use inside the engine: 1, or more for the pool that all models share.
    #[schema(minimum = 1, maximum = 1024)]
    #[serde(default, deserialize_with = "whole::optional")]
    threads: Option<i64>,
    /// The most rows of a request that runs on the thread that reads it and waits for nobody, whatever it costs; 0: none does.
    #[schema(minimum = 0, maximum = 1024)]
    #[serde(default, deserialize_with = "whole::optional")]
    inline_rows_max: Option<i64>,
}

/// How the version comes in: `"swap"` (the default), `"shadow"`, or `{"canary": {"percent": 10}}`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum StrategyChoice {
    /// All requests at once; ends a canary and a shadow.
    #[default]
    Swap,
    /// A copy of the requests goes to it and its answers are thrown away.
    Shadow,
    /// It takes a share of the requests beside what is live.
    Canary {
        /// Per cent of the requests.
        #[serde(deserialize_with = "whole::required")]
        percent: i64,
    },
}

/// The schema of that field.
pub fn hardware_schema() -> Object {
    ObjectBuilder::new().schema_type(nullable(Type::String)).pattern(Some(Hardware::PATTERN)).build()
}

/// The schema of that field.
pub fn strategy_schema() -> Schema {
    let closed = |name: &str, field: Object| {
        let object = ObjectBuilder::new().schema_type(Type::Object).property(name, field).required(name);
        object.additional_properties(Some(AdditionalProperties::FreeForm(false))).build()
    };
    let words = [json!("swap"), json!("shadow"), Value::Null];
    let words = ObjectBuilder::new().schema_type(nullable(Type::String)).enum_values(Some(words));
    let percent = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(99));
    let percent = percent.description(Some("Per cent of the requests.")).build();
    OneOfBuilder::new().item(words).item(closed("canary", closed("percent", percent))).into()
}

fn engine_schema() -> Object {
    let names = EngineName::ALL.map(|engine| Value::from(engine.as_str()));
    let names = names.into_iter().chain([Value::Null]);
    ObjectBuilder::new().schema_type(nullable(Type::String)).enum_values(Some(names)).build()
}

/// A deployment to make, checked but for its version.
#[derive(Debug, PartialEq)]
pub struct Plan {
    /// Which version; `None`: the newest that is ready.
    pub version: Option<i64>,
    /// How; its version is yet to be filled in.
    pub spec: DeploymentSpec,
    /// How it comes in, and whether it may break callers.
    pub rollout: Rollout,
}

impl DeployModel {
    /// The deployment to make.
    ///
    /// # Errors
    /// 400 with every wrong field; 422 `hardware-unavailable`.
    pub fn check(self) -> Result<Plan, ApiError> {
        let mut fields = Fields::default();
        if let Some(version) = self.version {
            fields.within("/version", version, &(1..=i64::MAX));
        }
        let replicas = whole(&mut fields, "/replicas", self.replicas.unwrap_or(1), REPLICAS_MAX);
        let batching = self.batching.unwrap_or_default();
        let max_batch_size =
            batching.max_batch_size.map(|rows| whole(&mut fields, "/batching/maxBatchSize", rows, BATCH_ROWS_MAX));
        let max_queue_delay_ms = batching.max_queue_delay_ms.unwrap_or(0.0);
        fields.within("/batching/maxQueueDelayMs", max_queue_delay_ms, &(0.0..=QUEUE_DELAY_MS_MAX));
        if let Some(target) =
            self.latency_target_ms.filter(|target| !(*target > 0.0 && *target <= LATENCY_TARGET_MS_MAX))
        {
            let detail = format!("{target} is out of range; it is more than 0 and at most {LATENCY_TARGET_MS_MAX}");
            fields.wrong("/latencyTargetMs", detail);
        }
        let tuning = self.tuning.unwrap_or_default().check(&mut fields);
        let autoscaling = self.autoscaling.map(|bounds| bounds.check(&mut fields));
        if tuning.inline_rows_max.is_some_and(|rows| rows > 0) {
            let sleeps = autoscaling.as_ref().is_some_and(|bounds| bounds.enabled && bounds.min_replicas == 0);
            let reason = match (max_queue_delay_ms > 0.0, sleeps) {
                (true, _) => Some("batching.maxQueueDelayMs asks that they wait for company"),
                (_, true) => Some("with autoscaling.minReplicas 0 there may be no model to run"),
                _ => None,
            };
            if let Some(reason) = reason {
                let detail =
                    format!("requests cannot run on the thread that reads them: {reason}; leave out one of both");
                fields.wrong("/tuning/inlineRowsMax", detail);
            }
        }
        let strategy = self.strategy.unwrap_or_default().check(&mut fields);
        fields.finish()?;
        let spec = DeploymentSpec {
            version: 0,
            hardware: hardware(self.hardware)?,
            replicas,
            autoscaling,
            max_batch_size,
            max_queue_delay_ms,
            latency_target_ms: self.latency_target_ms,
            tuning,
        };
        let rollout = Rollout { strategy, breaking: breaking(self.force) };
        Ok(Plan { version: self.version, spec, rollout })
    }
}

/// A whole number from 1 to `max`, which fits 32 bits.
fn whole(fields: &mut Fields, pointer: &str, value: i64, max: i64) -> u32 {
    fields.within(pointer, value, &(1..=max));
    u32::try_from(value).unwrap_or(1)
}

/// Whether there is such a device is seen when the version is loaded.
fn hardware(asked: Option<String>) -> Result<String, ApiError> {
    match asked {
        None => Ok(Hardware::Auto.to_string()),
        Some(id) if Hardware::from_text(&id).is_some() => Ok(id),
        Some(id) => {
            let words = Hardware::WORDS.join(", ");
            let detail = format!(
                "'{id}' is no hardware profile; it is one of {words}, or a GPU such as gpu-0: see `GET …/hardware`"
            );
            Err(ApiError::new(Kind::Unprocessable, "hardware-unavailable", detail))
        }
    }
}

impl TuningChoice {
    fn check(self, fields: &mut Fields) -> Tuning {
        if let Some(engine) = self.engine.as_deref().filter(|engine| EngineName::from_text(engine).is_none()) {
            let names = EngineName::ALL.map(EngineName::as_str).join(", ");
            fields.wrong("/tuning/engine", format!("'{engine}' is no engine; it is one of {names}"));
        }
        Tuning {
            engine: self.engine,
            instances: self.instances.map(|count| whole(fields, "/tuning/instances", count, REPLICAS_MAX)),
            threads: self.threads.map(|count| whole(fields, "/tuning/threads", count, THREADS_MAX)),
            inline_rows_max: self.inline_rows_max.map(|rows| {
                fields.within("/tuning/inlineRowsMax", rows, &(0..=INLINE_ROWS_MAX));
                u32::try_from(rows).unwrap_or(0)
            }),
        }
    }
}

impl AutoscalingBounds {
    fn check(self, fields: &mut Fields) -> Autoscaling {
        let is_enabled = self.enabled.unwrap_or(false);
        if is_enabled && self.max_replicas.is_none() {
            fields.wrong(
                "/autoscaling/maxReplicas",
                "says how many instances there may be; it is needed when enabled is true",
            );
        }
        let low = self.min_replicas.unwrap_or(1);
        let high = self.max_replicas.unwrap_or(low.max(1));
        fields.within("/autoscaling/minReplicas", low, &(0..=REPLICAS_MAX));
        let min_replicas = u32::try_from(low).unwrap_or(0);
        let max_replicas = whole(fields, "/autoscaling/maxReplicas", high, REPLICAS_MAX);
        if low > high {
            fields.wrong("/autoscaling/maxReplicas", format!("{high} is less than minReplicas, {low}"));
        }
        let target_cpu_utilization = self.target_cpu_utilization.unwrap_or(70.0);
        fields.within("/autoscaling/targetCpuUtilization", target_cpu_utilization, &(1.0..=100.0));
        Autoscaling { enabled: is_enabled, min_replicas, max_replicas, target_cpu_utilization }
    }
}

impl StrategyChoice {
    fn check(self, fields: &mut Fields) -> Strategy {
        match self {
            Self::Swap => Strategy::Swap,
            Self::Shadow => Strategy::Shadow,
            Self::Canary { percent } => {
                fields.within("/strategy/canary/percent", percent, &(1..=99));
                Strategy::Canary(u8::try_from(percent).unwrap_or(1))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::json::parse;
    use bytes::Bytes;

    fn plan(body: &str) -> Result<Plan, ApiError> {
        parse::<DeployModel>(&Bytes::copy_from_slice(body.as_bytes()))?.check()
    }

    #[test]
    fn everything_has_a_default() {
        let plan = plan("{}").unwrap();
        assert_eq!(plan.version, None);
        assert_eq!((plan.spec.replicas, plan.spec.hardware.as_str()), (1, "auto"));
        assert_eq!(plan.rollout, Strategy::Swap.into());
    }

    #[test]
    fn strategies_are_words_or_a_canary() {
        for (body, expected) in [
            (r#"{"strategy": "swap"}"#, Strategy::Swap),
            (r#"{"strategy": "shadow"}"#, Strategy::Shadow),
            (r#"{"strategy": {"canary": {"percent": 99}}}"#, Strategy::Canary(99)),
        ] {
            assert_eq!(plan(body).unwrap().rollout, expected.into(), "{body}");
        }
    }

    #[test]
    fn callers_are_broken_only_by_force() {
        for (body, expected) in [
            ("{}", Breaking::Refused),
            (r#"{"force": null}"#, Breaking::Refused),
            (r#"{"force": false}"#, Breaking::Refused),
            (r#"{"force": true}"#, Breaking::Forced),
        ] {
            assert_eq!(plan(body).unwrap().rollout.breaking, expected, "{body}");
            let alone = parse::<Override>(&Bytes::copy_from_slice(body.as_bytes())).unwrap();
            assert_eq!(alone.breaking(), expected, "{body}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_all_at_once() {
        let cases: [(&str, &[&str]); 15] = [
            (
                r#"{"version": 0, "replicas": 65, "latencyTargetMs": 0, "batching": {"maxBatchSize": 0, "maxQueueDelayMs": -1},
                "tuning": {"engine": "x", "instances": 0, "threads": 1025, "inlineRowsMax": 1025},
                "strategy": {"canary": {"percent": 100}}, "autoscaling": {"minReplicas": 3, "maxReplicas": 2}}"#,
                &[
                    "/version",
                    "/replicas",
                    "/batching/maxBatchSize",
                    "/batching/maxQueueDelayMs",
                    "/latencyTargetMs",
                    "/tuning/engine",
                    "/tuning/instances",
                    "/tuning/threads",
                    "/tuning/inlineRowsMax",
                    "/autoscaling/maxReplicas",
                    "/strategy/canary/percent",
                ],
            ),
            (r#"{"tuning": {"inlineRowsMax": 1}, "batching": {"maxQueueDelayMs": 1}}"#, &["/tuning/inlineRowsMax"]),
            (
                r#"{"tuning": {"inlineRowsMax": 1}, "autoscaling": {"enabled": true, "minReplicas": 0, "maxReplicas": 2}}"#,
                &["/tuning/inlineRowsMax"],
            ),
            (r#"{"strategy": "canary"}"#, &["/strategy/canary"]),
            (r#"{"strategy": {"canary": {"percent": 1.5}}}"#, &["/strategy/canary/percent"]),
            (r#"{"strategy": "rolling"}"#, &["/strategy"]),
            (r#"{"replicas": "2"}"#, &["/replicas"]),
            (r#"{"replicas": 4294967297}"#, &["/replicas"]),
            (r#"{"replica": 2}"#, &["/replica"]),
            (r#"{"force": "yes"}"#, &["/force"]),
            (r#"{"batching": {"maxBatch": 2}}"#, &["/batching/maxBatch"]),
            (r#"{"autoscaling": {"targetCpuUtilization": 0}}"#, &["/autoscaling/targetCpuUtilization"]),
            (r#"{"autoscaling": {"enabled": true}}"#, &["/autoscaling/maxReplicas"]),
            (r#"{"autoscaling": {"minReplicas": -1, "maxReplicas": 1}}"#, &["/autoscaling/minReplicas"]),
            (r#"{"autoscaling": {"minReplicas": 0, "maxReplicas": 0}}"#, &["/autoscaling/maxReplicas"]),
        ];
        for (body, expected) in cases {
            let error = plan(body).unwrap_err();
            let pointers: Vec<_> = error.fields.iter().map(|field| field.pointer.as_str()).collect();
            assert_eq!(pointers, expected, "{body}: {}", error.detail);
        }
    }

    #[test]
    fn what_this_release_cannot_do_is_said() {
        assert_eq!(plan(r#"{"hardware": "gpu-1"}"#).unwrap().spec.hardware, "gpu-1");
        let error = plan(r#"{"hardware": "tpu"}"#).unwrap_err();
        assert_eq!((error.code, error.kind), ("hardware-unavailable", Kind::Unprocessable));
    }
}
