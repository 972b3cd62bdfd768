//! Versions for the tests of what is decided about them.

use crate::config::BatchingConfig;
use crate::tuning::pool_defaults;
use servoir_runtime::faulty::{Faulty, FaultyProgram};
use servoir_runtime::{Deployment, Identity};
use servoir_types::ModelId;
use std::sync::Arc;
use std::time::Duration;

/// The model that they are versions of.
pub fn model() -> ModelId {
    ModelId::from_text("model_m")
}

/// A version that runs a program that does what a test says.
pub fn start(version: u64, program: Arc<Faulty>) -> Arc<Deployment> {
    let identity = Identity { model: model(), name: "m".into(), version };
    let batching = BatchingConfig {
        batch_rows_max: 64,
        inline_cost_max: Duration::ZERO,
        check_one_in: 0,
        queue_rows_max: 1000,
        queue_bytes_max: 1 << 20,
    };
    Deployment::start(identity, Arc::new(FaultyProgram(program)), pool_defaults(&batching)).expect("it starts")
}
