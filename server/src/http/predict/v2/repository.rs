//! `/v2/repository/…`: which models are there. What runs is decided through the Registry API.

use super::json;
use crate::app::SharedApp;
use crate::auth::Principal;
use crate::error::ApiError;
use crate::http::body::{self, BodyLimits};
use crate::http::predict::lookup;
use axum::body::Body;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use servoir_codec::object;
use servoir_types::Kind;
use std::time::Duration;
use utoipa::ToSchema;

/// The most bytes of the body of `index`, which holds at most one flag.
const INDEX_BODY_BYTES_MAX: usize = 1024;

/// What `index` can be asked.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RepositoryIndexRequest)]
pub struct Query {
    /// Only models that are ready; those that are listed all are.
    #[serde(default, rename = "ready")]
    _ready: bool,
}

/// A version in the repository.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[schema(as = RepositoryModel)]
pub struct Listed {
    name: String,
    version: String,
    /// `READY`.
    state: &'static str,
    reason: &'static str,
}

/// Every version that answers for the caller's organization.
///
/// # Errors
/// 400 when there is a body and it is not `{"ready": true|false}`.
pub async fn index(app: &SharedApp, principal: &Principal, body: Body) -> Result<Response, ApiError> {
    let idle_max = Duration::from_secs(app.config.limits.body_idle_seconds);
    let bytes = body::read(body, BodyLimits { bytes_max: INDEX_BODY_BYTES_MAX, idle_max }).await?;
    if !bytes.trim_ascii().is_empty() {
        let _query: Query = object::read(&bytes)?;
    }
    let mut listed = Vec::new();
    for (organization, entry) in app.serving.entries() {
        if organization != *principal.organization {
            continue;
        }
        let Some(live) = entry.live() else { continue };
        listed.extend(lookup::answering(&live).map(|deployment| Listed {
            name: deployment.identity().name.clone(),
            version: deployment.identity().version.to_string(),
            state: "READY",
            reason: "",
        }));
    }
    listed.sort();
    json(&listed)
}

/// Loading and unloading by this protocol.
pub fn not_here() -> ApiError {
    let detail = "models are deployed and taken down through the Registry API: \
                  POST /api/v1/model-registry/models/{id}/deploy and /undeploy";
    ApiError::new(Kind::Unprocessable, "not-available", detail)
}
