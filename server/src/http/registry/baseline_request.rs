//! What callers say of a baseline that is to be made.

use crate::app::SharedApp;
use crate::error::ApiError;
use crate::http::fields::Fields;
use crate::http::form::Parts;
use crate::http::json::{Json, media_type, unsupported_media_type};
use crate::http::openapi::texts;
use crate::http::whole;
use axum::body::Body;
use axum::extract::FromRequest as _;
use http::Request;
use serde::Deserialize;
use serde_json::{Value, json};
use servoir_registry::StagedArtifact;
use servoir_types::{DatasetId, Timestamp};
use utoipa::ToSchema;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, OneOf, OneOfBuilder, Schema, Type};
use utoipa::openapi::{RefOr, schema};

/// The most bytes of the `version` part.
const VERSION_BYTES_MAX: usize = 32;

/// A baseline that is to be made.
pub struct Asked {
    /// For which version.
    pub version: Option<i64>,
    /// Of what.
    pub source: Source,
}

/// What a baseline is made of.
pub enum Source {
    /// A dataset.
    Dataset(DatasetId),
    /// A table that is not kept.
    Upload(StagedArtifact),
    /// Rows that were recorded from the first moment on and before the second.
    Production((Timestamp, Timestamp)),
}

impl Source {
    /// What is kept of where the rows came from.
    pub fn origin(&self) -> Option<Value> {
        Some(match self {
            Self::Dataset(dataset) => json!({ "datasetId": dataset }),
            Self::Upload(file) => json!({ "sha256": file.digest() }),
            Self::Production((from, to)) => json!({ "from": from, "to": to }),
        })
    }
}

/// The parts of an upload.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // describes the form; the parts are read as they come
pub struct BaselineForm {
    /// CSV, plain or in gzip or zstd, or Parquet. It is not kept.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// By default the version that is live, or the newest that is ready.
    #[schema(value_type = i64, minimum = 1, required = false)]
    version: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Given {
    dataset_id: Option<String>,
    from_production: Option<GivenRange>,
    #[serde(default, deserialize_with = "whole::optional")]
    version: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenRange {
    from: String,
    to: String,
}

/// A baseline of a dataset, or of what was recorded.
pub struct MakeBaseline;

impl ToSchema for MakeBaseline {
    fn name() -> std::borrow::Cow<'static, str> {
        "MakeBaseline".into()
    }
}

impl utoipa::PartialSchema for MakeBaseline {
    fn schema() -> RefOr<Schema> {
        let closed = || {
            let open = AdditionalProperties::<Schema>::FreeForm(false);
            ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(open))
        };
        let version = || {
            let kind = texts::nullable(Type::Integer);
            let described = "By default the version that is live, or the newest that is ready.";
            ObjectBuilder::new().schema_type(kind).minimum(Some(1)).description(Some(described))
        };
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let id = text().pattern(Some("^dataset_[a-z0-9]+$")).max_length(Some(64));
        let of_dataset = closed().property("datasetId", id).required("datasetId").property("version", version());
        let range = closed().property("from", Schema::Object(texts::time())).required("from");
        let range = range.property("to", Schema::Object(texts::time())).required("to");
        let recorded =
            closed().property("fromProduction", range).required("fromProduction").property("version", version());
        let forms: OneOf = OneOfBuilder::new().item(of_dataset).item(recorded).build();
        RefOr::T(schema::Schema::OneOf(forms))
    }
}

/// Receives what a baseline is to be made of.
///
/// # Errors
/// 400, 408, 413 or 415 for the request; whatever came so far is removed.
pub async fn receive(app: &SharedApp, request: Request<Body>) -> Result<Asked, ApiError> {
    match media_type(request.headers()).as_str() {
        "multipart/form-data" => form(app, request).await,
        "application/json" => {
            let Json(given) = Json::<Given>::from_request(request, app).await?;
            given.check()
        }
        other => Err(unsupported_media_type(other, "application/json or multipart/form-data")),
    }
}

impl Given {
    fn check(self) -> Result<Asked, ApiError> {
        let mut fields = Fields::default();
        fields.within("/version", self.version.unwrap_or(1), &(1..=i64::MAX));
        let source = match (self.dataset_id, self.from_production) {
            (Some(dataset), None) => Some(Source::Dataset(DatasetId::from_text(dataset))),
            (None, Some(range)) => range.check(&mut fields).map(Source::Production),
            _ => {
                fields.wrong("", "has either datasetId or fromProduction; a table is uploaded as multipart/form-data");
                None
            }
        };
        let version = self.version;
        fields.finish_with(source).map(|source| Asked { version, source })
    }
}

impl GivenRange {
    fn check(self, fields: &mut Fields) -> Option<(Timestamp, Timestamp)> {
        let mut read = |name: &str, text: &str| {
            let time = Timestamp::parse(text);
            if time.is_none() {
                let detail = format!("'{text}' is no time such as 2025-01-15T10:30:00Z");
                fields.wrong(format!("/fromProduction/{name}"), detail);
            }
            time
        };
        let (from, to) = (read("from", &self.from), read("to", &self.to));
        let (from, to) = (from?, to?);
        if from >= to {
            fields.wrong("/fromProduction/to", "is not after from");
            return None;
        }
        Some((from, to))
    }
}

async fn form(app: &SharedApp, request: Request<Body>) -> Result<Asked, ApiError> {
    let limit_bytes = app.config.limits.dataset_bytes_max;
    let mut parts = Parts::of(app, request, limit_bytes).await?;
    let (mut file, mut version) = (None, None);
    while let Some(mut part) = parts.next().await? {
        match part.name() {
            "file" if file.is_none() => file = Some(part.stage(app, limit_bytes).await?),
            "version" if version.is_none() => {
                let text = part.whole(VERSION_BYTES_MAX).await?;
                let number = std::str::from_utf8(&text).ok().and_then(|text| text.trim().parse::<i64>().ok());
                let number = number.filter(|number| *number >= 1);
                version = Some(number.ok_or_else(|| ApiError::field("/version", "is no whole number from 1 on"))?);
            }
            name @ ("file" | "version") => return Err(ApiError::field(format!("/{name}"), "this part came twice")),
            other => {
                return Err(ApiError::field(format!("/{other}"), "there is no such part; there are file and version"));
            }
        }
    }
    let file = file.ok_or_else(|| ApiError::field("/file", "the part 'file' with the table is missing"))?;
    Ok(Asked { version, source: Source::Upload(file) })
}
