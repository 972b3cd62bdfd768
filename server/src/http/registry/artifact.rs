//! A version's bytes.

use super::byte_range::{Asked, asked};
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::RegistryRead;
use crate::error::ApiError;
use crate::http::etag::IfNoneMatch;
use crate::http::path::OnlyPath;
use crate::http::studio::access;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, HeaderName, StatusCode, header};
use servoir_registry::Role;
use servoir_types::{Kind, Name};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

const DIGEST: HeaderName = HeaderName::from_static("digest");

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(download))
}

/// Download a version's artifact
///
/// The bytes as they were uploaded, whole or one range of them. `Digest` is the SHA-256 of the whole (RFC 3230).
#[utoipa::path(get, path = "/api/v1/model-registry/models/{id}/versions/{version}/artifact",
    operation_id = "downloadArtifact", tag = "versions",
    params(("id" = String, Path, description = "Id or name."), ("version" = i64, Path, minimum = 1, description = "From 1."),
        ("Range" = Option<String>, Header, description = "One range of bytes, such as `bytes=0-1023`."), IfNoneMatch),
    responses(
        (status = 200, description = "The whole.", body = Vec<u8>, content_type = "application/octet-stream",
            headers(("Digest" = String), ("ETag" = String), ("Accept-Ranges" = String))),
        (status = 206, description = "The range.", body = Vec<u8>, content_type = "application/octet-stream",
            headers(("Content-Range" = String), ("Digest" = String), ("ETag" = String), ("Accept-Ranges" = String))),
        (status = 304, description = "It is what the caller has already.", headers(("ETag" = String))),
        (status = 404, description = "`not-found`: no such model or version."),
        (status = 416, description = "`range-not-satisfiable`: the artifact is shorter.", headers(("Content-Range" = String)))),
    security(("ApiKey" = ["model-registry:read"]), ("Bearer" = ["model-registry:read"])))]
async fn download(
    caller: Caller<RegistryRead>,
    State(app): State<SharedApp>,
    OnlyPath((id, version)): OnlyPath<(String, i64)>,
    condition: IfNoneMatch,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let organization = &caller.actor.organization;
    let model = access::model(&app, &caller.principal, &id, Role::Viewer).await?;
    let version = app.registry.version(organization, &model.id, version).await?;
    let tag = format!("\"{}\"", version.digest);
    if condition.has(&tag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    // A range of another state of the artifact is of no use: then the whole is answered (RFC 9110, 13.1.5).
    let is_current = text(header::IF_RANGE).is_none_or(|seen| seen == tag);
    let size_bytes = u64::try_from(version.size_bytes).unwrap_or_default();
    let range = match asked(text(header::RANGE).filter(|_| is_current), size_bytes) {
        Asked::Whole => None,
        Asked::Part(range) => Some(range),
        Asked::Unsatisfiable => return Ok(unsatisfiable(size_bytes)),
    };
    let is_part = range.is_some();
    let bytes = app.registry.read_artifact(version.digest, range).await?;
    let mut response = Body::from_stream(bytes.stream).into_response();
    let mut set = |name: HeaderName, value: String| {
        // Every value is made of digits, base64 and the letters of a safe file name.
        if let Ok(value) = value.try_into() {
            response.headers_mut().insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, "application/octet-stream".to_owned());
    set(header::CONTENT_LENGTH, (bytes.range.end - bytes.range.start).to_string());
    set(header::ACCEPT_RANGES, "bytes".to_owned());
    set(header::ETAG, tag);
    set(DIGEST, format!("sha-256={}", BASE64_STANDARD.encode(version.digest.as_bytes())));
    set(
        header::CONTENT_DISPOSITION,
        format!("attachment; filename=\"{}\"", artifact_name(&model.name, version.version, &version.format)),
    );
    if is_part {
        set(header::CONTENT_RANGE, format!("bytes {}-{}/{size_bytes}", bytes.range.start, bytes.range.end - 1));
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

fn unsatisfiable(size_bytes: u64) -> Response {
    let detail = format!("the artifact has {size_bytes} bytes, and the range asked for lies beyond them");
    let error = ApiError::new(Kind::OutOfRange, "range-not-satisfiable", detail);
    ([(header::CONTENT_RANGE, format!("bytes */{size_bytes}"))], error).into_response()
}

/// A name that no file system and no header stumbles over.
pub fn artifact_name(model: &Name, version: i64, format: &str) -> String {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let stem: String = model.as_str().chars().map(|c| if is_safe(c) { c } else { '_' }).collect();
    let ending = match format {
        "onnx" => "onnx",
        "xgboost-json" => "json",
        "xgboost-ubj" => "ubj",
        "lightgbm-text" => "txt",
        _ => "bin",
    };
    format!("{stem}-v{version}.{ending}")
}
