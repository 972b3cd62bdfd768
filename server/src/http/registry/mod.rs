//! `/api/v1/model-registry/…`: models, versions, deployments and the hardware that they can run on.

pub(in crate::http) mod actuals;
mod archive;
mod artifact;
mod baseline_request;
mod baseline_view;
mod baselines;
mod byte_range;
mod choices;
mod cpu;
mod deploy;
pub(in crate::http) mod deploy_request;
pub(in crate::http) mod deployment_view;
mod divergence_view;
mod drift;
mod hardware;
mod import;
mod in_use;
mod live;
mod metadata;
pub(crate) mod model_request;
mod models;
mod monitoring;
mod predict;
pub(crate) mod show;
mod status;
mod undeploy;
mod upload;
mod versions;
pub(crate) mod wire;

pub use in_use::unless_in_use;

use crate::app::SharedApp;
pub use artifact::artifact_name;
pub use deploy::{default_spec, newest_ready};
pub use show::Show;
use utoipa_axum::router::OpenApiRouter;

/// The routes of this folder.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new()
        .merge(models::routes())
        .merge(archive::routes())
        .merge(versions::routes())
        .merge(artifact::routes())
        .merge(deploy::routes())
        .merge(undeploy::routes())
        .merge(status::routes())
        .merge(live::routes())
        .merge(drift::routes())
        .merge(hardware::routes())
        .merge(predict::routes())
        .merge(actuals::routes())
        .merge(monitoring::routes())
        .merge(baselines::routes())
}
