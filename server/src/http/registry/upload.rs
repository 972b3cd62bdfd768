//! A version whose artifact comes with the request: `multipart/form-data`, streamed to the scratch folder.

use super::metadata::VersionMetadata;
use super::metered::{Ahead, meter};
use crate::app::SharedApp;
use crate::error::{ApiError, FieldError};
use crate::http::body::{stalled, too_large};
use crate::http::json::parse;
use axum::body::Body;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest as _};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, header};
use servoir_registry::{RegistryError, StagedArtifact};
use std::time::Duration;
use utoipa::ToSchema;

/// The most bytes of the `metadata` part.
const METADATA_BYTES_MAX: usize = 1 << 20;
/// What a body may have beside the artifact: the metadata, the parts' headers and their boundaries.
const OVERHEAD_BYTES_MAX: u64 = 2 << 20;

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
    refuse_declared_excess(request.headers(), limit_bytes)?;
    let mut parts = Parts::of(app, request).await?;
    let (mut artifact, mut metadata) = (None, None);
    while let Some(mut part) = parts.next().await? {
        match part.name() {
            "artifact" if artifact.is_none() => artifact = Some(stage(app, &mut part, limit_bytes).await?),
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

async fn stage(app: &SharedApp, part: &mut Part<'_>, limit_bytes: u64) -> Result<StagedArtifact, ApiError> {
    let mut upload = app.registry.begin_upload(limit_bytes).await?;
    while let Some(piece) = part.piece().await? {
        upload.write(&piece).await?;
    }
    Ok(upload.finish().await?)
}

/// A body that says that it is too long is refused before a byte of it is read.
fn refuse_declared_excess(headers: &HeaderMap, limit_bytes: u64) -> Result<(), ApiError> {
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|declared| declared > limit_bytes.saturating_add(OVERHEAD_BYTES_MAX)) {
        return Err(RegistryError::TooLarge { limit_bytes }.into());
    }
    Ok(())
}

/// The parts of a form, as they come.
struct Parts {
    form: Multipart,
    ahead: Ahead,
    idle_max: Duration,
}

impl Parts {
    async fn of(app: &SharedApp, request: Request<Body>) -> Result<Self, ApiError> {
        let ahead = Ahead::default();
        let mut request = request.map(|body| meter(body, ahead.clone()));
        // The artifact's limit is kept where its bytes are counted, so the parser needs none of its own.
        DefaultBodyLimit::disable().apply(&mut request);
        let form = Multipart::from_request(request, app).await;
        let form = form.map_err(|error| ApiError::malformed("malformed-multipart", error.body_text()))?;
        Ok(Self { form, ahead, idle_max: Duration::from_secs(app.config.limits.body_idle_seconds) })
    }

    async fn next(&mut self) -> Result<Option<Part<'_>>, ApiError> {
        let Self { form, ahead, idle_max } = self;
        let field = within(*idle_max, form.next_field()).await?;
        ahead.reset();
        Ok(field.map(|field| Part { field, ahead, idle_max: *idle_max }))
    }
}

/// One part of a form.
struct Part<'a> {
    field: Field<'a>,
    ahead: &'a Ahead,
    idle_max: Duration,
}

impl Part<'_> {
    fn name(&self) -> &str {
        self.field.name().unwrap_or_default()
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, ApiError> {
        let piece = within(self.idle_max, self.field.chunk()).await?;
        self.ahead.reset();
        Ok(piece)
    }

    async fn whole(&mut self, bytes_max: usize) -> Result<Bytes, ApiError> {
        let mut whole = BytesMut::new();
        while let Some(piece) = self.piece().await? {
            if whole.len() + piece.len() > bytes_max {
                return Err(too_large(bytes_max));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }
}

async fn within<T>(idle_max: Duration, step: impl Future<Output = Result<T, MultipartError>>) -> Result<T, ApiError> {
    let step = tokio::time::timeout(idle_max, step).await.map_err(|_| stalled(idle_max))?;
    step.map_err(|error| {
        let detail = format!("the form is not whole or not well-formed: {}", error.body_text());
        ApiError::malformed("malformed-multipart", detail)
    })
}
