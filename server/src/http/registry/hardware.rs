//! The hardware profiles that a deployment can ask for.

use super::cpu::Machine;
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::RegistryRead;
use crate::error::ApiError;
use crate::http::pagination::PageParams;
use crate::http::query::Query;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this file.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A place where a model can run.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HardwareProfile {
    /// What `hardware` of a deployment takes.
    #[schema(example = "cpu")]
    id: &'static str,
    /// `cpu`.
    device: &'static str,
    /// What it is, for a person.
    name: String,
    /// Cores that the server may use.
    cores: usize,
    /// Memory in all; `null` when the system does not tell.
    #[schema(required)]
    memory_bytes: Option<u64>,
    /// Memory that can be had now; `null` when the system does not tell.
    #[schema(required)]
    memory_free_bytes: Option<u64>,
}

/// The hardware profiles of this installation.
#[derive(Debug, Serialize, ToSchema)]
pub struct HardwareList {
    /// How many there are in all.
    count: usize,
    limit: i64,
    offset: i64,
    hardware: Vec<HardwareProfile>,
}

/// List hardware profiles
///
/// What `hardware` of a deployment can name here. `auto` lets the server choose.
#[utoipa::path(get, path = "/api/v1/model-registry/hardware", operation_id = "listHardware", tag = "deployments",
    params(PageParams), responses((status = 200, description = "The profiles.", body = HardwareList)),
    security(("ApiKey" = ["model-registry:read"]), ("Bearer" = ["model-registry:read"])))]
async fn list(_: Caller<RegistryRead>, Query(page): Query<PageParams>) -> Result<axum::Json<HardwareList>, ApiError> {
    let machine = Machine::inspect().await;
    let cpu = HardwareProfile {
        id: "cpu",
        device: "cpu",
        name: machine.name.unwrap_or_else(|| "CPU".to_owned()),
        cores: machine.cores,
        memory_bytes: machine.memory_bytes,
        memory_free_bytes: machine.memory_free_bytes,
    };
    let auto = HardwareProfile { id: "auto", name: format!("the best here: {}", cpu.name), ..cpu.clone() };
    let profiles = [auto, cpu];
    let (skipped, taken) = (usize::try_from(page.offset), usize::try_from(page.limit));
    Ok(axum::Json(HardwareList {
        count: profiles.len(),
        limit: page.limit,
        offset: page.offset,
        hardware: profiles.into_iter().skip(skipped.unwrap_or(usize::MAX)).take(taken.unwrap_or(usize::MAX)).collect(),
    }))
}
