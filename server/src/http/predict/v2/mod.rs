//! The Open Inference Protocol, version 2, over HTTP: tensors as JSON or in binary form.

pub mod config;
pub mod health;
pub mod logging;
pub mod metadata;
mod object;
pub mod repository;
pub mod shared_memory;
pub mod statistics;

use super::answer::json_body;
use super::call::{Call, How};
use super::compression::compress;
use super::{lookup, media, names};
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::http::body::{self, Received};
use crate::http::head::Head;
use crate::http::json::limits;
use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use servoir_codec::entity;
use servoir_codec::v2::{Answer, Asked, Written};
use servoir_runtime::{Deployment, Priority};
use servoir_types::{Kind, Tensor};
use std::sync::Arc;

/// Answers `…/infer`.
///
/// # Errors
/// The error table of the serving API.
pub async fn infer(
    mut call: Call<'_>,
    model: &str,
    version: Option<u64>,
    head: Head<'_>,
    body: impl Received,
) -> Result<Response, ApiError> {
    names::no_query(head.uri)?;
    // One load decides what is live; it is held to the end of the request.
    let mut chosen = lookup::choose(call.app, &call.principal.organization, model, version)?;
    call.served.model = Some(Arc::clone(&chosen.deployment));
    call.admit(&chosen, &body)?;
    let received = media::read_tensors(&head.headers, body, call.app).await?;
    let json = &received.bytes[..received.head_len.unwrap_or(received.bytes.len())];
    call.settle(&mut chosen, head.headers.all, || entity::of_tensors(json));
    let deployment = &*chosen.deployment;
    let asked = Asked::read(&received.bytes, received.head_len, lookup::expected(deployment))?;
    let how = How { timeout: asked.timeout, priority: priority(asked.priority), observed: asked.observed };
    let answer = call.run(&chosen, asked.inputs, how).await?;
    let Written { bytes, head_len } =
        answer_of(deployment, &answer.outputs).write(&asked.outputs, asked.id.as_deref())?;
    let mut response = compress(&head.headers, call.app.config.compress_bytes_min, bytes).await?;
    let content_type = if head_len.is_some() { "application/octet-stream" } else { "application/json" };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Some(head_len) = head_len {
        response.headers_mut().insert(media::HEAD_LEN, HeaderValue::from(head_len));
    }
    Ok(response)
}

/// What a deployment gave, ready to be written.
pub fn answer_of<'a>(deployment: &'a Deployment, outputs: &'a [Tensor]) -> Answer<'a> {
    let identity = deployment.identity();
    Answer { name: &identity.name, version: identity.version, signature: deployment.signature(), outputs }
}

/// As Triton has it: 1 goes first, larger numbers later, 0 is the default.
pub const fn priority(asked: u64) -> Priority {
    match asked {
        1 => Priority::High,
        0 | 2 => Priority::Normal,
        _ => Priority::Low,
    }
}

/// 404: there is no tracer whose settings could be read or changed.
pub fn trace_is_not_here() -> ApiError {
    let detail = "this server has no tracer, and so no trace settings; the statistics of a model and /metrics say where \
                  the time of requests goes";
    ApiError::new(Kind::NotFound, "not-available", detail)
}

/// The small body of a call that is no prediction; the default when there is none.
async fn small_body<T: DeserializeOwned + Default>(app: &SharedApp, body: Body) -> Result<T, ApiError> {
    let bytes = body::read(body, limits(app)).await?;
    if bytes.trim_ascii().is_empty() { Ok(T::default()) } else { Ok(object::read(&bytes)?) }
}

/// An answer 200 of JSON.
pub fn json(value: &impl Serialize) -> Result<Response, ApiError> {
    serde_json::to_vec(value).map(json_body).map_err(ApiError::internal)
}
