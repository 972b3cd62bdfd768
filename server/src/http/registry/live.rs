//! A model's traffic as it happens: a WebSocket that says once a second what the model did.

use super::deployment_view::{Canary, Shadow};
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::{RegistryRead, Scope as _};
use crate::error::ApiError;
use crate::http::head::Headers;
use crate::http::path::OnlyPath;
use crate::http::studio::access;
use crate::readiness::ModelState;
use crate::telemetry::metrics::{Reading, Traffic};
use crate::ws::{End, Socket, Upgrade};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, Request};
use serde::Serialize;
use servoir_registry::{Model, Role};
use servoir_runtime::{Deployment, Device, Live};
use servoir_types::Kind;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How often a frame is sent.
const EVERY: Duration = Duration::from_secs(1);
/// How many of them latencies and batch sizes are taken over: a quantile of one second's requests says little.
const WINDOW: usize = 10;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(watch))
}

/// Watch a model
///
/// A WebSocket. Frames are JSON texts with `seq` (from 1, without gaps), `type` and `timestamp`. The first is a
/// `snapshot`: what answers on this node (`modelId`, `name`, `version`, `state`, `reason`, `canary`, `shadow`, `engine`,
/// `device`) and what it does. Then once a second `metrics`, what it does alone: `requestsPerSecond`, `errorsPerSecond`
/// and `rowsPerSecond` over the last second; `latencyMs` (`p50`, `p90`, `p99`, interpolated within the buckets of the
/// server's histogram) and `batchRows` over the last ten, `null` without traffic; `queueDepth`, `inFlight`, `busy` and
/// `instances` now; `driftScore` by the newest analysis, `null` without one. Another `snapshot` comes in place of `metrics` when what answers has changed, or when the client was
/// too slow for a frame. The server closes with 1000 when the model is taken down and with 1001 when it shuts down.
/// A browser offers the protocols `servoir.v1` and `bearer.<token>`, where the token is an API key or a JWT.
#[utoipa::path(get, path = "/api/v1/model-registry/models/{id}/live", operation_id = "watchModel",
    tag = "deployments",
    params(("id" = String, Path, description = "Id or name.")),
    responses((status = 101, description = "The connection is a WebSocket from here on."),
        (status = 400, description = "`websocket-expected`: the request is no WebSocket handshake."),
        (status = 404, description = "`not-found`: the organization has no such model."),
        (status = 409, description = "`not-live`: nothing answers for the model on this node.")),
    security(("ApiKey" = ["model-registry:read"]), ("Bearer" = ["model-registry:read"])))]
async fn watch(
    caller: Caller<RegistryRead>,
    State(app): State<SharedApp>,
    OnlyPath(id): OnlyPath<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let model = access::model(&app, &caller.principal, &id, Role::Viewer).await?;
    let credential = request.headers().clone();
    let upgrade = Upgrade::of(&app, request)?;
    let watched = Watched { app, model, credential };
    if watched.live().is_none() {
        let detail = format!("nothing answers for '{}' on this node; deploy it first", watched.model.name);
        return Err(ApiError::new(Kind::Conflict, "not-live", detail));
    }
    Ok(upgrade.serve(move |mut socket| async move {
        let end = match watched.stream(&mut socket).await {
            Ok(never) => match never {},
            Err(end) => end,
        };
        socket.close(end).await;
    }))
}

/// A model, and by which right somebody watches it.
struct Watched {
    app: SharedApp,
    model: Model,
    credential: HeaderMap,
}

/// What answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answering {
    model_id: String,
    name: String,
    version: u64,
    state: &'static str,
    reason: Option<String>,
    canary: Option<Canary>,
    shadow: Option<Shadow>,
    engine: &'static str,
    device: Device,
}

/// What it does.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Doing {
    requests_per_second: f64,
    errors_per_second: f64,
    rows_per_second: f64,
    latency_ms: Option<Latency>,
    batch_rows: Option<f64>,
    queue_depth: usize,
    in_flight: usize,
    busy: usize,
    instances: usize,
    drift_score: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Latency {
    p50: f64,
    p90: f64,
    p99: f64,
}

/// A snapshot's fields.
#[derive(Debug, Serialize)]
struct Snapshot<'a> {
    #[serde(flatten)]
    answering: &'a Answering,
    #[serde(flatten)]
    doing: &'a Doing,
}

impl Watched {
    /// What answers for the model on this node, if anything does.
    fn live(&self) -> Option<Arc<Live>> {
        self.app.serving.find(&self.model.organization, self.model.id.as_str())?.live()
    }

    /// Sends frames until there is a reason to stop.
    async fn stream<S>(&self, socket: &mut Socket<S>) -> Result<Infallible, End>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut ticks = interval_at(Instant::now(), EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut readings = Readings::default();
        let mut shown = None;
        loop {
            socket.wait(ticks.tick()).await?;
            let Some(live) = self.live() else { return Err(End::Finished("the model was taken down")) };
            if !self.may_watch() {
                return Err(End::Refused);
            }
            let late = readings.add(Instant::now(), self.app.metrics.reading(self.model.id.as_str()));
            let drift_score = self.app.findings.drift_score(&self.model.id, version(&live.primary));
            let (answering, doing) = (self.answering(&live), readings.doing(&live, drift_score));
            if is_whole(late, shown.as_ref(), &answering) {
                socket.send("snapshot", &Snapshot { answering: &answering, doing: &doing }).await?;
                shown = Some(answering);
            } else {
                socket.send("metrics", &doing).await?;
            }
        }
    }

    /// Whether who opened the socket could still open it: keys are revoked and tokens expire.
    fn may_watch(&self) -> bool {
        let principal = self.app.authenticator.authenticate(&Headers::of(&self.credential));
        principal.is_ok_and(|principal| principal.require(RegistryRead::NAME).is_ok())
    }

    fn answering(&self, live: &Live) -> Answering {
        let primary = &live.primary;
        let state = self.app.reconciler.state(&self.model.id).unwrap_or(ModelState::Ready);
        Answering {
            model_id: self.model.id.to_string(),
            name: primary.identity().name.clone(),
            version: primary.identity().version,
            state: state.shown(primary.is_asleep()),
            reason: state.reason().map(str::to_owned),
            canary: live
                .canary
                .as_ref()
                .map(|(percent, canary)| Canary { version: version(canary), percent: *percent }),
            shadow: live.shadow.as_ref().map(|shadow| Shadow { version: version(shadow) }),
            engine: primary.engine().as_str(),
            device: primary.device(),
        }
    }
}

/// Whether a frame says everything, and not only what the model does: when the client has not been shown what answers, or when a
/// second was left out.
fn is_whole<A: PartialEq>(late: bool, shown: Option<&A>, answering: &A) -> bool {
    late || shown != Some(answering)
}

fn version(deployment: &Deployment) -> i64 {
    i64::try_from(deployment.identity().version).unwrap_or(i64::MAX)
}

/// The readings of the last seconds, the oldest first.
#[derive(Default)]
struct Readings(VecDeque<(Instant, Reading)>);

impl Readings {
    /// Adds one; whether it comes so late that a frame has been left out.
    fn add(&mut self, now: Instant, reading: Reading) -> bool {
        let late = self.0.back().is_some_and(|(before, _)| now - *before > EVERY * 3 / 2);
        self.0.push_back((now, reading));
        if self.0.len() > WINDOW + 1 {
            self.0.pop_front();
        }
        late
    }

    /// What happened since the reading this many before the last, and within which time.
    fn since(&self, steps: usize) -> (Traffic, Duration) {
        let Some((now, last)) = self.0.back() else { return Default::default() };
        let (then, first) = &self.0[self.0.len() - 1 - steps.min(self.0.len() - 1)];
        (last.since(first), *now - *then)
    }

    fn doing(&self, live: &Live, drift_score: Option<f64>) -> Doing {
        let ((second, elapsed), (window, _)) = (self.since(1), self.since(WINDOW));
        let rate = |count: u64| if elapsed.is_zero() { 0.0 } else { count as f64 / elapsed.as_secs_f64() };
        let beside = live.canary.iter().map(|(_, canary)| canary).chain(&live.shadow);
        let gauges: Vec<_> = std::iter::once(&live.primary).chain(beside).map(|one| one.gauges()).collect();
        let quantile = |share| window.duration_quantile(share).map(|seconds| seconds * 1e3);
        let latency = (quantile(0.5), quantile(0.9), quantile(0.99));
        Doing {
            requests_per_second: rate(second.requests()),
            errors_per_second: rate(second.failed()),
            rows_per_second: rate(second.rows()),
            latency_ms: match latency {
                (Some(p50), Some(p90), Some(p99)) => Some(Latency { p50, p90, p99 }),
                _ => None,
            },
            batch_rows: window.mean_batch_rows(),
            queue_depth: gauges.iter().map(|gauges| gauges.queue_rows).sum(),
            in_flight: gauges.iter().map(|gauges| gauges.in_flight).sum(),
            busy: gauges.iter().map(|gauges| gauges.busy).sum(),
            instances: gauges.iter().map(|gauges| gauges.instances).sum(),
            drift_score,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_said_first_and_when_it_changed_or_a_frame_was_left_out() {
        for (late, shown, answering, whole) in [
            (false, None, 1, true),
            (false, Some(1), 1, false),
            (false, Some(1), 2, true),
            (true, Some(1), 1, true),
            (true, None, 1, true),
        ] {
            assert_eq!(is_whole(late, shown.as_ref(), &answering), whole, "{late} {shown:?} {answering}");
        }
    }

    #[test]
    fn a_frame_left_out_is_noticed_and_readings_do_not_pile_up() {
        let start = Instant::now();
        let mut readings = Readings::default();
        let times = [(0, false), (1000, false), (2300, false), (4000, true), (5000, false)];
        for (millis, late) in times {
            let now = start + Duration::from_millis(millis);
            assert_eq!(readings.add(now, Reading::default()), late, "after {millis} ms");
        }
        for seconds in 6..100 {
            readings.add(start + Duration::from_secs(seconds), Reading::default());
        }
        assert_eq!(readings.0.len(), WINDOW + 1);
        assert_eq!(readings.since(1).1, EVERY);
        assert_eq!(readings.since(WINDOW).1, EVERY * WINDOW as u32);
        assert_eq!(readings.since(1000).1, EVERY * WINDOW as u32, "as far back as is known");
    }
}
