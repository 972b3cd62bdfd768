//! A run as it happens: a WebSocket that begins with a snapshot and then sends every frame.

use super::access::studio_model;
use super::runs::{of_model, run_id};
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::{Scope as _, StudioRead};
use crate::error::ApiError;
use crate::http::head::Headers;
use crate::http::path::Path;
use crate::http::query::{FromQuery, Query, Values};
use crate::ws::{End, Socket, Upgrade};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::{HeaderMap, Request};
use servoir_registry::Role;
use servoir_studio::runs::live::{Reader, Said};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How often it is looked whether a client may still read: keys are revoked and tokens expire.
const RIGHTS_EVERY: Duration = Duration::from_secs(1);

/// The routes of this file, each under both its names.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(follow)).route("/api/v1/models/{id}/training/metrics/ws", get(follow))
}

/// Which frames of which run.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
struct FollowParams {
    /// The latest run when not given.
    #[param(required = false, max_length = 64, pattern = r"^[^\u0000]*$")]
    run_id: Option<String>,
    /// The number of the first frame after the snapshot; the next one that is said when not given.
    #[param(required = false, minimum = 1)]
    from_seq: Option<i64>,
}

impl FromQuery for FollowParams {
    fn from_query(values: &mut Values) -> Self {
        let run_id = run_id(values);
        let from_seq = values.integer("from_seq", 0, &(1..=i64::MAX));
        Self { run_id, from_seq: (from_seq > 0).then_some(from_seq) }
    }
}

/// Follow a run
///
/// A WebSocket. Frames are JSON texts with `seq` (from 1, without gaps), `type`, `run_id` and `timestamp`. The first is a
/// `snapshot` of the whole state, whose `seq` is that of the last frame that it includes. Then come `progress`, `metrics`
/// and `log` as they are said, and at last one of `complete`, `failed` and `cancelled`, after which the server closes with
/// 1000. With `from_seq` the snapshot is of the state before that frame, and every frame from it on follows, also after a
/// restart of the server. A client that is too slow gets another `snapshot` in place of what it could not take. A browser
/// offers the protocols `servoir.v1` and `bearer.<token>`, where the token is an API key or a JWT.
#[utoipa::path(get, path = "/api/v1/models/{id}/training-metrics/ws", operation_id = "followTraining", tag = "studio",
    params(("id" = String, Path, description = "Id or name."), FollowParams),
    responses((status = 101, description = "The connection is a WebSocket from here on."),
        (status = 400, description = "`websocket-expected`: the request is no WebSocket handshake; `validation`."),
        (status = 404, description = "`not-found`: no such model or run.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn follow(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    Query(query): Query<FollowParams>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Viewer).await?.model;
    let run = of_model(&app, &model.organization, &model.id, query.run_id).await?;
    if let Some(from) = query.from_seq.filter(|from| *from > run.last_frame + 1) {
        let detail = format!("is {from}; the newest frame of run '{}' is {}", run.id, run.last_frame);
        return Err(ApiError::field("?from_seq", detail));
    }
    let credential = request.headers().clone();
    let upgrade = Upgrade::of(&app, request)?;
    let reader = app.runs.read(&run, query.from_seq).await?;
    let followed = Followed { app, credential };
    Ok(upgrade.serve(move |mut socket| async move {
        let end = followed.tell(&mut socket, reader).await;
        socket.close(end).await;
    }))
}

/// By which right somebody follows a run.
pub struct Followed {
    /// The parts of the server.
    pub app: SharedApp,
    /// The headers that the socket was asked for with.
    pub credential: HeaderMap,
}

impl Followed {
    /// Sends what a reader is told until there is a reason to stop.
    pub async fn tell<S>(&self, socket: &mut Socket<S>, mut reader: Reader) -> End
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut look_at = Instant::now() + RIGHTS_EVERY;
        loop {
            let said = match socket.wait(timeout_at(look_at, reader.next())).await {
                Ok(said) => said,
                Err(end) => return end,
            };
            if Instant::now() >= look_at {
                if !self.may_follow() {
                    return End::Refused;
                }
                look_at = Instant::now() + RIGHTS_EVERY;
            }
            match said {
                Ok(Ok(Said::Frame(text))) => {
                    if let Err(end) = socket.send_text(text).await {
                        return end;
                    }
                }
                Ok(Ok(Said::Over)) => return End::Finished("the run has ended"),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "a run cannot be followed further");
                    return End::Failed;
                }
                Err(_) => {}
            }
        }
    }

    fn may_follow(&self) -> bool {
        let principal = self.app.authenticator.authenticate(&Headers::of(&self.credential));
        principal.is_ok_and(|principal| principal.require(StudioRead::NAME).is_ok())
    }
}
