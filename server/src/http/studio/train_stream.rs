//! Training from one socket: the table and the wish in the first message, the run's frames after it.

use super::dataset_upload;
use super::model_request::CreateStudioModel;
use super::train::{TrainModel, begin};
use super::training_ws::Followed;
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::{DatasetsWrite, Scope as _, StudioWrite};
use crate::error::ApiError;
use crate::http::json;
use crate::http::query::{NoParameters, Query};
use crate::ws::{End, Socket, Upgrade};
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::Request;
use serde::Deserialize;
use serde_json::json;
use servoir_registry::{Actor, Run, StagedArtifact};
use servoir_studio::runs::live::Reader;
use servoir_types::random_token;
use tokio::sync::{Semaphore, TryAcquireError};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The largest first message: a table of some 24 MiB as base64.
const MESSAGE_BYTES_MAX: usize = 32 << 20;
/// So many sockets may be sending their table at once; further ones are refused.
const SENDING_MAX: usize = 4;

static SENDING: Semaphore = Semaphore::const_new(SENDING_MAX);

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(train))
}

/// The first message.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    action: Action,
    /// A Parquet or CSV file as base64.
    file_data: String,
    /// `classification` or `regression`.
    ml_task: String,
    target_variable: String,
    /// An algorithm; `auto` when not given.
    model_type: Option<String>,
    /// The new model's name.
    task_name: String,
    /// The share of rows that judge.
    test_size: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    StartTraining,
}

/// Train over a socket
///
/// A WebSocket. The client sends one text, `{"action": "start_training", "file_data": "<base64 of a Parquet or CSV file>",
/// "ml_task": "classification", "target_variable": "column", "model_type": "auto", "task_name": "a new model's name",
/// "test_size": 0.2}`, of at most 32 MiB. It makes a dataset, a model and a run, and then receives the run's frames as
/// `/training-metrics/ws` sends them. It also needs `datasets:write`. What cannot be done is told by a single frame `failed`. The run goes on when the
/// client leaves.
#[utoipa::path(get, path = "/api/v1/models/train-stream", operation_id = "trainOverSocket", tag = "studio",
    responses((status = 101, description = "The connection is a WebSocket from here on."),
        (status = 400, description = "`websocket-expected`: the request is no WebSocket handshake.")),
    security(("ApiKey" = ["studio:write"]), ("Bearer" = ["studio:write"])))]
async fn train(
    caller: Caller<StudioWrite>,
    State(app): State<SharedApp>,
    _: Query<NoParameters>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let credential = request.headers().clone();
    let upgrade = Upgrade::of(&app, request)?.taking(MESSAGE_BYTES_MAX);
    let followed = Followed { app, credential };
    Ok(upgrade.serve(move |mut socket| async move {
        let end = match converse(&followed, &mut socket, &caller).await {
            Ok(reader) => followed.tell(&mut socket, reader).await,
            Err(end) => end,
        };
        socket.close(end).await;
    }))
}

/// Takes the wish and begins the run.
async fn converse(followed: &Followed, socket: &mut Socket, caller: &Caller<StudioWrite>) -> Result<Reader, End> {
    let begun = match SENDING.try_acquire() {
        Ok(_sending) => {
            let message = socket.receive().await?;
            match caller.principal.require(DatasetsWrite::NAME) {
                Ok(()) => begun(&followed.app, &caller.actor, message.into_data()).await,
                Err(error) => Err(error),
            }
        }
        Err(TryAcquireError::NoPermits | TryAcquireError::Closed) => {
            let detail = format!("{SENDING_MAX} clients are sending a table already; try again soon");
            Err(ApiError::new(servoir_types::Kind::Overloaded, "too-many-streams", detail))
        }
    };
    let read = match begun {
        Ok(run) => followed.app.runs.read(&run, None).await.map_err(ApiError::from),
        Err(error) => Err(error),
    };
    match read {
        Ok(reader) => Ok(reader),
        Err(error) => {
            let failed = json!({ "run_id": null, "code": error.code, "message": told(&error) });
            socket.send("failed", &failed).await?;
            Err(End::Finished("nothing was trained"))
        }
    }
}

/// The failure with every field that is wrong.
fn told(error: &ApiError) -> String {
    let fields = error.fields.iter().map(|field| format!("; {}: {}", field.pointer, field.detail));
    format!("{}{}", error.detail, fields.collect::<String>())
}

async fn begun(app: &SharedApp, actor: &Actor, message: Bytes) -> Result<Run, ApiError> {
    let wish: Wish = json::parse(&message)?;
    let Action::StartTraining = wish.action;
    drop(message);
    let mut config = json!({
        "algorithm": wish.model_type.as_deref().unwrap_or("auto"), "target_column": wish.target_variable,
    });
    if let Some(test_size) = wish.test_size {
        config["validation"] = json!({ "test_size": test_size });
    }
    let file = staged(app, &wish.file_data).await?;
    // The same table may be sent again for another model: its name is nobody's concern.
    let name = format!("{}-{}", wish.task_name, random_token(6));
    let name = name.parse().map_err(|error| ApiError::field("/task_name", format!("{error}")))?;
    let (file, new) = dataset_upload::examined(file, name).await?;
    let dataset = app.registry.create_dataset(actor, file, new).await?;
    let model = json!({
        "name": wish.task_name, "model_type": "auto", "task_type": wish.ml_task, "dataset_id": dataset.summary.id,
        "config": config,
    });
    let made = async {
        let (new, dataset) = json::from_value::<CreateStudioModel>(model, "")?.check()?;
        Ok(app.registry.create_studio_model(actor, new, dataset.as_ref()).await?)
    };
    let made = match made.await {
        Ok(made) => made,
        Err(error) => {
            // What nothing refers to is not left behind.
            app.registry.delete_dataset(actor, &dataset.summary.id).await?;
            return Err(error);
        }
    };
    begin(app, actor, &made, TrainModel::default()).await
}

async fn staged(app: &SharedApp, base64: &str) -> Result<StagedArtifact, ApiError> {
    let bytes = BASE64_STANDARD.decode(base64);
    let bytes = bytes.map_err(|error| ApiError::field("/file_data", format!("is not base64: {error}")))?;
    let mut upload = app.registry.begin_upload(app.config.limits.dataset_bytes_max).await?;
    upload.write(&bytes).await?;
    Ok(upload.finish().await?)
}
