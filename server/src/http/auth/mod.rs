//! `/api/v1/auth/…`: API keys, and who a caller is.

mod api_keys;
mod key_request;
mod key_view;
mod whoami;

use crate::app::SharedApp;
use utoipa_axum::router::OpenApiRouter;

/// The routes of this folder.
pub fn routes() -> OpenApiRouter<SharedApp> {
    OpenApiRouter::new().merge(api_keys::routes()).merge(whoami::routes())
}
