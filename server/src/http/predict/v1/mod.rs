//! The plain JSON way: rows in, predictions out.

mod body;
mod inputs;
mod response;

use super::call::Call;
use super::{lookup, media, names};
use crate::error::ApiError;
use axum::body::Body;
use axum::response::Response;
use http::request::Parts;
use servoir_runtime::Priority;

/// Answers a prediction for the model of this id or name.
///
/// # Errors
/// The error table of the serving API.
pub async fn predict(mut call: Call<'_>, model: &str, parts: &Parts, body: Body) -> Result<Response, ApiError> {
    let version = names::version_of_query(&parts.uri)?;
    // One load decides the version; it is held to the end of the request.
    let chosen = lookup::choose(call.app, &call.principal.organization, model, version)?;
    let deployment = &*chosen.deployment;
    call.served.model = Some(deployment.identity().clone());
    let bytes = media::read(&parts.headers, body, &call.app.config.limits).await?;
    let asked = body::Asked::read(&bytes, deployment)?;
    let answer = call.run(&chosen, asked.inputs, None, Priority::Normal).await?;
    response::write(&call, deployment, &answer.outputs, asked.single)
}
