//! From a request's headers to a principal. Memory only: no database, no network.

use super::jwt::Jwt;
use super::keys::Keys;
use super::scope::EVERYTHING;
use super::{Credential, Principal};
use crate::config::AuthConfig;
use crate::error::ApiError;
use crate::http::head::Headers;
use crate::ws;
use http::header;
use servoir_types::{Kind, Timestamp};

/// Recognises callers.
pub struct Authenticator {
    /// The API keys that work now.
    pub keys: Keys,
    /// Tokens, when a secret or a key set is configured.
    pub jwt: Option<Jwt>,
    off: Option<Principal>,
}

/// The organization of the bootstrap key, and of everybody when authentication is off.
pub const DEFAULT_ORGANIZATION: &str = "default";

impl Authenticator {
    /// As configured; the keys are yet to be read.
    ///
    /// # Errors
    /// When a configured secret or key set cannot be used.
    pub fn new(config: &AuthConfig) -> anyhow::Result<Self> {
        let off = config.off.then(|| Principal {
            subject: "anonymous".into(),
            organization: DEFAULT_ORGANIZATION.into(),
            scopes: vec![EVERYTHING.to_owned()].into(),
            credential: Credential::Off,
        });
        Ok(Self { keys: Keys::default(), jwt: Jwt::configured(config)?, off })
    }

    /// Who sent these headers.
    ///
    /// # Errors
    /// 401 `credential-missing`, `api-key-invalid` or `token-invalid`.
    pub fn authenticate(&self, headers: &Headers<'_>) -> Result<Principal, ApiError> {
        if let Some(key) = headers.api_key {
            let key = key.to_str().unwrap_or_default();
            let detail = "this API key is unknown, revoked or expired";
            return self.keys.find(key, Timestamp::now()).ok_or_else(|| refused("api-key-invalid", detail));
        }
        if let Some(authorization) = headers.all.get(header::AUTHORIZATION) {
            let token = authorization.to_str().ok().and_then(bearer);
            let token =
                token.ok_or_else(|| refused("token-invalid", "the Authorization header is not 'Bearer <token>'"))?;
            return self.verify(token);
        }
        // A browser has no other place for the credential of a WebSocket.
        if let Some(token) = ws::bearer(headers.all) {
            return self.keys.find(token, Timestamp::now()).map_or_else(|| self.verify(token), Ok);
        }
        let detail = "no credential came: send 'X-API-Key: <key>' or 'Authorization: Bearer <token>'";
        self.off.clone().ok_or_else(|| refused("credential-missing", detail))
    }

    fn verify(&self, token: &str) -> Result<Principal, ApiError> {
        let detail = "this server is not configured for JWT; send an X-API-Key header";
        let jwt = self.jwt.as_ref().ok_or_else(|| refused("token-invalid", detail))?;
        jwt.verify(token).map_err(|reason| refused("token-invalid", reason))
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn refused(code: &'static str, detail: impl Into<String>) -> ApiError {
    ApiError::new(Kind::Unauthenticated, code, detail)
}
