//! The registry's routes on a server whose models come from a folder.

use crate::app::SharedApp;
use crate::auth::Principal;
use crate::error::ApiError;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use servoir_types::Kind;

/// What the routes of models and datasets begin with.
const PREFIXES: [&str; 3] = ["/api/v1/model-registry", "/api/v1/models", "/api/v1/datasets"];

/// Answers 409 `models-directory` in place of the registry's routes when a folder of models is served instead of it.
pub async fn unless_in_use(State(app): State<SharedApp>, request: Request, next: Next) -> Response {
    match &app.config.models.dir {
        Some(dir) if PREFIXES.iter().any(|prefix| request.uri().path().starts_with(prefix)) => {
            let refused = match request.extensions().get::<Result<Principal, ApiError>>() {
                Some(Err(error)) => error.clone(),
                _ => {
                    let detail = format!(
                        "this server serves the folder {} in place of the registry: change the folder, then \
                         POST /v2/repository/models/NAME/load",
                        dir.display()
                    );
                    ApiError::new(Kind::Conflict, "models-directory", detail)
                }
            };
            refused.into_response()
        }
        _ => next.run(request).await,
    }
}
