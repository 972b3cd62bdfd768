//! The API document: OpenAPI 3.1 at `/api/openapi.json`, and a page at `/api/docs` that shows it without the internet.

mod complete;
pub mod texts;

pub use complete::complete;

use crate::app::SharedApp;
use crate::error::ApiError;
use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use serde_json::Value;
use std::sync::OnceLock;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_swagger_ui::{Config, SwaggerUi};

/// Where the document is.
pub const DOCUMENT_PATH: &str = "/api/openapi.json";
/// Where the page is.
pub const PAGE_PATH: &str = "/api/docs";

/// What the document says beside the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Servoir",
        description = "A model server with a registry built in.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(crate::http::problem::Problem, crate::http::problem::OpenInferenceError)),
    modifiers(&SecuritySchemes),
    tags(
        (name = "models", description = "Register, find, change and delete models."),
        (name = "versions", description = "Immutable versions of models, and their artifacts."),
        (name = "deployments", description = "What runs, where, and how it is doing."),
        (name = "predictions", description = "Asking models."),
        (name = "open-inference", description = "The Open Inference Protocol, version 2."),
        (name = "studio", description = "Configure, train, judge and share models."),
        (name = "datasets", description = "Tables to train on."),
        (name = "monitoring", description = "How versions do while they serve: baselines, drift, labels, alerts."),
        (name = "audit", description = "Who did what, and when."),
        (name = "identity", description = "API keys, and who a caller is."),
        (name = "health", description = "For load balancers, orchestrators and Prometheus.")
    )
)]
pub struct Document;

/// The credentials that the server takes.
pub struct SecuritySchemes;

impl Modify for SecuritySchemes {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let key = ApiKeyValue::with_description("X-API-Key", "A key made with `POST /api/v1/auth/api-keys`.");
        components.add_security_scheme("ApiKey", SecurityScheme::ApiKey(ApiKey::Header(key)));
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
        let bearer = bearer.description(Some("A token of the configured issuer.")).build();
        components.add_security_scheme("Bearer", SecurityScheme::Http(bearer));
    }
}

/// The document as it is sent.
static WRITTEN: OnceLock<Bytes> = OnceLock::new();

/// The routes that show the document, which `describe` gives. It is made when somebody asks for it: what it is made of takes some
/// megabytes, and most servers are never asked.
pub fn routes(describe: fn() -> Result<Value, serde_json::Error>) -> Router<SharedApp> {
    // The page's badge would ask a validator on the internet.
    let config = Config::from(DOCUMENT_PATH).validator_url("none").try_it_out_enabled(true);
    let page: Router<SharedApp> = SwaggerUi::new(PAGE_PATH).config(config).into();
    page.route(DOCUMENT_PATH, get(move || send(describe)))
}

async fn send(describe: fn() -> Result<Value, serde_json::Error>) -> Result<impl IntoResponse, ApiError> {
    let written = match WRITTEN.get() {
        Some(written) => written.clone(),
        None => {
            let write = move || describe().and_then(|document| serde_json::to_vec(&document));
            let written = tokio::task::spawn_blocking(write).await.map_err(ApiError::internal)?;
            let written = Bytes::from(written.map_err(ApiError::internal)?);
            WRITTEN.get_or_init(|| written).clone()
        }
    };
    Ok(([(CONTENT_TYPE, "application/json")], written))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::scope;
    use crate::http::router;
    use std::collections::BTreeSet;

    fn document() -> Value {
        router::document().unwrap()
    }

    fn operations(document: &Value) -> Vec<(String, &Value)> {
        let paths = document["paths"].as_object().unwrap();
        let operations = paths.iter().flat_map(|(path, item)| {
            let item = item.as_object().unwrap();
            item.iter().map(move |(method, operation)| (format!("{method} {path}"), operation))
        });
        operations.collect()
    }

    #[test]
    fn every_management_operation_is_described_and_names_a_scope_that_exists() {
        let document = document();
        assert_eq!(document["openapi"], "3.1.0");
        let mut ids = BTreeSet::new();
        let operations = operations(&document);
        assert!(operations.len() > 20);
        for (name, operation) in operations {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let takes_key = parameters.filter(|parameter| parameter["name"] == "Idempotency-Key").count();
            assert_eq!(takes_key, usize::from(name.starts_with("post /api/v1/")), "{name}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{name}: the id is taken");
            if !name.contains("/api/v1/") {
                continue;
            }
            assert!(operation["summary"].is_string() && operation["description"].is_string(), "{name}");
            // A link's own token is its credential.
            if name == "get /api/v1/downloads/{token}" {
                assert_eq!(operation["security"], serde_json::json!([]), "{name}");
                continue;
            }
            assert_eq!(operation["security"].as_array().unwrap().len(), 2, "{name}");
            assert!(operation["responses"]["401"]["content"]["application/problem+json"].is_object(), "{name}");
            match operation["x-required-scope"].as_str() {
                Some(required) => {
                    assert!(scope::ALL.contains(&required), "{name}");
                    assert_eq!(operation["security"][1]["Bearer"][0], required, "{name}: both credentials alike");
                }
                None => assert_eq!(name, "get /api/v1/auth/whoami"),
            }
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
            match value {
                Value::Object(map) => {
                    found.extend(map.get("$ref").and_then(Value::as_str));
                    map.values().for_each(|value| references(value, found));
                }
                Value::Array(list) => list.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 20);
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
        }
    }
}
