//! Where a caller reaches the server: absolute when the request says under which name the server was reached.

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
    /// The origin that a request was sent to; `secure`: over TLS.
    pub fn of(parts: &Parts, secure: bool) -> Self {
        let host = parts.headers.get(header::HOST).and_then(|host| Authority::try_from(host.as_bytes()).ok());
        // HTTP/2 carries the name in the URI instead. User information is no part of a name.
        let authority = host.or_else(|| parts.uri.authority().cloned()).filter(|host| !host.as_str().contains('@'));
        let scheme = if secure { "https" } else { "http" };
        Self(authority.map(|authority| format!("{scheme}://{authority}")).unwrap_or_default())
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// The URL that takes predictions of a model.
    pub fn predict_url(&self, model_id: &str) -> String {
        self.url(&format!("/v1/predict/{model_id}"))
    }
}

impl FromRequestParts<SharedApp> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Self, Infallible> {
        Ok(Self::of(parts, app.config.tls.certificate.is_some()))
    }
}
