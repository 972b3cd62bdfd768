//! A prediction.

use crate::app::SharedApp;
use crate::auth::Principal;
use crate::error::ApiError;
use crate::http::predict::{Call, How, lookup, names, v2};
use crate::telemetry::metrics::Served;
use servoir_codec::entity;
use servoir_codec::grpc::proto::infer_parameter::ParameterChoice;
use servoir_codec::grpc::proto::{InferParameter, ModelInferRequest, ModelInferResponse};
use servoir_codec::v2::Asked;
use servoir_types::Kind;
use std::sync::Arc;
use std::time::Instant;

/// What a client asks and is told when it wants to know which answer of a request is the last one. Here every request has
/// one answer.
const WANTS_FINAL: &str = "triton_enable_empty_final_response";
const IS_FINAL: &str = "triton_final_response";

/// Answers one message.
///
/// # Errors
/// The error table of the serving API.
pub async fn infer(
    app: &SharedApp,
    principal: &Principal,
    message: ModelInferRequest,
    served: &mut Served,
) -> Result<ModelInferResponse, ApiError> {
    let started = Instant::now();
    let version = version(&message.model_version)?;
    // One load decides what is live; it is held to the end of the request.
    let mut chosen = lookup::choose(app, &principal.organization, &message.model_name, version)?;
    chosen.settle(|| entity::of_message(&message));
    let deployment = &*chosen.deployment;
    served.model = Some(Arc::clone(&chosen.deployment));
    let wants_final = is_true(message.parameters.get(WANTS_FINAL));
    let asked = Asked::of_message(message, lookup::expected(deployment))?;
    let how = How { timeout: asked.timeout, priority: v2::priority(asked.priority), observed: asked.observed };
    let mut call = Call { app, principal, started, served };
    let answer = call.run(&chosen, asked.inputs, how).await?;
    let mut response = v2::answer_of(deployment, &answer.outputs).to_message(&asked.outputs, asked.id)?;
    if wants_final {
        let yes = InferParameter { parameter_choice: Some(ParameterChoice::BoolParam(true)) };
        response.parameters.insert(IS_FINAL.to_owned(), yes);
    }
    Ok(response)
}

/// The version that a message names; `None` for the live one.
///
/// # Errors
/// 404: what is no number is a version that does not exist.
pub fn version(text: &str) -> Result<Option<u64>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    let version = names::version(text).map(Some);
    version.map_err(|error| ApiError { kind: Kind::NotFound, code: "version-not-live", ..error })
}

fn is_true(parameter: Option<&InferParameter>) -> bool {
    parameter.is_some_and(|parameter| parameter.parameter_choice == Some(ParameterChoice::BoolParam(true)))
}
