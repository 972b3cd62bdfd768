//! `/api/v1/models/…`, `/api/v1/datasets/…` and `/api/v1/audit-logs`: the Studio.

pub mod access;
mod activity;
mod archive;
mod assets;
mod audit_logs;
mod choices;
mod collaborators;
mod compare;
pub mod config;
mod dashboard;
mod dataset_upload;
mod dataset_view;
mod datasets;
mod deploy_request;
mod deployment;
mod deployment_view;
mod download;
mod duplicate;
mod external_runs;
mod feature_importance;
mod link;
mod mlflow;
mod model_request;
mod model_view;
mod models;
mod monitoring;
pub mod paging;
mod performance;
mod registry_view;
mod run_view;
mod runs;
mod settings;
mod settings_request;
mod train;
mod train_stream;
mod training_config;
mod training_logs;
mod training_metrics;
mod training_ws;
mod trial;
mod version_view;
pub mod versions;
mod whole;

use crate::app::SharedApp;
use utoipa_axum::router::OpenApiRouter;

/// The routes of this folder.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new()
        .merge(deployment::routes())
        .merge(download::routes())
        .merge(trial::routes())
        .merge(versions::routes())
        .merge(models::routes())
        .merge(monitoring::routes())
        .merge(archive::routes())
        .merge(assets::routes())
        .merge(duplicate::routes())
        .merge(activity::routes())
        .merge(dashboard::routes())
        .merge(datasets::routes())
        .merge(link::routes())
        .merge(config::routes())
        .merge(settings::routes())
        .merge(registry_view::routes())
        .merge(collaborators::routes())
        .merge(compare::routes())
        .merge(audit_logs::routes())
        .merge(external_runs::routes())
        .merge(feature_importance::routes())
        .merge(performance::routes())
        .merge(runs::routes())
        .merge(train::routes())
        .merge(train_stream::routes())
        .merge(training_logs::routes())
        .merge(training_metrics::routes())
        .merge(training_ws::routes())
}
