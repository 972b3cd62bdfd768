//! API keys: made here, shown once, kept as a hash.

mod bootstrap;

use crate::actor::{Actor, Page, Window, storable};
use crate::audit::{Deed, digest};
use crate::error::{RegistryError, Result};
use crate::registry::Registry;
use serde_json::json;
use servoir_types::{Digest, Secret, Timestamp, random_token};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// Characters of `[a-z0-9]` in a key's id.
const ID_CHARS: usize = 12;
/// Characters of `[a-z0-9]` in a key's secret part: 165 bits, so that a plain hash at rest cannot be searched.
const SECRET_CHARS: usize = 32;

/// An API key as lists show it: never its secret.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct ApiKey {
    pub id: String,
    pub organization: String,
    pub name: String,
    /// The key's first characters, by which a person knows it again.
    pub prefix: String,
    pub scopes: Vec<String>,
    pub created_by: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    pub last_used_at: Option<Timestamp>,
}

/// Which keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum KeyStatus {
    Active,
    Revoked,
    Expired,
}

/// What a new key is made of.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct NewKey {
    pub name: String,
    pub scopes: Vec<String>,
    pub expires_at: Option<Timestamp>,
}

/// What is needed to recognise a key that came with a request: the hash, never the key.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub struct KeyCredential {
    pub id: String,
    pub organization: String,
    pub scopes: Vec<String>,
    /// SHA-256 of the whole key.
    pub hash: Digest,
    pub expires_at: Option<Timestamp>,
}

/// A key's columns, in every statement that gives keys back.
macro_rules! key_columns {
    () => {
        "id, organization, name, prefix, scopes, created_by, created_at, expires_at, revoked_at, last_used_at"
    };
}

/// The keys of an organization $1 in a state $2 at the time $3.
macro_rules! keys_in_state {
    () => {
        " from api_keys where organization = $1 and ($2 is null or $2 = \
         case when revoked_at is not null then 'revoked' when expires_at <= $3 then 'expired' else 'active' end)"
    };
}

/// A key that was just made.
struct Minted {
    id: String,
    prefix: String,
    key: Secret,
}

fn mint() -> Minted {
    let id = random_token(ID_CHARS);
    let prefix = format!("svr_{id}");
    Minted { key: Secret::new(format!("{prefix}_{}", random_token(SECRET_CHARS))), id, prefix }
}

impl Registry {
    /// `api_key.created`: the key itself, shown once, beside its row.
    pub async fn create_key(&self, actor: &Actor, new: NewKey) -> Result<(ApiKey, Secret)> {
        storable("name", &new.name)?;
        let now = Timestamp::now();
        let minted = mint();
        let mut write = self.database().write().await?;
        let row = sqlx::query(concat!(
            "insert into api_keys (id, organization, name, prefix, hash, scopes, created_by, created_at, expires_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning ",
            key_columns!()
        ))
        .bind(&minted.id)
        .bind(&actor.organization)
        .bind(new.name)
        .bind(&minted.prefix)
        .bind(Digest::of(minted.key.expose().as_bytes()).to_hex())
        .bind(json!(new.scopes).to_string())
        .bind(&actor.subject)
        .bind(now.as_millis())
        .bind(new.expires_at.map(Timestamp::as_millis))
        .fetch_one(write.connection())
        .await?;
        let key = api_key(&row)?;
        let after = json!({ "name": key.name, "scopes": key.scopes, "expiresAt": key.expires_at });
        let deed = Deed { action: "api_key.created", target: &key.id, before: None, after: Some(after) };
        write.record(actor, now, deed).await?;
        write.commit().await?;
        Ok((key, minted.key))
    }

    /// A page of an organization's keys, newest first.
    pub async fn keys(&self, organization: &str, status: Option<KeyStatus>, window: Window) -> Result<Page<ApiKey>> {
        let now = Timestamp::now().as_millis();
        let status = status.map(|status| match status {
            KeyStatus::Active => "active",
            KeyStatus::Revoked => "revoked",
            KeyStatus::Expired => "expired",
        });
        let mut connection = self.database().read().await?;
        let total = sqlx::query_scalar(concat!("select count(*)", keys_in_state!()))
            .bind(organization)
            .bind(status)
            .bind(now)
            .fetch_one(&mut *connection)
            .await?;
        let rows = sqlx::query(concat!(
            "select ",
            key_columns!(),
            keys_in_state!(),
            " order by created_at desc, id desc limit $4 offset $5"
        ))
        .bind(organization)
        .bind(status)
        .bind(now)
        .bind(window.limit)
        .bind(window.offset)
        .fetch_all(&mut *connection)
        .await?;
        Ok(Page { total, items: rows.iter().map(api_key).collect::<Result<_>>()? })
    }

    /// One key.
    pub async fn key(&self, organization: &str, id: &str) -> Result<ApiKey> {
        let row = sqlx::query(concat!("select ", key_columns!(), " from api_keys where organization = $1 and id = $2"))
            .bind(organization)
            .bind(id)
            .fetch_optional(&mut *self.database().read().await?)
            .await?;
        api_key(&row.ok_or_else(|| RegistryError::NotFound { what: "api-key", id: id.to_owned() })?)
    }

    /// `api_key.revoked`. Revoking again changes nothing.
    pub async fn revoke_key(&self, actor: &Actor, id: &str) -> Result<()> {
        let now = Timestamp::now();
        let mut write = self.database().write().await?;
        let revoked = sqlx::query(
            "update api_keys set revoked_at = $3 where organization = $1 and id = $2 and revoked_at is null \
             returning name",
        )
        .bind(&actor.organization)
        .bind(id)
        .bind(now.as_millis())
        .fetch_optional(write.connection())
        .await?;
        let Some(row) = revoked else {
            drop(write);
            return self.key(&actor.organization, id).await.map(drop);
        };
        let before = json!({ "name": row.try_get::<String, _>("name")? });
        let deed = Deed { action: "api_key.revoked", target: id, before: Some(before), after: None };
        write.record(actor, now, deed).await?;
        write.commit().await
    }

    /// All keys that are neither revoked nor expired, over all organizations.
    pub async fn key_credentials(&self) -> Result<Vec<KeyCredential>> {
        let rows = sqlx::query(
            "select id, organization, scopes, hash, expires_at from api_keys \
             where revoked_at is null and (expires_at is null or expires_at > $1) order by id",
        )
        .bind(Timestamp::now().as_millis())
        .fetch_all(&mut *self.database().read().await?)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(KeyCredential {
                    id: row.try_get("id")?,
                    organization: row.try_get("organization")?,
                    scopes: scopes(row)?,
                    hash: digest(row, "hash")?,
                    expires_at: time(row, "expires_at")?,
                })
            })
            .collect()
    }

    /// Notes when keys were last used. A time before the one that is known changes nothing.
    pub async fn touch_keys(&self, used: &[(String, Timestamp)]) -> Result<()> {
        let mut used: Vec<_> = used.iter().collect();
        // Nodes that note the same keys lock them in the same order.
        used.sort_unstable();
        let mut write = self.database().write().await?;
        for (id, at) in used {
            sqlx::query(
                "update api_keys set last_used_at = $2 \
                 where id = $1 and (last_used_at is null or last_used_at < $2)",
            )
            .bind(id)
            .bind(at.as_millis())
            .execute(write.connection())
            .await?;
        }
        write.commit_quietly().await
    }
}

fn api_key(row: &AnyRow) -> Result<ApiKey> {
    Ok(ApiKey {
        id: row.try_get("id")?,
        organization: row.try_get("organization")?,
        name: row.try_get("name")?,
        prefix: row.try_get("prefix")?,
        scopes: scopes(row)?,
        created_by: row.try_get("created_by")?,
        created_at: Timestamp::from_millis(row.try_get("created_at")?),
        expires_at: time(row, "expires_at")?,
        revoked_at: time(row, "revoked_at")?,
        last_used_at: time(row, "last_used_at")?,
    })
}

fn scopes(row: &AnyRow) -> Result<Vec<String>> {
    serde_json::from_str(&row.try_get::<String, _>("scopes")?)
        .map_err(|error| RegistryError::Inconsistent(format!("column scopes of a key: {error}")))
}

fn time(row: &AnyRow, column: &str) -> Result<Option<Timestamp>> {
    Ok(row.try_get::<Option<i64>, _>(column)?.map(Timestamp::from_millis))
}
