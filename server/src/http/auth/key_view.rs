//! API keys as the API shows them.

use serde::Serialize;
use servoir_registry as registry;
use servoir_types::{Secret, Timestamp};
use utoipa::ToSchema;

/// A key without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    pub id: String,
    pub name: String,
    /// The key's first characters, by which a person knows it again.
    pub key_prefix: String,
    pub scopes: Vec<String>,
    /// `active`, `revoked` or `expired`.
    pub status: &'static str,
    /// Who made it.
    pub created_by: String,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub expires_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub revoked_at: Option<Timestamp>,
    /// To within a minute.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub last_used_at: Option<Timestamp>,
}

impl ApiKey {
    /// A key as it stands at the time `now`.
    pub fn at(key: registry::ApiKey, now: Timestamp) -> Self {
        let status = match (key.revoked_at, key.expires_at) {
            (Some(_), _) => "revoked",
            (None, Some(expiry)) if expiry <= now => "expired",
            (None, _) => "active",
        };
        Self {
            id: key.id,
            name: key.name,
            key_prefix: key.prefix,
            scopes: key.scopes,
            status,
            created_by: key.created_by,
            created_at: key.created_at,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            last_used_at: key.last_used_at,
        }
    }
}

/// A page of keys, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyList {
    /// How many match in all.
    pub count: i64,
    pub limit: i64,
    pub offset: i64,
    pub api_keys: Vec<ApiKey>,
}

/// A new key with its secret, which is never shown again.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedApiKey {
    pub id: String,
    /// The key itself; `null` when an idempotent repeat asks for it again.
    #[schema(required)]
    pub key: Option<String>,
    pub name: String,
    pub key_prefix: String,
    pub scopes: Vec<String>,
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub expires_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

impl CreatedApiKey {
    /// A new key with its secret.
    pub fn new(key: registry::ApiKey, secret: &Secret) -> Self {
        Self {
            id: key.id,
            key: Some(secret.expose().to_owned()),
            name: key.name,
            key_prefix: key.prefix,
            scopes: key.scopes,
            expires_at: key.expires_at,
            created_at: key.created_at,
        }
    }

    /// The same without the secret: what may be kept.
    pub fn without_secret(&self) -> Self {
        Self { key: None, ..self.clone() }
    }
}
