//! Predictions over one stream: each message is a request of its own, answered in the order of the messages.

use super::call::{Call, unserved};
use super::messages::Held;
use super::services::prediction_bytes_max;
use super::{deadline, infer, status};
use crate::app::SharedApp;
use crate::auth::scope::{InferenceInvoke, Scope as _};
use crate::error::ApiError;
use crate::http::head::Headers;
use crate::http::outermost::overloaded;
use crate::http::problem::{self, Dialect};
use crate::http::request_id::RequestId;
use crate::telemetry::metrics::{InFlight, Served};
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt as _, StreamExt as _};
use http::{HeaderMap, StatusCode};
use prost::Message as _;
use servoir_codec::grpc::proto::{ModelInferRequest, ModelInferResponse, ModelStreamInferResponse};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;
use tonic::{Status, Streaming};

/// Messages of one stream that are worked on at once; the next one is read when the first of them is answered.
const UNDER_WAY_MAX: usize = 16;
/// The path of the call, as it is counted.
const PATH: &str = "/inference.GRPCInferenceService/ModelStreamInfer";

/// A message, with the room that it has for as long as it is worked on.
type Message = (ModelInferRequest, Option<Held>);

/// A stream of predictions.
pub struct Predictions {
    /// The parts of the server.
    pub app: SharedApp,
    /// The call that it is.
    pub call: Arc<Call>,
    /// The head of the call: its credential is checked anew with each message.
    pub head: HeaderMap,
    /// Finds the stream in the log.
    pub request_id: RequestId,
    /// When the caller stops waiting for the whole stream.
    pub deadline: Option<Instant>,
}

impl Predictions {
    /// The answers to `messages`. What is wrong with one is said in its answer, and the stream goes on. The stream ends with
    /// its messages, by its deadline, or when the server goes and what is under way is answered.
    pub fn answers(
        self,
        messages: Streaming<ModelInferRequest>,
    ) -> BoxStream<'static, Result<ModelStreamInferResponse, Status>> {
        let this = Arc::new(self);
        let answer = {
            let this = Arc::clone(&this);
            move |message: Result<Message, Status>| {
                let this = Arc::clone(&this);
                async move {
                    let (message, _room) = message?;
                    this.in_time(this.answer(message)).await
                }
            }
        };
        until_the_end(this, messages).map(answer).buffered(UNDER_WAY_MAX).boxed()
    }

    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T, Status> {
        match self.deadline {
            None => Ok(work.await),
            Some(deadline) => {
                let in_time = tokio::time::timeout_at(deadline.into(), work).await;
                in_time.map_err(|_| status::of(&deadline::passed()))
            }
        }
    }

    async fn answer(&self, message: ModelInferRequest) -> ModelStreamInferResponse {
        let started = Instant::now();
        let of_request = ModelInferResponse {
            id: message.id.clone(),
            model_name: message.model_name.clone(),
            model_version: message.model_version.clone(),
            ..ModelInferResponse::default()
        };
        let mut served = unserved();
        let predicted = AssertUnwindSafe(self.predict(message, &mut served)).catch_unwind().await;
        let predicted = predicted.unwrap_or_else(|_| Err(ApiError::internal("a handler panicked")));
        let status =
            predicted.as_ref().map_or_else(|error| problem::status(error, Dialect::OpenInference), |_| StatusCode::OK);
        self.app.metrics.request(PATH, Some(&served), status, started.elapsed());
        match predicted {
            Ok(response) => ModelStreamInferResponse { error_message: String::new(), infer_response: Some(response) },
            Err(error) => {
                self.log(&error);
                let error_message = status::of(&error).message().to_owned();
                ModelStreamInferResponse { error_message, infer_response: Some(of_request) }
            }
        }
    }

    /// What tonic found in a message, in our words; it cannot go on behind one that it did not read.
    fn unreadable(&self, found: &Status) -> Status {
        let without_room = self.call.without_room();
        status::of(&without_room.unwrap_or_else(|| status::read(found, prediction_bytes_max(&self.app.config.limits))))
    }

    /// A message and its room.
    fn read(&self, message: Result<ModelInferRequest, Status>) -> Result<Message, Status> {
        let message = message.map_err(|found| self.unreadable(&found))?;
        let room = self.call.next_message(|| message.encoded_len()).map_err(|error| status::of(&error))?;
        Ok((message, room))
    }

    fn log(&self, error: &ApiError) {
        let (request_id, code) = (&self.request_id, error.code);
        match &error.internal {
            Some(cause) => tracing::error!(%request_id, code, cause, "a message of a stream failed"),
            None => tracing::info!(%request_id, code, detail = error.detail, "a message of a stream was refused"),
        }
    }

    async fn predict(&self, message: ModelInferRequest, served: &mut Served) -> Result<ModelInferResponse, ApiError> {
        let limit = self.app.config.limits.requests_in_flight_max;
        let _place = InFlight::enter(&self.app.metrics, limit).ok_or_else(|| overloaded(limit))?;
        let principal = self.app.authenticator.authenticate(&Headers::of(&self.head))?;
        principal.require(InferenceInvoke::NAME)?;
        infer::infer(&self.app, &principal, message, served).await
    }
}

/// The messages of a stream, and the reason when it ends before them.
fn until_the_end(
    stream: Arc<Predictions>,
    messages: Streaming<ModelInferRequest>,
) -> impl futures_util::Stream<Item = Result<Message, Status>> {
    stream::unfold(Some(messages), move |messages| {
        let stream = Arc::clone(&stream);
        async move {
            let mut messages = messages?;
            let next = async {
                tokio::select! {
                    biased;
                    () = stream.app.readiness.closed() => Some(Err(going())),
                    message = messages.next() => message.map(|message| stream.read(message)),
                }
            };
            let next = stream.in_time(next).await.unwrap_or_else(|passed| Some(Err(passed)))?;
            let rest = next.is_ok().then_some(messages);
            Some((next, rest))
        }
    })
}

/// Said to streams when the server goes.
pub fn going() -> Status {
    Status::unavailable("the server is shutting down")
}
