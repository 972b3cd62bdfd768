//! One prediction under way.

use super::lookup::Chosen;
use crate::app::SharedApp;
use crate::auth::Principal;
use crate::error::ApiError;
use crate::http::body::is_short;
use crate::telemetry::metrics::Served;
use http::{HeaderMap, HeaderName};
use servoir_runtime::{Answer, Deployment, Priority, Request};
use servoir_types::Tensor;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

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

/// The header that says whom a request is about, before its body does.
pub const ENTITY: HeaderName = HeaderName::from_static("servoir-entity");

impl Call<'_> {
    /// Settles which version answers while there is a canary: by whom the request is about, as its head says, or else its body.
    pub fn settle<'b>(
        &mut self,
        chosen: &mut Chosen,
        headers: &HeaderMap,
        in_body: impl FnOnce() -> Option<Cow<'b, str>>,
    ) {
        let in_head = || headers.get(ENTITY).map(|entity| Cow::Borrowed(entity.as_bytes())).filter(|id| !id.is_empty());
        let bytes = |id: Cow<'b, str>| match id {
            Cow::Borrowed(text) => Cow::Borrowed(str::as_bytes(text)),
            Cow::Owned(text) => Cow::Owned(String::into_bytes(text)),
        };
        if chosen.settle(|| in_head().or_else(|| in_body().map(bytes))) {
            self.served.model = Some(Arc::clone(&chosen.deployment));
        }
    }

    /// Refuses what would surely be refused once its body was read, when that is long: reading it costs more than saying no.
    ///
    /// # Errors
    /// 429 queue full, latency target, deadline too soon.
    pub fn admit(&self, chosen: &Chosen, body: &impl hyper::body::Body) -> Result<(), ApiError> {
        // While it is open who answers, nobody can say how long that takes.
        if is_short(body) || !chosen.is_settled() {
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
        let shadow = chosen.shadow.as_ref();
        let mirrored =
            shadow.map(|shadow| mirror(self.app, (&chosen.deployment, shadow), (&inputs, observed), deadline));
        let trials = &self.app.reconciler.trials.sampled;
        let asked = if observed { trials.see(&chosen.deployment, &inputs, deadline) } else { None };
        let answer = chosen.deployment.predict(Request { inputs, deadline, priority, observed }).await?;
        if let Some(mirrored) = mirrored {
            // Only the server's end takes away who waits for it.
            let _ = mirrored.send((answer.outputs.clone(), answer.computed));
        }
        if let Some(asked) = asked {
            asked.answered(&answer.outputs);
        }
        self.served.run = Some((answer.queued, answer.computed, answer.batch_rows));
        Ok(answer)
    }
}

/// Sends a shadow a copy of a request, behind everything else that waits there. Its answer is compared with the one that the caller
/// gets, which is to be given here, and thrown away. The shadow's own queue bounds how many are under way.
fn mirror(
    app: &SharedApp,
    (live, shadow): (&Arc<Deployment>, &Arc<Deployment>),
    (inputs, observed): (&[Tensor], bool),
    deadline: Option<Instant>,
) -> oneshot::Sender<(Vec<Tensor>, Duration)> {
    let (answered, was) = oneshot::channel::<(Vec<Tensor>, Duration)>();
    let copy = Request { inputs: inputs.to_vec(), deadline, priority: Priority::Low, observed };
    let (app, live, shadow) = (Arc::clone(app), Arc::clone(live), Arc::clone(shadow));
    tokio::spawn(async move {
        let is = shadow.predict(copy).await;
        // What the live version cannot answer says nothing of the shadow.
        let Ok((was, took)) = was.await else { return };
        match is {
            Ok(is) => app.reconciler.mirrored.answered((&live, &was, took), (&shadow, &is.outputs, is.computed)),
            Err(error) => {
                tracing::debug!(%error, version = shadow.identity().version, "the shadow did not answer");
                app.reconciler.mirrored.failed(&shadow, &error);
            }
        }
    });
    answered
}
