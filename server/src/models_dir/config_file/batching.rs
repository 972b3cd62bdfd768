//! `max_batch_size` and `dynamic_batching`: how many rows run together, and how many wait.

use super::{ConfigError, ConfigFile};
use crate::config::BatchingConfig;
use servoir_codec::grpc::proto::model_config::SchedulingChoice;
use servoir_codec::grpc::proto::{ModelDynamicBatching, model_queue_policy::TimeoutAction};
use std::time::Duration;

/// How a model batches and queues; what it does not say is as the server has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batching {
    /// The most rows that are run together; 1 for a model that takes no batches.
    pub rows_max: Option<usize>,
    /// How long a request may wait for company.
    pub delay_max: Duration,
    /// The most rows that may wait.
    pub queue_rows_max: Option<usize>,
    /// How long an answer is waited for when the caller does not say.
    pub timeout_default: Option<Duration>,
}

impl Batching {
    /// The most rows that are run together.
    pub fn rows_max(&self, defaults: &BatchingConfig) -> usize {
        self.rows_max.unwrap_or(defaults.batch_rows_max)
    }

    /// The most rows that may wait: at least one batch.
    pub fn queue_rows_max(&self, defaults: &BatchingConfig) -> usize {
        self.queue_rows_max.unwrap_or(defaults.queue_rows_max).max(self.rows_max(defaults))
    }
}

impl ConfigFile {
    /// How the model batches and queues.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn batching(&self) -> Result<Batching, ConfigError> {
        let most = self.max_batch_size();
        let rows_max = match most {
            None => None,
            Some(0) => Some(1),
            Some(most) => Some(usize::try_from(most).map_err(|_| {
                self.wrong("max_batch_size", format!("expected 0 or the most rows of a batch, got {most}"))
            })?),
        };
        let batching = Batching { rows_max, ..Batching::default() };
        match &self.config.scheduling_choice {
            Some(SchedulingChoice::DynamicBatching(dynamic)) => self.dynamic_batching(batching, dynamic),
            _ => Ok(batching),
        }
    }

    fn dynamic_batching(&self, batching: Batching, dynamic: &ModelDynamicBatching) -> Result<Batching, ConfigError> {
        let mut rows_max = batching.rows_max;
        for (index, &preferred) in dynamic.preferred_batch_size.iter().enumerate() {
            let field = format!("dynamic_batching.preferred_batch_size[{index}]");
            let size = usize::try_from(preferred).ok().filter(|&size| size > 0);
            let size = size.ok_or_else(|| self.wrong(&field, format!("expected a size from 1, got {preferred}")))?;
            if let Some(most) = batching.rows_max.filter(|&most| size > most) {
                return Err(self.wrong(&field, format!("expected at most max_batch_size, {most}, got {size}")));
            }
            rows_max = if index == 0 { Some(size) } else { rows_max.max(Some(size)) };
        }
        let policy = dynamic.default_queue_policy.unwrap_or_default();
        let timeout = Duration::from_micros(policy.default_timeout_microseconds);
        let rejects = policy.timeout_action == i32::from(TimeoutAction::Reject);
        Ok(Batching {
            rows_max,
            delay_max: Duration::from_micros(dynamic.max_queue_delay_microseconds),
            queue_rows_max: (policy.max_queue_size > 0).then_some(policy.max_queue_size as usize),
            timeout_default: (rejects && !timeout.is_zero()).then_some(timeout),
        })
    }
}
