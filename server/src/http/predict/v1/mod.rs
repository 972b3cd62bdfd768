//! The plain JSON way: rows in, predictions out.

mod unfit;

use super::call::{Call, How};
use super::compression::compress;
use super::{lookup, media, names};
use crate::error::ApiError;
use crate::http::body::Received;
use crate::http::head::Head;
use axum::response::Response;
use http::{HeaderValue, header};
use servoir_codec::entity;
use servoir_codec::v1::{Answer, Asked, Predictions};
use servoir_runtime::Priority;
use servoir_types::Timestamp;
use std::sync::Arc;

/// Answers a prediction for the model of this id or name.
///
/// # Errors
/// The error table of the serving API.
pub async fn predict(
    mut call: Call<'_>,
    model: &str,
    head: Head<'_>,
    body: impl Received,
) -> Result<Response, ApiError> {
    let version = names::version_of_query(head.uri)?;
    // One load decides what is live; it is held to the end of the request.
    let mut chosen = lookup::choose(call.app, &call.principal.organization, model, version)?;
    call.served.model = Some(Arc::clone(&chosen.deployment));
    call.admit(&chosen, &body)?;
    let bytes = media::read_json(&head.headers, body, call.app).await?;
    call.settle(&mut chosen, head.headers.all, || entity::of_rows(&bytes));
    let deployment = &*chosen.deployment;
    let asked =
        Asked::read(&bytes, lookup::expected(deployment)).inspect_err(|fault| unfit::note(deployment, fault))?;
    let how = How { timeout: None, priority: Priority::Normal, observed: asked.observed };
    let answer = call.run(&chosen, asked.inputs, how).await?;
    let predictions = Predictions::of(deployment.signature(), &answer.outputs);
    let identity = deployment.identity();
    let (model, now) = (identity.model.as_str(), Timestamp::now());
    let ids = call.app.prediction_ids.take(model, identity.version, now, predictions.rows());
    // Models of a folder take no labels.
    if asked.observed && !asked.entities.is_empty() && call.app.models_dir.is_none() {
        call.app.entities.note(identity, &ids, &predictions, &asked.entities);
    }
    let answer = Answer {
        model_id: identity.model.as_str(),
        version: identity.version,
        ids,
        telling: asked.observed,
        predictions: &predictions,
        single: asked.single,
        latency_ms: answer.ended.saturating_duration_since(call.started).as_micros() as f64 / 1000.0,
    };
    let mut response = compress(&head.headers, call.app.config.compress_bytes_min, answer.to_json()?).await?;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}
