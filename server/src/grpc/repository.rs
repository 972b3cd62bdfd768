//! Which models are there, and bringing them up and down.

use super::call::Call;
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::RegistryWrite;
use crate::error::ApiError;
use crate::http::predict::v2::repository;
use servoir_codec::grpc::proto;
use servoir_codec::grpc::proto::repository_index_response::ModelIndex;

/// The models of the caller's organization.
///
/// # Errors
/// 401.
pub async fn index(app: &SharedApp, call: &Call, ready_only: bool) -> Result<proto::RepositoryIndexResponse, ApiError> {
    let listed = repository::listed(app, call.principal()?, ready_only).await;
    let models = listed.into_iter().map(|listed| ModelIndex {
        name: listed.name,
        version: listed.version,
        state: listed.state.to_owned(),
        reason: listed.reason,
    });
    Ok(proto::RepositoryIndexResponse { models: models.collect() })
}

/// Brings a model up.
///
/// # Errors
/// As over HTTP.
pub async fn load(
    app: &SharedApp,
    caller: Caller<RegistryWrite>,
    message: proto::RepositoryModelLoadRequest,
) -> Result<proto::RepositoryModelLoadResponse, ApiError> {
    repository::check_load_parameters(message.parameters.keys().map(String::as_str))?;
    repository::load(app, &caller, &message.model_name).await?;
    Ok(proto::RepositoryModelLoadResponse {})
}

/// Takes a model down.
///
/// # Errors
/// As over HTTP.
pub async fn unload(
    app: &SharedApp,
    caller: Caller<RegistryWrite>,
    message: proto::RepositoryModelUnloadRequest,
) -> Result<proto::RepositoryModelUnloadResponse, ApiError> {
    repository::unload(app, &caller, &message.model_name).await?;
    Ok(proto::RepositoryModelUnloadResponse {})
}
