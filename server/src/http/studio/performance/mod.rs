//! `/api/v1/models/{id}/performance/…`: what a version is worth, read from what evaluation stored.

mod asked;
mod calibration;
mod class;
mod confusion;
mod curves;
mod evaluated;
mod misclassified;
mod report;
mod residuals;
mod summary;

pub use evaluated::{missing, stored};

use crate::app::SharedApp;
use utoipa_axum::router::OpenApiRouter;

/// The routes of this folder.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new()
        .merge(summary::routes())
        .merge(report::routes())
        .merge(confusion::routes())
        .merge(curves::routes())
        .merge(calibration::routes())
        .merge(residuals::routes())
        .merge(misclassified::routes())
}
