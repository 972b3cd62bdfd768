//! A model as registries show it: this server's own, or MLflow's.

use super::access::studio_model;
use super::mlflow::MlflowModel;
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::StudioRead;
use crate::error::ApiError;
use crate::http::openapi::texts::one_of;
use crate::http::path::Path;
use crate::http::query::{FromQuery, Query, Values};
use crate::http::registry::show::{Show, VERSIONS_SHOWN_MAX};
use crate::http::registry::wire::RegisteredModel;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use servoir_registry::{Role, Window};
use utoipa::openapi::path::{Parameter, ParameterIn};
use utoipa::openapi::schema::Object;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(read))
}

/// How a model is shown.
#[derive(Debug, Clone, Copy)]
enum Format {
    Standard,
    Mlflow,
}

const FORMATS: &[(&str, Format)] = &[("standard", Format::Standard), ("mlflow", Format::Mlflow)];

fn format_schema() -> Object {
    one_of(FORMATS)
}

/// A model as a registry shows it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code)] // describes the answer, which is written from its parts
enum RegistryView {
    Standard(Box<RegisteredModel>),
    Mlflow(MlflowModel),
}

/// How a model is to be shown.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // describes the parameters; `ViewQuery` carries them
struct ViewParams {
    /// `standard`, by default, is what the Registry API answers.
    #[param(required = false, schema_with = format_schema)]
    format: Option<String>,
}

struct ViewQuery(Format);

impl IntoParams for ViewQuery {
    fn into_params(place: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        ViewParams::into_params(place)
    }
}

impl FromQuery for ViewQuery {
    fn from_query(values: &mut Values) -> Self {
        Self(values.choice("format", FORMATS).unwrap_or(Format::Standard))
    }
}

/// Show a model as registries do
///
/// As the Registry API answers, or as MLflow's `registered-models/get` does, with every version that is shown there.
#[utoipa::path(get, path = "/api/v1/models/{id}/registry", operation_id = "getRegistryView", tag = "studio",
    params(("id" = String, Path, description = "Id or name."), ViewParams),
    responses((status = 200, description = "The model.", body = RegistryView),
        (status = 404, description = "`not-found`: the organization has no such model.")),
    security(("ApiKey" = ["studio:read"]), ("Bearer" = ["studio:read"])))]
async fn read(
    caller: Caller<StudioRead>,
    show: Show,
    Path(id): Path<String>,
    Query(ViewQuery(format)): Query<ViewQuery>,
) -> Result<Response, ApiError> {
    let model = studio_model(&show.app, &caller, &id, Role::Viewer).await?;
    match format {
        Format::Standard => show.whole(model.model).await,
        Format::Mlflow => {
            let newest = Window { limit: VERSIONS_SHOWN_MAX, offset: 0 };
            let versions = show.app.registry.versions(&model.model.organization, &model.model.id, newest).await?;
            Ok(axum::Json(MlflowModel::of(model, versions.items)).into_response())
        }
    }
}
