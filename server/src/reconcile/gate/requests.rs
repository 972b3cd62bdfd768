//! Asking a version what the live one was asked lately, before anybody else does.

use super::agreement::Agreement;
use crate::app::SharedApp;
use crate::error::ApiError;
use servoir_registry::Breaking;
use servoir_runtime::{Aside, Deployment, LoadError, PredictError};
use servoir_types::{Kind, ModelId, Tensor};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The longest that requests are asked again.
const LONGEST: Duration = Duration::from_secs(30);

/// Refuses a version that answers the recorded requests of the live one otherwise than the limits allow. Both answer them on
/// sessions of their own, beside those that serve.
///
/// # Errors
/// 409 `swap-refused` with what is beyond the limits; 422 when no session could be opened.
pub async fn recorded_requests(
    app: &SharedApp,
    (organization, model): (&str, &ModelId),
    candidate: &Arc<Deployment>,
    breaking: Breaking,
) -> Result<(), ApiError> {
    let live = app.serving.find(organization, model.as_str()).and_then(|entry| entry.live());
    let (Some(live), Breaking::Refused) = (live, breaking) else { return Ok(()) };
    let requests = live.primary.recorded();
    let (before, after) = (live.primary.identity().version, candidate.identity().version);
    if requests.is_empty() || before == after {
        return Ok(());
    }
    let count = requests.len();
    // What is live and cannot be woken must not hold up what is to take its place.
    if let Err(failure) = app.reconciler.awaken(app, &live.primary).await {
        tracing::warn!(%model, before, %failure, "could not be woken, and recorded requests are not asked again");
        return Ok(());
    }
    app.reconciler.awaken(app, candidate).await?;
    let (live, candidate) = (Arc::clone(&live.primary), Arc::clone(candidate));
    let asked = app.reconciler.loading_threads().run(move || ask(&live, &candidate, requests));
    let agreement = asked.await.ok_or_else(|| ApiError::internal("asking recorded requests ended abnormally"))??;
    let fields = agreement.beyond(&app.config.swap);
    tracing::info!(%model, before, after, count, refused = !fields.is_empty(), "recorded requests were asked again");
    if fields.is_empty() {
        return Ok(());
    }
    app.metrics.swap_refused("requests");
    let said: Vec<_> = fields.iter().map(|field| format!("{}: {}", field.pointer, field.detail)).collect();
    let detail = format!(
        "version {after} answers what version {before}, which is live, was asked lately otherwise than the limits allow: {}; \
         force it to put it live all the same",
        said.join("; ")
    );
    Err(ApiError { fields, ..ApiError::new(Kind::Conflict, "swap-refused", detail) })
}

/// Asks both, in turn, what the live one was asked. Blocking.
pub(super) fn ask(
    live: &Deployment,
    candidate: &Deployment,
    requests: Vec<Vec<Tensor>>,
) -> Result<Agreement, ApiError> {
    // One that has fallen asleep in this moment has nothing to be asked with.
    let (Some(live_program), Some(next_program)) = (live.program(), candidate.program()) else {
        return Ok(Agreement::default());
    };
    // Each has a session more while it is asked, which a GPU may have no room for: that is no fault of either.
    let opened = Aside::open(&*live_program).and_then(|before| Ok((before, Aside::open(&*next_program)?)));
    let (mut before, mut after) = match opened {
        Err(error @ LoadError::DeviceMemory { .. }) => {
            tracing::warn!(%error, "a version is not asked what the live one was asked");
            return Ok(Agreement::default());
        }
        opened => opened?,
    };
    let mut agreement = Agreement::default();
    let started = Instant::now();
    for (index, inputs) in requests.iter().enumerate() {
        if started.elapsed() > LONGEST {
            break;
        }
        let (was, live_took) = timed(&mut before, inputs);
        let Ok(was) = was else {
            // What the live version cannot answer says nothing of the other.
            before = Aside::open(&*live_program)?;
            continue;
        };
        match timed(&mut after, inputs) {
            (Ok(is), took) => {
                agreement.answered((live.signature(), &was), (candidate.signature(), &is));
                // The first run of a session takes longer than any other.
                if index > 0 {
                    agreement.took(live_took, took);
                }
            }
            (Err(error), _) => {
                agreement.failed(error.to_string());
                after = Aside::open(&*next_program)?;
            }
        }
    }
    Ok(agreement)
}

type Answered = Result<Vec<Tensor>, PredictError>;

/// An answer, and how long it took.
fn timed(session: &mut Aside<'_>, inputs: &[Tensor]) -> (Answered, Duration) {
    let started = Instant::now();
    let answered = session.run(inputs);
    (answered, started.elapsed())
}
