//! The Open Inference Protocol, version 2, over HTTP with JSON tensors.

mod classification;
pub mod config;
pub mod health;
pub mod metadata;
mod parameters;
pub mod repository;
mod request;
mod response;

use super::call::Call;
use super::{lookup, media, names};
use crate::error::ApiError;
use axum::body::Body;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderValue, header};
use serde::Serialize;

/// Answers `…/infer`.
///
/// # Errors
/// The error table of the serving API.
pub async fn infer(
    mut call: Call<'_>,
    model: &str,
    version: Option<u64>,
    parts: &Parts,
    body: Body,
) -> Result<Response, ApiError> {
    names::no_query(&parts.uri)?;
    // One load decides the version; it is held to the end of the request.
    let chosen = lookup::choose(call.app, &call.principal.organization, model, version)?;
    let deployment = &*chosen.deployment;
    call.served.model = Some(deployment.identity().clone());
    let bytes = media::read(&parts.headers, body, &call.app.config.limits).await?;
    let asked = request::Asked::read(&bytes, deployment)?;
    let answer = call.run(&chosen, asked.inputs, asked.timeout, asked.priority).await?;
    response::write(deployment, &answer.outputs, &asked.outputs, asked.id.as_deref())
}

/// An answer 200 of JSON.
fn json(value: &impl Serialize) -> Result<Response, ApiError> {
    json_with_room(value, 128)
}

/// The same, with room for so many bytes made at first.
fn json_with_room(value: &impl Serialize, bytes: usize) -> Result<Response, ApiError> {
    let mut text = Vec::with_capacity(bytes);
    serde_json::to_writer(&mut text, value).map_err(ApiError::internal)?;
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
