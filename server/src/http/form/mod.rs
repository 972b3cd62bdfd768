//! `multipart/form-data` bodies: parts as they come, files streamed to the scratch folder.

mod metered;

use crate::app::SharedApp;
use crate::error::ApiError;
use crate::http::body::{stalled, too_large};
use axum::body::Body;
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest as _};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, header};
use metered::{Ahead, meter};
use servoir_registry::{RegistryError, StagedArtifact};
use std::time::Duration;

/// What a body may have beside its file: the other parts, the parts' headers and their boundaries.
const OVERHEAD_BYTES_MAX: u64 = 2 << 20;

/// A body that says that it is too long is refused before a byte of it is read.
fn refuse_declared_excess(headers: &HeaderMap, limit_bytes: u64) -> Result<(), ApiError> {
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|declared| declared > limit_bytes.saturating_add(OVERHEAD_BYTES_MAX)) {
        return Err(RegistryError::TooLarge { limit_bytes }.into());
    }
    Ok(())
}

/// The parts of a form, as they come.
pub struct Parts {
    form: Multipart,
    ahead: Ahead,
    idle_max: Duration,
}

impl Parts {
    /// The parts of a form whose file has at most `limit_bytes`.
    ///
    /// # Errors
    /// 400 for what is no form; 413 for a body that says that it is too long, before a byte of it is read.
    pub async fn of(app: &SharedApp, request: Request<Body>, limit_bytes: u64) -> Result<Self, ApiError> {
        refuse_declared_excess(request.headers(), limit_bytes)?;
        let ahead = Ahead::default();
        let mut request = request.map(|body| meter(body, ahead.clone()));
        // The file's limit is kept where its bytes are counted, so the parser needs none of its own.
        DefaultBodyLimit::disable().apply(&mut request);
        let form = Multipart::from_request(request, app).await;
        let form = form.map_err(|error| ApiError::malformed("malformed-multipart", error.body_text()))?;
        Ok(Self { form, ahead, idle_max: Duration::from_secs(app.config.limits.body_idle_seconds) })
    }

    /// The next part.
    ///
    /// # Errors
    /// 400 for what is no form, 408 when the caller stops sending.
    pub async fn next(&mut self) -> Result<Option<Part<'_>>, ApiError> {
        let Self { form, ahead, idle_max } = self;
        let field = within(*idle_max, form.next_field()).await?;
        ahead.reset();
        Ok(field.map(|field| Part { field, ahead, idle_max: *idle_max }))
    }
}

/// One part of a form.
pub struct Part<'a> {
    field: Field<'a>,
    ahead: &'a Ahead,
    idle_max: Duration,
}

impl Part<'_> {
    /// Its name.
    pub fn name(&self) -> &str {
        self.field.name().unwrap_or_default()
    }

    /// The name of the file that it was, as its sender calls it.
    pub fn file_name(&self) -> Option<&str> {
        self.field.file_name()
    }

    /// Streams the part to the scratch folder.
    ///
    /// # Errors
    /// 413 when it has more than `limit_bytes`; whatever came so far is removed.
    pub async fn stage(&mut self, app: &SharedApp, limit_bytes: u64) -> Result<StagedArtifact, ApiError> {
        let mut upload = app.registry.begin_upload(limit_bytes).await?;
        while let Some(piece) = self.piece().await? {
            upload.write(&piece).await?;
        }
        Ok(upload.finish().await?)
    }

    async fn piece(&mut self) -> Result<Option<Bytes>, ApiError> {
        let piece = within(self.idle_max, self.field.chunk()).await?;
        self.ahead.reset();
        Ok(piece)
    }

    /// The part as a whole.
    ///
    /// # Errors
    /// 413 when it has more than `bytes_max`.
    pub async fn whole(&mut self, bytes_max: usize) -> Result<Bytes, ApiError> {
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
