//! Runs whose worker is gone: none stays `running` for ever.

use super::finish::End;
use super::{Failure, Run};
use crate::actor::Actor;
use crate::error::{RegistryError, Result};
use crate::registry::Registry;
use servoir_types::RunId;
use sqlx::Row as _;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// A node that has been silent for so long is gone, with what it ran.
const SILENT_MAX: Duration = Duration::from_secs(30);

/// The last sign of life of each run, and since when there was no other. It is measured here and not by the time in the sign,
/// because clocks jump and those of two nodes differ.
#[derive(Debug, Default)]
pub struct Silences(HashMap<RunId, (i64, Instant)>);

/// A run that goes on, as far as is known.
struct Going {
    id: RunId,
    external: bool,
    heartbeat: i64,
    silent_max: Duration,
}

impl Silences {
    /// How long a run has been silent.
    fn note(&mut self, run: &Going, now: Instant) -> Duration {
        let (heartbeat, since) = self.0.entry(run.id.clone()).or_insert((run.heartbeat, now));
        if *heartbeat != run.heartbeat {
            (*heartbeat, *since) = (run.heartbeat, now);
        }
        now.saturating_duration_since(*since)
    }
}

impl Registry {
    /// Ends, as failed and `interrupted`, the runs that nobody works on any more: those of nodes that have been silent
    /// for half a minute and external ones that were silent for longer than their time limit. With `at_start`, also every
    /// run of a database that no other server has. Gives back what it has ended. Silence counts only while this is called
    /// again and again: a database that was away has heard nobody.
    pub async fn interrupt_runs(&self, silences: &mut Silences, now: Instant, at_start: bool) -> Result<Vec<Run>> {
        let going = self.runs_going().await.inspect_err(|_| silences.0.clear())?;
        silences.0.retain(|run, _| going.iter().any(|going| going.id == *run));
        let alone = at_start && !self.is_shared();
        let mut ended = Vec::new();
        for run in &going {
            let is_silent = silences.note(run, now) > run.silent_max;
            let is_nobodys = alone && !run.external;
            if !(is_silent || is_nobodys) {
                continue;
            }
            let run = self.run_by_id(&run.id).await?;
            match self.interrupt(&run).await {
                Ok(()) => ended.push(run),
                Err(RegistryError::RunEnded { .. } | RegistryError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(ended)
    }

    async fn runs_going(&self) -> Result<Vec<Going>> {
        let rows = sqlx::query(
            "select id, external, heartbeat_at, timeout_seconds from runs where status = 'running' order by id",
        )
        .fetch_all(&mut *self.database().read().await?)
        .await?;
        let going = rows.iter().map(|row| {
            let external = row.try_get::<i64, _>("external")? == 1;
            let limit = u64::try_from(row.try_get::<i64, _>("timeout_seconds")?).unwrap_or_default();
            Ok(Going {
                id: RunId::from_text(row.try_get::<String, _>("id")?),
                external,
                heartbeat: row.try_get("heartbeat_at")?,
                silent_max: if external { Duration::from_secs(limit) } else { SILENT_MAX },
            })
        });
        going.collect()
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
