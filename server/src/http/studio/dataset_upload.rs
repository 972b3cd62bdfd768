//! A file that is to be a dataset, on its way in: from a form, or from a store that may be imported from.

use crate::app::SharedApp;
use crate::error::ApiError;
use crate::http::fields::Fields;
use crate::http::form::Parts;
use crate::http::json::{Json, media_type, unsupported_media_type};
use crate::http::openapi::texts;
use axum::body::Body;
use axum::extract::FromRequest as _;
use http::Request;
use serde::Deserialize;
use servoir_registry::{Actor, NewDataset, StagedArtifact};
use servoir_studio::dataset::examine;
use servoir_studio::table::error::TableError;
use servoir_types::{Kind, Name};
use tokio::sync::Semaphore;
use utoipa::ToSchema;

/// The most bytes of the `name` part.
const NAME_BYTES_MAX: usize = 4096;
/// The most characters of a URI.
const URI_CHARS_MAX: usize = 4096;
/// Files that are examined at a time; each keeps a core busy. Further ones wait their turn.
const EXAMINED_MAX: usize = 2;
/// Endings of a file's name that are no part of a dataset's.
const ENDINGS: [&str; 8] = [".gz", ".zst", ".zstd", ".csv", ".tsv", ".txt", ".parquet", ".pq"];

static EXAMINERS: Semaphore = Semaphore::const_new(EXAMINED_MAX);

/// The parts of an upload.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // describes the form; the parts are read as they come
pub struct DatasetForm {
    /// CSV, plain or in gzip or zstd, or Parquet.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// By default the file's name without what follows the dot.
    #[schema(schema_with = texts::optional_model_name, required = false)]
    name: Option<String>,
}

/// A dataset whose file lies in a store already.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportDataset {
    /// In a store that the server may import from.
    #[schema(value_type = String, required, min_length = 1, max_length = 4096)]
    uri: Option<String>,
    /// By default the file's name without what follows the dot.
    #[schema(schema_with = texts::optional_model_name)]
    name: Option<String>,
}

/// Receives a file, and finds out what it is.
///
/// # Errors
/// 400, 408, 413, 415 for the request; 422 for a file that is no dataset. Whatever came so far is removed.
pub async fn receive(
    app: &SharedApp,
    actor: &Actor,
    request: Request<Body>,
) -> Result<(StagedArtifact, NewDataset), ApiError> {
    let media = media_type(request.headers());
    let (file, name) = match media.as_str() {
        "multipart/form-data" => form(app, request).await?,
        "application/json" => import(app, actor, request).await?,
        other => return Err(unsupported_media_type(other, "multipart/form-data or application/json")),
    };
    examined(file, name).await
}

/// Finds out what a file is, when it is its turn.
///
/// # Errors
/// 422 `unreadable-dataset` for a file that is no dataset.
pub async fn examined(file: StagedArtifact, name: Name) -> Result<(StagedArtifact, NewDataset), ApiError> {
    let turn = EXAMINERS.acquire().await.map_err(ApiError::internal)?;
    // The turn and the file go along: what was begun is ended, also when the caller has gone, and then removed.
    let examined = tokio::task::spawn_blocking(move || {
        let found = examine(file.path(), name);
        drop(turn);
        (file, found)
    });
    let (file, found) = examined.await.map_err(ApiError::internal)?;
    let found = found.map_err(|error| match error {
        TableError::Refused(reason) => ApiError::new(Kind::Unprocessable, "unreadable-dataset", reason),
        error @ TableError::Io(_) => ApiError::internal(error),
    })?;
    Ok((file, found))
}

async fn form(app: &SharedApp, request: Request<Body>) -> Result<(StagedArtifact, Name), ApiError> {
    let limit_bytes = app.config.limits.dataset_bytes_max;
    let mut parts = Parts::of(app, request, limit_bytes).await?;
    let (mut file, mut name, mut file_name) = (None, None, None);
    while let Some(mut part) = parts.next().await? {
        match part.name() {
            "file" if file.is_none() => {
                file_name = part.file_name().map(str::to_owned);
                file = Some(part.stage(app, limit_bytes).await?);
            }
            "name" if name.is_none() => {
                let text = part.whole(NAME_BYTES_MAX).await?;
                let text = String::from_utf8(text.into()).map_err(|_| ApiError::field("/name", "is not UTF-8"))?;
                name = Some(text);
            }
            name @ ("file" | "name") => return Err(ApiError::field(format!("/{name}"), "this part came twice")),
            other => {
                return Err(ApiError::field(format!("/{other}"), "there is no such part; there are file and name"));
            }
        }
    }
    let file = file.ok_or_else(|| ApiError::field("/file", "the part 'file' with the table is missing"))?;
    Ok((file, checked_name(name, file_name.as_deref().unwrap_or_default())?))
}

async fn import(app: &SharedApp, actor: &Actor, request: Request<Body>) -> Result<(StagedArtifact, Name), ApiError> {
    let Json(request) = Json::<ImportDataset>::from_request(request, app).await?;
    let mut fields = Fields::default();
    let uri = fields.required("/uri", request.uri);
    fields.no_longer_than("/uri", uri.as_deref().unwrap_or_default(), URI_CHARS_MAX);
    let uri = fields.finish_with(uri)?;
    let name = checked_name(request.name, &uri)?;
    let limit_bytes = app.config.limits.dataset_bytes_max;
    Ok((app.registry.import(&actor.organization, &uri, limit_bytes).await?, name))
}

/// The name that was given, or that the file has.
fn checked_name(given: Option<String>, file: &str) -> Result<Name, ApiError> {
    if let Some(given) = given {
        return given.parse().map_err(|error| ApiError::field("/name", format!("{error}")));
    }
    let mut name = file.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    while let Some(shorter) = ENDINGS.iter().find_map(|ending| {
        let at = name.len().checked_sub(ending.len()).filter(|&at| name.is_char_boundary(at))?;
        name[at..].eq_ignore_ascii_case(ending).then(|| &name[..at])
    }) {
        name = shorter;
    }
    let detail = "is required: the file has no name that a dataset could have";
    name.trim().parse().map_err(|_| ApiError::field("/name", detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dataset_is_named_after_its_file() {
        let cases = [
            (None, "wine.csv", Some("wine")),
            (None, "wine.2024.CSV.gz", Some("wine.2024")),
            (None, r"C:\data\wine.parquet", Some("wine")),
            (None, "s3://bucket/a b/wine.tsv.zst", Some("wine")),
            (None, "wine", Some("wine")),
            (None, "вино.csv", Some("вино")),
            (None, ".csv", None),
            (None, "", None),
            (None, "s3://bucket/", None),
            (Some("Wine 1.csv"), "x.csv", Some("Wine 1.csv")),
            (Some(""), "x.csv", None),
            (Some("a/b"), "x.csv", None),
        ];
        for (given, file, expected) in cases {
            let name = checked_name(given.map(str::to_owned), file).ok();
            assert_eq!(name.as_ref().map(Name::as_str), expected, "{given:?} {file}");
        }
    }
}
