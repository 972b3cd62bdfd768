//! `/api/v1/models/{id}/monitoring/…`: how what answers is doing, how it was, and alerts.

mod alert_config;
mod alert_view;
mod alerts;
mod charts;
mod grid;
mod health;
mod over_time;
mod points;
mod series;

use crate::app::SharedApp;
use utoipa_axum::router::OpenApiRouter;

/// The routes of this folder.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new()
        .merge(health::routes())
        .merge(charts::routes())
        .merge(over_time::routes())
        .merge(alerts::routes())
        .merge(alert_config::routes())
}
