//! API keys in memory: a snapshot of the registry's, replaced whole when something changes.

use super::{Credential, Principal};
use arc_swap::ArcSwap;
use servoir_registry::{KeyCredential, Registry, RegistryError};
use servoir_types::{Digest, Timestamp};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// The keys that work now, found by the hash of the whole key.
///
/// A lookup by the SHA-256 of what the caller sent reveals nothing by its timing: to steer it, one would have to choose
/// texts by their hash.
#[derive(Default)]
pub struct Keys(ArcSwap<HashMap<Digest, Arc<Key>>>);

/// How exactly it is known when a key was last used, in milliseconds.
const LAST_USED_MILLIS: i64 = 1000;

struct Key {
    id: String,
    principal: Principal,
    expires_at: Option<Timestamp>,
    last_used_millis: AtomicI64,
}

impl Keys {
    /// Reads the keys from the registry and replaces the snapshot.
    ///
    /// # Errors
    /// When the database is away; the snapshot stays.
    pub async fn refresh(&self, registry: &Registry) -> Result<(), RegistryError> {
        let credentials = registry.key_credentials().await?;
        let old = self.0.load();
        let keys = credentials.into_iter().map(|credential| {
            let used = old.get(&credential.hash).map_or(0, |key| key.last_used_millis.load(Ordering::Relaxed));
            (credential.hash, Arc::new(Key::new(credential, used)))
        });
        self.0.store(Arc::new(keys.collect()));
        Ok(())
    }

    /// The principal that a key stands for, if it is one and has not expired.
    pub fn find(&self, key: &str, now: Timestamp) -> Option<Principal> {
        let keys = self.0.load();
        let key = keys.get(&Digest::of(key.as_bytes()))?;
        if key.expires_at.is_some_and(|expiry| expiry <= now) {
            return None;
        }
        // Written now and then only: what every request wrote would go back and forth between the threads' caches.
        if now.as_millis() - key.last_used_millis.load(Ordering::Relaxed) >= LAST_USED_MILLIS {
            key.last_used_millis.store(now.as_millis(), Ordering::Relaxed);
        }
        Some(key.principal.clone())
    }

    /// When keys were last used, of those that were since the last call.
    pub fn take_used(&self) -> Vec<(String, Timestamp)> {
        let keys = self.0.load();
        let used = keys.values().filter_map(|key| {
            let millis = key.last_used_millis.swap(0, Ordering::Relaxed);
            (millis > 0).then(|| (key.id.clone(), Timestamp::from_millis(millis)))
        });
        used.collect()
    }
}

impl Key {
    fn new(credential: KeyCredential, last_used_millis: i64) -> Self {
        Self {
            principal: Principal {
                subject: credential.id.as_str().into(),
                organization: credential.organization.into(),
                scopes: credential.scopes.into(),
                credential: Credential::ApiKey,
            },
            id: credential.id,
            expires_at: credential.expires_at,
            last_used_millis: AtomicI64::new(last_used_millis),
        }
    }
}
