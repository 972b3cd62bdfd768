//! The change feed: a tick after every committed change, of this process or, on PostgreSQL, of any other.

use servoir_types::Secret;
use sqlx::postgres::PgListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const CHANNEL: &str = "servoir_changes";

/// Tells the other nodes when the transaction that it is part of commits.
pub(crate) const NOTIFY: &str = "notify servoir_changes";

/// After so long without a notification the listener connects again: a connection that is lost without a word cannot be told from one
/// on which nothing happens.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// How long the listener waits before it tries again to reach a database that is away.
const RECONNECT_WAIT: Duration = Duration::from_secs(1);

/// A counter that watchers wait on. They read the database again after each tick, so ticks that come close together may
/// be seen as one.
#[derive(Clone)]
pub(crate) struct Ticks(Arc<watch::Sender<u64>>);

impl Ticks {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }

    pub(crate) fn tick(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(crate) fn tick_when_dropped(&self) -> TickWhenDropped {
        TickWhenDropped(self.clone())
    }
}

/// Ticks when it goes out of scope, however that happens.
pub(crate) struct TickWhenDropped(Ticks);

impl Drop for TickWhenDropped {
    fn drop(&mut self) {
        self.0.tick();
    }
}

/// Ticks at each notification until `stop`. What other nodes did while the connection was lost is not told again, so
/// every (re)connection ticks too.
pub(crate) fn listen(database_url: Secret, ticks: Ticks, stop: CancellationToken) {
    tokio::spawn(async move {
        stop.run_until_cancelled(async {
            loop {
                if let Err(error) = follow(&database_url, &ticks).await {
                    tracing::warn!(%error, "the change feed lost the database; connecting again");
                }
                tokio::time::sleep(RECONNECT_WAIT).await;
            }
        })
        .await;
    });
}

/// Listens on one connection until it fails, or says nothing for long.
async fn follow(database_url: &Secret, ticks: &Ticks) -> Result<(), sqlx::Error> {
    let connecting = async {
        let mut listener = PgListener::connect(database_url.expose()).await?;
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await?;
        Ok::<_, sqlx::Error>(listener)
    };
    let connecting = tokio::time::timeout(SILENCE_MAX, connecting).await;
    let mut listener = connecting.map_err(|_| sqlx::Error::PoolTimedOut)??;
    ticks.tick();
    while let Ok(received) = tokio::time::timeout(SILENCE_MAX, listener.try_recv()).await {
        if received?.is_none() {
            break;
        }
        ticks.tick();
    }
    Ok(())
}
