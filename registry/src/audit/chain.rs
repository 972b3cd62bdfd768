//! What an audit entry's hash is made of.

use crate::error::Result;
use servoir_types::Digest;
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// Begins every hashed text, so that a hash made for another purpose can never be taken for an entry's.
const DOMAIN: &str = "servoir audit entry 1";

/// An entry as the database keeps it. `before` and `after` are hashed as text, whatever JSON library reads them.
pub(super) struct Link {
    pub(super) sequence: i64,
    pub(super) at: i64,
    pub(super) organization: String,
    pub(super) actor: String,
    pub(super) credential: String,
    pub(super) address: Option<String>,
    pub(super) action: String,
    pub(super) target: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    pub(super) request_id: String,
}

impl Link {
    pub(super) fn from_row(row: &AnyRow) -> Result<Self> {
        Ok(Self {
            sequence: row.try_get("sequence")?,
            at: row.try_get("at")?,
            organization: row.try_get("organization")?,
            actor: row.try_get("actor")?,
            credential: row.try_get("credential")?,
            address: row.try_get("address")?,
            action: row.try_get("action")?,
            target: row.try_get("target")?,
            before: row.try_get("state_before")?,
            after: row.try_get("state_after")?,
            request_id: row.try_get("request_id")?,
        })
    }

    /// SHA-256 over the hash of the entry before and every field. Each text goes in behind its length, and an absent
    /// one differs from an empty one, so that no two entries have the same bytes.
    pub(super) fn hash(&self, previous: Digest) -> Digest {
        let mut bytes = Vec::new();
        let mut text = |value: Option<&str>| match value {
            Some(value) => {
                bytes.push(1);
                bytes.extend_from_slice(&(value.len() as u64).to_le_bytes());
                bytes.extend_from_slice(value.as_bytes());
            }
            None => bytes.push(0),
        };
        text(Some(DOMAIN));
        text(Some(&previous.to_hex()));
        text(Some(&self.sequence.to_string()));
        text(Some(&self.at.to_string()));
        text(Some(&self.organization));
        text(Some(&self.actor));
        text(Some(&self.credential));
        text(self.address.as_deref());
        text(Some(&self.action));
        text(Some(&self.target));
        text(self.before.as_deref());
        text(self.after.as_deref());
        text(Some(&self.request_id));
        Digest::of(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> Link {
        let text = |value: &str| value.to_owned();
        Link {
            sequence: 1,
            at: 2,
            organization: text("a"),
            actor: text("b"),
            credential: text("c"),
            address: None,
            action: text("d"),
            target: text("e"),
            before: None,
            after: Some(text("{}")),
            request_id: text("f"),
        }
    }

    #[test]
    fn every_field_and_the_entry_before_count() {
        let changes: [fn(&mut Link); 12] = [
            |_| {},
            |link| link.sequence = 2,
            |link| link.at = 3,
            |link| link.organization = "ab".into(),
            |link| link.actor = String::new(),
            |link| (link.organization, link.actor) = ("ab".into(), String::new()),
            |link| link.credential.push('x'),
            |link| link.address = Some(String::new()),
            |link| link.action.push('x'),
            |link| link.target.push('x'),
            |link| (link.before, link.after) = (Some("{}".into()), None),
            |link| link.request_id.push('x'),
        ];
        let previous = Digest::of(b"");
        let mut hashes = std::collections::BTreeSet::from([link().hash(Digest::of(b"another"))]);
        for change in changes {
            let mut changed = link();
            change(&mut changed);
            assert!(hashes.insert(changed.hash(previous)));
        }
    }
}
