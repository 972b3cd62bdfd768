//! Files of a custom model: weights become a version at once; scripts and what belongs to them wait for a runner.

use super::access::studio_model;
use super::choices::asset_type_schema;
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::{StudioRead, StudioWrite};
use crate::error::ApiError;
use crate::http::form::Parts;
use crate::http::path::{OnlyPath, Path};
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{Request, StatusCode, header};
use serde::Serialize;
use servoir_registry::{self as registry, AssetType, NewAsset, NewVersion, Role, StagedArtifact};
use servoir_types::{Kind, Timestamp, VersionId};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The most characters of a file's name that are kept.
const NAME_CHARS_MAX: usize = 255;
/// The most bytes of the `asset_type` part.
const ASSET_TYPE_BYTES_MAX: usize = 64;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(delete))
}

/// A file of a custom model.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CustomAsset)]
pub struct Asset {
    /// `asset_…`.
    asset_id: String,
    /// `script`, `weights`, `requirements`, `config` or `other`.
    asset_type: &'static str,
    /// The file's name.
    name: String,
    #[schema(minimum = 0)]
    size_bytes: i64,
    /// Of its bytes.
    sha256: String,
    /// The version that weights became.
    #[schema(required)]
    version_id: Option<String>,
    /// Who uploaded it.
    created_by: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<registry::Asset> for Asset {
    fn from(asset: registry::Asset) -> Self {
        let version = |number| VersionId { model: asset.model.clone(), number }.to_string();
        Self {
            asset_id: asset.id.to_string(),
            asset_type: asset.asset_type.text(),
            version_id: asset.version.map(version),
            name: asset.name,
            size_bytes: asset.size_bytes,
            sha256: asset.digest.to_hex(),
            created_by: asset.created_by,
            created_at: asset.created_at,
        }
    }
}

/// A model's files.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CustomAssets)]
pub struct Assets {
    /// Oldest first.
    assets: Vec<Asset>,
}

/// The parts of an upload.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CustomAssetForm)]
#[allow(dead_code)] // describes the form; the parts are read as they come
pub struct Form {
    /// What the file is for: `script`, `weights`, `requirements`, `config` or `other`.
    #[schema(schema_with = asset_type_schema)]
    asset_type: String,
    /// The file.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// List a custom model's files
///
/// Everything that was uploaded for it and is still there.
#[utoipa::path(get, path = "/api/v1/models/{id}/custom/assets", operation_id = "listCustomAssets", tag = "studio",
    params(("id" = String, Path, description = "Id or name.")),
    responses((status = 200, description = "The files.", body = Assets),
        (status = 404, description = "`not-found`: the organization has no such model.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn list(
    caller: Caller<StudioRead>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
) -> Result<axum::Json<Assets>, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Viewer).await?.model;
    let assets = app.registry.assets(&model.id).await?.into_iter().map(Asset::from).collect();
    Ok(axum::Json(Assets { assets }))
}

/// Upload a file of a custom model
///
/// Weights (ONNX, XGBoost, LightGBM) become a version at once, which can be promoted and deployed. Scripts and what
/// belongs to them are kept for a runner.
#[utoipa::path(post, path = "/api/v1/models/{id}/custom/assets", operation_id = "uploadCustomAsset", tag = "studio",
    params(("id" = String, Path, description = "Id or name.")),
    request_body(content = Form, content_type = "multipart/form-data"),
    responses((status = 201, description = "Kept.", body = Asset),
        (status = 404, description = "`not-found`: the organization has no such model."),
        (status = 408, description = "`body-timeout`: the caller stopped sending."),
        (status = 413, description = "The file is over the limit."),
        (status = 415, description = "`unsupported-media-type`."),
        (status = 422, description = "`not-custom`: the model is trained here; `unsupported-artifact`, saying what the weights are instead; `too-many-assets`: it has 1000.")),
    security(("ApiKey" = ["studio:write"]), ("Bearer" = ["studio:write"])))]
async fn add(
    caller: Caller<StudioWrite>,
    State(app): State<SharedApp>,
    Path(id): Path<String>,
    request: Request<Body>,
) -> Result<Response, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Editor).await?;
    if model.model_type != registry::ModelType::Custom {
        let detail = format!("model '{}' is trained here; only custom models take files", model.model.name);
        return Err(ApiError::new(Kind::Unprocessable, "not-custom", detail));
    }
    let Received { file, file_name, asset_type } = receive(&app, request).await?;
    let version = match asset_type {
        AssetType::Weights => Some(inspected(&file).await?),
        _ => None,
    };
    let new = NewAsset { asset_type, name: kept_name(file_name.as_deref(), asset_type), version };
    let asset = app.registry.add_asset(&caller.actor, &model.model.id, file, new).await?;
    let location = format!("/api/v1/models/{}/custom/assets/{}", model.model.id, asset.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], axum::Json(Asset::from(asset))).into_response())
}

/// Delete a file of a custom model
///
/// A version that was made of it stays.
#[utoipa::path(delete, path = "/api/v1/models/{id}/custom/assets/{asset_id}", operation_id = "deleteCustomAsset",
    tag = "studio",
    params(("id" = String, Path, description = "Id or name."), ("asset_id" = String, Path, description = "`asset_…`.")),
    responses((status = 204, description = "Gone."),
        (status = 404, description = "`not-found`: no such model or file.")),
    security(("ApiKey" = ["studio:write"]), ("Bearer" = ["studio:write"])))]
async fn delete(
    caller: Caller<StudioWrite>,
    State(app): State<SharedApp>,
    OnlyPath((id, asset)): OnlyPath<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let model = studio_model(&app, &caller, &id, Role::Editor).await?.model;
    app.registry.delete_asset(&caller.actor, &model.id, &asset).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What came in a form.
struct Received {
    file: StagedArtifact,
    file_name: Option<String>,
    asset_type: AssetType,
}

async fn receive(app: &SharedApp, request: Request<Body>) -> Result<Received, ApiError> {
    let limit_bytes = app.config.limits.artifact_bytes_max;
    let mut parts = Parts::of(app, request, limit_bytes).await?;
    let (mut file, mut file_name, mut word) = (None, None, None);
    while let Some(mut part) = parts.next().await? {
        match part.name() {
            "file" if file.is_none() => {
                file_name = part.file_name().map(str::to_owned);
                file = Some(part.stage(app, limit_bytes).await?);
            }
            "asset_type" if word.is_none() => {
                let text = part.whole(ASSET_TYPE_BYTES_MAX).await?;
                word = Some(String::from_utf8_lossy(&text).into_owned());
            }
            name @ ("file" | "asset_type") => return Err(ApiError::field(format!("/{name}"), "this part came twice")),
            other => {
                let detail = "there is no such part; there are file and asset_type";
                return Err(ApiError::field(format!("/{other}"), detail));
            }
        }
    }
    let asset_type = asset_type(word.as_deref())?;
    let file = file.ok_or_else(|| ApiError::field("/file", "the part 'file' is missing"))?;
    Ok(Received { file, file_name, asset_type })
}

fn asset_type(text: Option<&str>) -> Result<AssetType, ApiError> {
    let words = || AssetType::ALL.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
    let Some(text) = text else {
        return Err(ApiError::field("/asset_type", format!("this part is missing; it is one of {}", words())));
    };
    let found = AssetType::ALL.iter().find(|(word, _)| *word == text).map(|(_, found)| *found);
    found.ok_or_else(|| ApiError::field("/asset_type", format!("'{text}' is not one of {}", words())))
}

/// The version that weights are.
async fn inspected(artifact: &StagedArtifact) -> Result<NewVersion, ApiError> {
    let path = artifact.path().to_owned();
    let found = tokio::task::spawn_blocking(move || servoir_runtime::inspect(&path, None)).await;
    let found = found.map_err(ApiError::internal)??;
    Ok(NewVersion {
        description: String::new(),
        metrics: serde_json::Map::new(),
        format: found.format.as_str().to_owned(),
        signature: Some(found.signature),
    })
}

/// The last part of what the caller called the file; whoever sends none gets the type's name.
fn kept_name(given: Option<&str>, asset_type: AssetType) -> String {
    let last = given.unwrap_or_default().rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().filter(|c| !c.is_control()).take(NAME_CHARS_MAX).collect();
    if name.is_empty() || name == "." || name == ".." { asset_type.text().to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_step_and_never_empty() {
        for (given, name) in [
            (Some("train.py"), "train.py"),
            (Some("C:\\work\\train.py"), "train.py"),
            (Some("../../etc/passwd"), "passwd"),
            (Some(".."), "script"),
            (Some("a\u{0}b\n"), "ab"),
            (None, "script"),
        ] {
            assert_eq!(kept_name(given, AssetType::Script), name, "{given:?}");
        }
    }
}
