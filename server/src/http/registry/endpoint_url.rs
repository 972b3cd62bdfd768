//! Where a caller reaches a model: absolute when the request says under which name the server was reached.

use crate::app::SharedApp;
use axum::extract::FromRequestParts;
use http::header;
use http::request::Parts;
use http::uri::Authority;
use std::convert::Infallible;

/// The server's origin as the caller knows it, such as `http://models.example:8080`; empty when the request does not say.
#[derive(Debug, Clone)]
pub struct Origin(String);

impl Origin {
    /// The URL that takes predictions of a model.
    pub fn predict_url(&self, model_id: &str) -> String {
        format!("{}/v1/predict/{model_id}", self.0)
    }
}

impl FromRequestParts<SharedApp> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, Infallible> {
        let host = parts.headers.get(header::HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
        // HTTP/2 carries the name in the URI instead. User information is no part of a name.
        let authority = host.or_else(|| parts.uri.authority().cloned()).filter(|host| !host.as_str().contains('@'));
        let scheme = if app.config.tls.certificate.is_some() { "https" } else { "http" };
        Ok(Self(authority.map(|authority| format!("{scheme}://{authority}")).unwrap_or_default()))
    }
}
