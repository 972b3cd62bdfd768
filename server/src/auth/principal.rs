//! The principal: what every credential ends as.

use super::scope::{EVERYTHING, Scope};
use crate::error::ApiError;
use crate::http::client_address::ClientAddress;
use crate::http::request_id::RequestId;
use axum::extract::FromRequestParts;
use http::Extensions;
use http::request::Parts;
use servoir_registry::Actor;
use servoir_types::Kind;
use std::marker::PhantomData;
use std::sync::Arc;

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// A key's id, a token's `sub`, or `anonymous` with authentication off.
    pub subject: Arc<str>,
    /// Whose objects are meant.
    pub organization: Arc<str>,
    /// What may be done.
    pub scopes: Arc<[String]>,
    /// How they said who they are.
    pub credential: Credential,
}

/// The kind of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// `X-API-Key`.
    ApiKey,
    /// `Authorization: Bearer`.
    Jwt,
    /// None was needed: authentication is off.
    Off,
}

impl Credential {
    /// `api-key`, `jwt` or `none`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api-key",
            Self::Jwt => "jwt",
            Self::Off => "none",
        }
    }
}

impl Principal {
    /// Whether the principal carries a scope, itself or through `*`.
    pub fn may(&self, scope: &str) -> bool {
        self.scopes.iter().any(|own| own == scope || own == EVERYTHING)
    }

    /// Fails unless the principal carries the scope.
    ///
    /// # Errors
    /// 403 `scope-required`, naming the scope.
    pub fn require(&self, scope: &str) -> Result<(), ApiError> {
        if self.may(scope) {
            return Ok(());
        }
        let detail = format!("this call needs the scope '{scope}', which this credential does not carry");
        Err(ApiError::new(Kind::Forbidden, "scope-required", detail))
    }
}

/// A caller that carries the scope `S`: the extractor that every handler of a protected route begins with.
pub struct Caller<S> {
    /// Who.
    pub principal: Principal,
    /// The same as the registry wants it.
    pub actor: Actor,
    scope: PhantomData<S>,
}

impl<S: Scope, T: Send + Sync> FromRequestParts<T> for Caller<S> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &T) -> Result<Self, ApiError> {
        Self::of(&parts.extensions)
    }
}

/// The scope of routes that any authenticated caller may use.
pub struct AnyScope;

impl<T: Send + Sync> FromRequestParts<T> for Caller<AnyScope> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &T) -> Result<Self, ApiError> {
        Self::authenticated(&parts.extensions)
    }
}

impl<S: Scope> Caller<S> {
    /// The caller of a request with these extensions.
    ///
    /// # Errors
    /// 401 without a credential; 403 `scope-required`.
    pub fn of(extensions: &Extensions) -> Result<Self, ApiError> {
        let caller = Self::authenticated(extensions)?;
        caller.principal.require(S::NAME)?;
        Ok(caller)
    }
}

impl<S> Caller<S> {
    /// The authentication layer has left the principal, or the reason why there is none, in the extensions.
    fn authenticated(extensions: &Extensions) -> Result<Self, ApiError> {
        let principal = extensions
            .get::<Result<Principal, ApiError>>()
            .cloned()
            .unwrap_or_else(|| Err(ApiError::internal("a route was reached without passing authentication")))?;
        let actor = Actor {
            organization: principal.organization.to_string(),
            subject: principal.subject.to_string(),
            credential: match principal.credential {
                Credential::ApiKey => format!("api-key:{}", principal.subject),
                other => other.as_str().to_owned(),
            },
            address: extensions.get::<ClientAddress>().map(|client| client.ip().to_string()),
            request_id: extensions.get::<RequestId>().map(ToString::to_string).unwrap_or_default(),
        };
        Ok(Self { principal, actor, scope: PhantomData })
    }
}
