//! A version whose artifact comes with the request: `multipart/form-data`, streamed to the scratch folder.

use super::metadata::VersionMetadata;
use crate::app::SharedApp;
use crate::error::{ApiError, FieldError};
use crate::http::form::Parts;
use crate::http::json::parse;
use axum::body::Body;
use http::Request;
use servoir_registry::StagedArtifact;
use utoipa::ToSchema;

/// The most bytes of the `metadata` part.
const METADATA_BYTES_MAX: usize = 1 << 20;

/// The parts of an upload.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // describes the form; the parts are read as they come
pub struct UploadForm {
    /// The model file.
    #[schema(value_type = String, format = Binary)]
    artifact: Vec<u8>,
    #[schema(value_type = VersionMetadata, required = false)]
    metadata: Option<VersionMetadata>,
}

/// Receives an upload's parts, in either order.
///
/// # Errors
/// 400, 408 or 413; whatever came so far is removed.
pub async fn receive(app: &SharedApp, request: Request<Body>) -> Result<(StagedArtifact, VersionMetadata), ApiError> {
    let limit_bytes = app.config.limits.artifact_bytes_max;
    let mut parts = Parts::of(app, request, limit_bytes).await?;
    let (mut artifact, mut metadata) = (None, None);
    while let Some(mut part) = parts.next().await? {
        match part.name() {
            "artifact" if artifact.is_none() => artifact = Some(part.stage(app, limit_bytes).await?),
            "metadata" if metadata.is_none() => {
                let text = part.whole(METADATA_BYTES_MAX).await?;
                let read = parse::<VersionMetadata>(&text).and_then(|read| read.check().map(|()| read));
                metadata = Some(read.map_err(inside_metadata)?);
            }
            name @ ("artifact" | "metadata") => {
                return Err(ApiError::field(format!("/{name}"), "this part came twice"));
            }
            other => {
                let detail = "there is no such part; there are artifact and metadata";
                return Err(ApiError::field(format!("/{other}"), detail));
            }
        }
    }
    let missing = "the part 'artifact' with the model file is missing";
    let artifact = artifact.ok_or_else(|| ApiError::field("/artifact", missing))?;
    Ok((artifact, metadata.unwrap_or_default()))
}

/// What is wrong inside the metadata, said of the whole form.
fn inside_metadata(error: ApiError) -> ApiError {
    let fields =
        error.fields.into_iter().map(|field| FieldError { pointer: format!("/metadata{}", field.pointer), ..field });
    let fields: Vec<_> = fields.collect();
    if fields.is_empty() {
        ApiError { detail: format!("metadata: {}", error.detail), fields, ..error }
    } else {
        ApiError::validation(fields)
    }
}
