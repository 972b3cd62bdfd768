//! Who does something, and which part of a list is asked for.

use crate::error::{RegistryError, Result};

/// Who does something, for tenancy and for the audit.
#[derive(Debug, Clone)]
pub struct Actor {
    /// The organization whose objects are meant.
    pub organization: String,
    /// Who: a key's id, a JWT's `sub`, or `system`.
    pub subject: String,
    /// By what: `api-key:<id>`, `jwt`, `bootstrap`, `none`, `system`.
    pub credential: String,
    /// From where, when it came over the network.
    pub address: Option<String>,
    /// The request that it was part of.
    pub request_id: String,
}

impl Actor {
    /// The server itself, on behalf of an organization.
    pub fn system(organization: &str) -> Self {
        Self {
            organization: organization.to_owned(),
            subject: "system".to_owned(),
            credential: "system".to_owned(),
            address: None,
            request_id: String::new(),
        }
    }
}

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// How many there are in all.
    pub total: i64,
    /// This page's.
    pub items: Vec<T>,
}

/// Which part of a list.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    /// At most so many.
    pub limit: i64,
    /// After so many.
    pub offset: i64,
}

/// Refuses a text with a NUL character, which SQLite would keep and PostgreSQL not.
pub(crate) fn storable(field: &'static str, text: &str) -> Result<()> {
    if text.contains('\0') {
        return Err(RegistryError::Invalid { field, reason: "contains a NUL character, which cannot be stored" });
    }
    Ok(())
}
