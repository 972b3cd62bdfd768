//! Runs whose worker is gone: none stays `running` for ever.

use super::finish::End;
use super::{Failure, Run, run, select_runs};
use crate::actor::Actor;
use crate::error::{RegistryError, Result};
use crate::registry::Registry;
use servoir_types::Timestamp;

/// A node that has been silent for so long is gone, with what it ran.
const SILENT_SECONDS_MAX: i64 = 30;

impl Registry {
    /// Ends, as failed and `interrupted`, the runs that nobody works on any more: those of nodes that have been silent
    /// for half a minute and external ones that were silent for longer than their time limit. With `at_start`, also every
    /// run of a database that no other server has. Gives back what it has ended.
    pub async fn interrupt_runs(&self, at_start: bool) -> Result<Vec<Run>> {
        let now = Timestamp::now();
        let alone = at_start && !self.is_shared();
        let rows = sqlx::query(select_runs!(
            "where r.status = 'running' and ((r.external = 0 and ($1 = 1 or r.heartbeat_at < $2)) \
             or (r.external = 1 and r.heartbeat_at < $3 - 1000 * r.timeout_seconds)) order by r.id"
        ))
        .bind(i64::from(alone))
        .bind(now.plus_seconds(-SILENT_SECONDS_MAX).as_millis())
        .bind(now.as_millis())
        .fetch_all(&mut *self.database().read().await?)
        .await?;
        let mut ended = Vec::new();
        for row in &rows {
            let run = run(row)?;
            match self.interrupt(&run).await {
                Ok(()) => ended.push(run),
                Err(RegistryError::RunEnded { .. } | RegistryError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(ended)
    }

    /// Ends one run as failed and `interrupted`.
    pub async fn interrupt(&self, run: &Run) -> Result<()> {
        let message = if run.external {
            format!("nothing was heard of the run for {} s", run.timeout_seconds)
        } else {
            "the server that ran it stopped".to_owned()
        };
        let end = End::failed(Failure { code: "interrupted".into(), message });
        self.end_run(&Actor::system(&run.organization), run, end).await
    }
}
