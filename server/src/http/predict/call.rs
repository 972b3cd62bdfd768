//! One prediction under way.

use super::lookup::Chosen;
use crate::app::SharedApp;
use crate::auth::Principal;
use crate::error::ApiError;
use crate::http::body::is_short;
use crate::telemetry::metrics::Served;
use servoir_runtime::{Answer, Deployment, Priority, Request};
use servoir_types::Tensor;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One prediction under way: who asked, when, and what is known of it for the metrics, however it ends.
pub struct Call<'a> {
    /// The parts of the server.
    pub app: &'a SharedApp,
    /// Who asked.
    pub principal: &'a Principal,
    /// When the request's head was there.
    pub started: Instant,
    /// What is counted.
    pub served: &'a mut Served,
}

/// How a prediction is to be made.
pub struct How {
    /// How long the caller waits.
    pub timeout: Option<Duration>,
    /// Who goes first.
    pub priority: Priority,
    /// Whether monitoring may see it.
    pub observed: bool,
}

impl Call<'_> {
    /// Refuses what would surely be refused once its body was read, when that is long: reading it costs more than saying no.
    ///
    /// # Errors
    /// 429 queue full, latency target, deadline too soon.
    pub fn admit(&self, chosen: &Chosen, body: &impl hyper::body::Body) -> Result<(), ApiError> {
        if is_short(body) {
            return Ok(());
        }
        // How long the caller would wait is not read yet.
        Ok(chosen.deployment.admit(self.deadline(None))?)
    }

    /// When the answer is of no more use: within the server's own limit, or within `timeout` when that is shorter.
    fn deadline(&self, timeout: Option<Duration>) -> Option<Instant> {
        let longest = Duration::from_secs(self.app.config.limits.predict_seconds_max);
        self.started.checked_add(timeout.map_or(longest, |timeout| timeout.min(longest)))
    }

    /// Runs the model. The answer is wanted within the server's own limit, or, when that is shorter, within `timeout` or
    /// the deployment's own.
    ///
    /// # Errors
    /// What the deployment answers: 422 mismatch, 429 queue full, 504 too late, 503 closing, 500 the engine failed.
    pub async fn run(
        &mut self,
        chosen: &Chosen,
        inputs: Vec<Tensor>,
        How { timeout, priority, observed }: How,
    ) -> Result<Answer, ApiError> {
        self.served.rows = inputs.first().map_or(0, Tensor::rows);
        let deadline = self.deadline(timeout.or(chosen.deployment.options().timeout_default));
        if let Some(shadow) = &chosen.shadow {
            mirror(shadow, (&inputs, observed), deadline);
        }
        let answer = chosen.deployment.predict(Request { inputs, deadline, priority, observed }).await?;
        self.served.run = Some((answer.queued, answer.computed, answer.batch_rows));
        Ok(answer)
    }
}

/// Sends a shadow a copy of a request, behind everything else that waits there, and throws its answer away. The shadow's
/// own queue bounds how many are under way; what goes wrong is the deployment's last error.
fn mirror(shadow: &Arc<Deployment>, (inputs, observed): (&[Tensor], bool), deadline: Option<Instant>) {
    let copy = Request { inputs: inputs.to_vec(), deadline, priority: Priority::Low, observed };
    let shadow = Arc::clone(shadow);
    tokio::spawn(async move {
        if let Err(error) = shadow.predict(copy).await {
            tracing::debug!(%error, version = shadow.identity().version, "the shadow did not answer");
        }
    });
}
