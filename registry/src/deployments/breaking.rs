//! What becomes of a change that would break who calls what is live.

use super::row;
use crate::database::Connection;
use crate::error::{RegistryError, Result};
use crate::registry::Registry;
use crate::versions::signature_of;
use servoir_types::{BreakingChange, ModelId, Signature};
use sqlx::Row as _;

/// What becomes of a version whose signature would break who calls what is live.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Breaking {
    /// It is refused, and the changes are named.
    #[default]
    Refused,
    /// It goes live, and the audit names the changes.
    Forced,
}

/// A version that is to answer the callers of another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Successor<'a> {
    pub(super) model: &'a ModelId,
    pub(super) live: i64,
    pub(super) next: i64,
}

impl Registry {
    /// Whether a version can take the place of what should be live without breaking callers, as far as the signatures that
    /// are kept tell. Nothing is changed: a deploy or a rollback asks again.
    ///
    /// # Errors
    /// [`RegistryError::SwapRefused`] with what would break.
    pub async fn check_successor(&self, model: &ModelId, next: i64) -> Result<()> {
        let mut connection = self.database().read().await?;
        let Some(current) = row::select_one(&mut connection, model).await? else { return Ok(()) };
        let successor = Successor { model, live: current.primary.spec.version, next };
        successor.changes(&mut connection, Breaking::Refused).await.map(drop)
    }
}

impl Successor<'_> {
    /// What callers of the live version trip over, when that is allowed. A signature that is not kept tells nothing.
    pub(super) async fn changes(self, connection: &mut Connection, breaking: Breaking) -> Result<Vec<BreakingChange>> {
        if self.live == self.next {
            return Ok(Vec::new());
        }
        let live = self.signature(connection, self.live).await?;
        let next = self.signature(connection, self.next).await?;
        let (Some(live), Some(next)) = (live, next) else { return Ok(Vec::new()) };
        let changes = live.broken_by(&next);
        match breaking {
            Breaking::Refused if !changes.is_empty() => {
                Err(RegistryError::SwapRefused { live: self.live, next: self.next, changes })
            }
            _ => Ok(changes),
        }
    }

    async fn signature(self, connection: &mut Connection, version: i64) -> Result<Option<Signature>> {
        let row = sqlx::query("select signature from versions where model = $1 and version = $2")
            .bind(self.model.as_str())
            .bind(version)
            .fetch_optional(connection)
            .await?;
        signature_of(row.map(|row| row.try_get::<Option<String>, _>("signature")).transpose()?.flatten())
    }
}
