//! A version whose artifact lies in a store already.

use super::metadata::{VersionMetadata, format_schema, metrics_schema};
use crate::app::SharedApp;
use crate::error::ApiError;
use crate::http::fields::Fields;
use crate::http::json::Json;
use crate::http::openapi::texts;
use axum::body::Body;
use axum::extract::FromRequest as _;
use http::Request;
use serde::Deserialize;
use serde_json::{Map, Value};
use servoir_registry::{Actor, StagedArtifact};
use utoipa::ToSchema;

/// The most characters of a URI.
const URI_CHARS_MAX: usize = 4096;

/// A version whose artifact lies in a store already.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ImportVersion {
    /// In a store that the server may import from, or `servoir://sha256/<hex>` for an artifact that another version of
    /// the organization has.
    #[schema(value_type = String, required, max_length = 4096)]
    artifact_uri: Option<String>,
    #[schema(schema_with = texts::description)]
    description: Option<String>,
    /// Numbers, texts and truth values by name; at most 256.
    #[schema(schema_with = metrics_schema)]
    metrics: Option<Map<String, Value>>,
    /// What the artifact is; refused when it turns out to be something else.
    #[schema(schema_with = format_schema)]
    format: Option<String>,
}

/// Copies the artifact that a request names to the scratch folder.
///
/// # Errors
/// 400 for what is wrong in the request, 404 and 422 for the artifact.
pub async fn receive(
    app: &SharedApp,
    actor: &Actor,
    request: Request<Body>,
) -> Result<(StagedArtifact, VersionMetadata), ApiError> {
    let Json(request) = Json::<ImportVersion>::from_request(request, app).await?;
    let mut fields = Fields::default();
    let uri = fields.required("/artifactUri", request.artifact_uri);
    fields.no_longer_than("/artifactUri", uri.as_deref().unwrap_or_default(), URI_CHARS_MAX);
    let uri = fields.finish_with(uri)?;
    let metadata =
        VersionMetadata { description: request.description, metrics: request.metrics, format: request.format };
    metadata.check()?;
    let limit_bytes = app.config.limits.artifact_bytes_max;
    Ok((app.registry.import(&actor.organization, &uri, limit_bytes).await?, metadata))
}
