//! The hardware profiles that a deployment can ask for.

use super::cpu::Machine;
use crate::app::SharedApp;
use crate::auth::Caller;
use crate::auth::scope::RegistryRead;
use crate::error::ApiError;
use crate::hardware::Hardware;
use crate::http::pagination::PageParams;
use crate::http::query::Query;
use axum::extract::State;
use serde::Serialize;
use servoir_runtime::{Device, Gpu, Gpus};
use std::sync::Arc;
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
    id: String,
    /// `cpu`, or a GPU such as `cuda:0`.
    device: String,
    /// What it is, for a person.
    name: String,
    /// Cores that the server may use; `null` of a GPU.
    #[schema(required)]
    cores: Option<usize>,
    /// Memory in all; `null` when the system does not tell.
    #[schema(required)]
    memory_bytes: Option<u64>,
    /// Memory that can be had now; `null` when the system does not tell.
    #[schema(required)]
    memory_free_bytes: Option<u64>,
    /// A GPU's compute capability, such as `9.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    compute_capability: Option<String>,
    /// The version of CUDA that a GPU's driver has.
    #[serde(skip_serializing_if = "Option::is_none")]
    driver: Option<String>,
}

/// The hardware profiles of this installation.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HardwareList {
    /// How many there are in all.
    count: usize,
    limit: i64,
    offset: i64,
    hardware: Vec<HardwareProfile>,
    /// Why there is no GPU, `null` when there is one.
    #[schema(required, example = "no device, because the driver is not installed")]
    gpu_reason: Option<String>,
}

/// List hardware profiles
///
/// What `hardware` of a deployment can name here. `auto` lets the server choose by what it measures; `gpu` is the GPU with the most
/// free memory.
#[utoipa::path(get, path = "/api/v1/model-registry/hardware", operation_id = "listHardware", tag = "deployments",
    params(PageParams), responses((status = 200, description = "The profiles.", body = HardwareList)),
    security(("ApiKey" = ["model-registry:read"]), ("Bearer" = ["model-registry:read"])))]
async fn list(
    State(app): State<SharedApp>,
    _: Caller<RegistryRead>,
    Query(page): Query<PageParams>,
) -> Result<axum::Json<HardwareList>, ApiError> {
    let machine = Machine::inspect().await;
    let cpu = HardwareProfile {
        id: Hardware::Cpu.to_string(),
        device: Device::Cpu.to_string(),
        name: machine.name.unwrap_or_else(|| "CPU".to_owned()),
        cores: Some(machine.cores),
        memory_bytes: machine.memory_bytes,
        memory_free_bytes: machine.memory_free_bytes,
        compute_capability: None,
        driver: None,
    };
    // The driver is asked how much memory is free.
    let (gpus, gpu_reason) =
        tokio::task::spawn_blocking(move || gpus(app.engines.gpus())).await.map_err(ApiError::internal)?;
    // Of equals the first, which is where a deployment goes.
    let best = gpus.iter().rev().max_by_key(|gpu| gpu.memory_free_bytes).cloned();
    let auto_name = match &best {
        Some(gpu) => format!("the best here, as measured: {} or {}", cpu.name, gpu.name),
        None => format!("the best here: {}", cpu.name),
    };
    let mut profiles = vec![HardwareProfile { id: Hardware::Auto.to_string(), name: auto_name, ..cpu.clone() }, cpu];
    profiles.extend(best.map(|best| HardwareProfile { id: Hardware::Gpu.to_string(), ..best }));
    profiles.extend(gpus);
    let (skipped, taken) = (usize::try_from(page.offset), usize::try_from(page.limit));
    Ok(axum::Json(HardwareList {
        count: profiles.len(),
        limit: page.limit,
        offset: page.offset,
        hardware: profiles.into_iter().skip(skipped.unwrap_or(usize::MAX)).take(taken.unwrap_or(usize::MAX)).collect(),
        gpu_reason,
    }))
}

/// The GPUs, or why there are none.
fn gpus(gpus: &Gpus) -> (Vec<HardwareProfile>, Option<String>) {
    let profile = |gpu: &Arc<Gpu>| {
        let info = gpu.info();
        let (major, minor) = info.compute_capability;
        HardwareProfile {
            id: Hardware::of(gpu.device()).to_string(),
            device: gpu.device().to_string(),
            name: info.name.clone(),
            cores: None,
            memory_bytes: Some(info.memory_bytes),
            memory_free_bytes: gpu.memory().ok().map(|memory| memory.free),
            compute_capability: Some(format!("{major}.{minor}")),
            driver: Some(info.driver.clone()),
        }
    };
    match gpus.all() {
        Ok(gpus) => (gpus.iter().map(profile).collect(), None),
        Err(reason) => (Vec::new(), Some(format!("no device, because {reason}"))),
    }
}
