//! Links that give a version's files to whoever holds them, for a while.

use super::access::studio_model;
use super::version_view::artifact_name;
use super::versions::named_or_promoted;
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::StudioRead;
use crate::error::ApiError;
use crate::http::origin::Origin;
use crate::http::path::{OnlyPath, Path};
use crate::http::query::{FromQuery, Query, Values};
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderName, header};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use servoir_registry::{Role, TracedVersion};
use servoir_types::{Digest, Kind, Secret, Timestamp, VersionId};
use std::ops::RangeInclusive;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What the links' key is for; also the tokens' audience, so that no other token passes for one.
const PURPOSE: &str = "downloads";
/// For how many seconds a link may be good.
const EXPIRES_IN: RangeInclusive<i64> = 1..=86_400;
/// How many when the caller does not say.
const EXPIRES_IN_DEFAULT: i64 = 3600;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(link)).routes(routes!(fetch))
}

/// Which file, and for how long.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// `ver_…` or a number; by default the promoted version.
    #[param(required = false, nullable = false, max_length = 64, pattern = r"^[^\u0000]*$")]
    version_id: Option<String>,
    /// `onnx` (the default) with everything that belongs to the model, or `native`, the learner's own.
    #[param(required = false, schema_with = format_schema)]
    format: Form,
    /// Seconds that the link is good for.
    #[param(required = false, minimum = 1, maximum = 86_400, default = 3600)]
    expires_in: i64,
}

fn format_schema() -> utoipa::openapi::schema::Object {
    let words = FORMS.iter().map(|(word, _)| serde_json::Value::from(*word));
    utoipa::openapi::schema::ObjectBuilder::new()
        .schema_type(utoipa::openapi::schema::Type::String)
        .enum_values(Some(words))
        .build()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Onnx,
    Native,
}

const FORMS: &[(&str, Form)] = &[("onnx", Form::Onnx), ("native", Form::Native)];

impl FromQuery for Asked {
    fn from_query(values: &mut Values) -> Self {
        Self {
            version_id: values.text("version_id", 64),
            format: values.choice("format", FORMS).unwrap_or(Form::Onnx),
            expires_in: values.integer("expires_in", EXPIRES_IN_DEFAULT, &EXPIRES_IN),
        }
    }
}

/// A link to a file.
#[derive(Debug, Serialize, ToSchema)]
pub struct Download {
    /// Gives the file to whoever asks, without any other credential.
    url: String,
    /// `ver_…`.
    version_id: String,
    /// The file's name.
    file_name: String,
    /// Its length.
    size_bytes: i64,
    /// Of its bytes.
    sha256: String,
    /// When the link ends.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// What a link says, signed.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    aud: String,
    /// Seconds since the Unix epoch.
    exp: i64,
    /// The file's bytes.
    sub: Digest,
    /// The file's name.
    name: String,
}

/// Make a link to a version's file
///
/// The link works without a credential until it ends, so that it can be given to a browser or a job. It is not kept.
#[utoipa::path(get, path = "/api/v1/models/{id}/download", operation_id = "linkToDownload", tag = "studio",
    params(("id" = String, Path, description = "Id or name."), Asked),
    responses((status = 200, description = "The link.", body = Download),
        (status = 404, description = "`not-found`: no such model or version; `no-promoted-version`."),
        (status = 422, description = "`format-not-made`: the version has no file of this form.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn link(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    origin: Origin,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<axum::Json<Download>, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Viewer).await?;
    let number = named_or_promoted(&model, asked.version_id.as_deref())?;
    let model = model.model;
    let version = app.registry.traced_version(&model.organization, &model.id, number).await?;
    let file = file(&version, asked.format)?;
    let now = Timestamp::now();
    let expires_at = now.plus_seconds(asked.expires_in);
    let file_name = artifact_name(&model.name, number, file.format);
    let claims = Claims {
        aud: PURPOSE.to_owned(),
        exp: expires_at.as_millis() / 1000,
        sub: file.digest,
        name: file_name.clone(),
    };
    let secret = app.registry.link_artifact(&caller.actor, &model.id, (number, &file_name), expires_at).await?;
    let token = encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(secret.expose().as_bytes()));
    let token = token.map_err(ApiError::internal)?;
    Ok(axum::Json(Download {
        url: origin.url(&format!("/api/v1/downloads/{token}")),
        version_id: VersionId { model: model.id, number }.to_string(),
        file_name,
        size_bytes: file.size_bytes,
        sha256: file.digest.to_hex(),
        expires_at,
    }))
}

/// A file of a version.
struct File<'a> {
    format: &'a str,
    digest: Digest,
    size_bytes: i64,
}

fn file(version: &TracedVersion, form: Form) -> Result<File<'_>, ApiError> {
    let own = &version.version;
    let whole = File { format: &own.format, digest: own.digest, size_bytes: own.size_bytes };
    let is_onnx = own.format == "onnx";
    match (form, &version.native) {
        (Form::Onnx, _) if is_onnx => Ok(whole),
        (Form::Native, Some(native)) => {
            Ok(File { format: &native.format, digest: native.digest, size_bytes: native.size_bytes })
        }
        (Form::Native, None) if !is_onnx => Ok(whole),
        (form, _) => {
            let (asked, other) = if form == Form::Onnx { ("onnx", "native") } else { ("native", "onnx") };
            let detail = format!("version {} was not made in the form '{asked}'; there is '{other}'", own.version);
            Err(ApiError::new(Kind::Unprocessable, "format-not-made", detail))
        }
    }
}

/// Download by a link
///
/// The file that a signed link names.
#[utoipa::path(get, path = "/api/v1/downloads/{token}", operation_id = "download", tag = "studio",
    params(("token" = String, Path, description = "What the link carries.")),
    responses((status = 200, description = "The file.", body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 404, description = "`not-found`: the file is gone, the link has ended, or it is no link of this server.")))]
async fn fetch(State(app): State<SharedApp>, OnlyPath(token): OnlyPath<String>) -> Result<Response, ApiError> {
    let secret = app.registry.download_secret().await?;
    // All that can be wrong with a link has one answer: whoever guesses learns nothing from it.
    let gone = || {
        let detail = "there is nothing here: the link has ended, its file is gone, or it is no link of this server";
        ApiError::new(Kind::NotFound, "not-found", detail)
    };
    let claims = verified(&token, &secret).ok_or_else(gone)?;
    if !app.registry.is_artifact_kept(claims.sub).await? {
        return Err(gone());
    }
    let bytes = app.registry.read_artifact(claims.sub, None).await?;
    let length = bytes.size_bytes;
    let mut response = Body::from_stream(bytes.stream).into_response();
    let mut set = |name: HeaderName, value: String| {
        if let Ok(value) = value.try_into() {
            response.headers_mut().insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, "application/octet-stream".to_owned());
    set(header::CONTENT_LENGTH, length.to_string());
    set(header::CACHE_CONTROL, "private, no-store".to_owned());
    set(header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", claims.name));
    Ok(response)
}

fn verified(token: &str, secret: &Secret) -> Option<Claims> {
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_audience(&[PURPOSE]);
    validation.set_required_spec_claims(&["exp", "aud"]);
    validation.leeway = 0;
    let key = DecodingKey::from_secret(secret.expose().as_bytes());
    decode::<Claims>(token, &key, &validation).ok().map(|token| token.claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &Claims, secret: &str) -> String {
        encode(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
    }

    #[test]
    fn a_link_is_good_for_its_file_its_server_and_its_time() {
        let secret = Secret::new("s".repeat(64));
        let now = Timestamp::now().as_millis() / 1000;
        let claims = |aud: &str, exp| Claims { aud: aud.into(), exp, sub: Digest::of(b"x"), name: "m-v1.onnx".into() };
        let good = token(&claims(PURPOSE, now + 60), secret.expose());
        assert_eq!(verified(&good, &secret).unwrap().sub, Digest::of(b"x"));
        let (head, signature) = good.rsplit_once('.').unwrap();
        let altered = format!("{head}.{}", signature.chars().rev().collect::<String>());
        for wrong in [
            token(&claims(PURPOSE, now - 1), secret.expose()),
            token(&claims("api", now + 60), secret.expose()),
            token(&claims(PURPOSE, now + 60), &"t".repeat(64)),
            altered,
            "nonsense".to_owned(),
        ] {
            assert!(verified(&wrong, &secret).is_none(), "{wrong}");
        }
    }
}
