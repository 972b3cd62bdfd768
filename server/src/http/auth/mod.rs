//! `/api/v1/auth/…`.

use crate::app::SharedApp;
use utoipa_axum::router::OpenApiRouter;

/// The routes of this folder.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new()
}
