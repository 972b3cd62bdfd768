//! Webhooks: messages of alerts, signed and posted until they arrive or are given up.
//!
//! A message is written in the transaction in which its alert changes, and delivered by whichever node comes first: none is
//! lost with a node, and a receiver may get one twice, with the same `webhook-id`.

mod address;
mod attempt;
mod backoff;
mod signature;

use crate::app::{App, SharedApp};
use futures_util::future::join_all;
use servoir_registry::RegistryError;
use servoir_types::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// How often due messages are looked for; those of this node's alerts go out at once.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Messages that are posted at once, so that a slow receiver does not keep the others waiting.
const POSTED_AT_ONCE: usize = 4;
/// How long an attempt may take, to the head of the answer.
const ATTEMPT_SECONDS_MAX: u64 = 10;
/// After so long without a word, the node that took a message is taken to be gone. Longer than an attempt.
const LEASE_SECONDS: i64 = 60;

/// What posts messages.
pub struct Webhooks {
    client: reqwest::Client,
    private_allowed: bool,
    due: Arc<Notify>,
}

impl Webhooks {
    /// `private_allowed`: whether receivers may have private and loopback addresses.
    ///
    /// # Errors
    /// When the system offers no TLS.
    pub fn new(private_allowed: bool) -> reqwest::Result<Self> {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(ATTEMPT_SECONDS_MAX))
            // A redirect or a proxy would lead past the addresses that were looked at.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(address::Checked { private_allowed }))
            .user_agent(concat!("servoir/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, private_allowed, due: Arc::default() })
    }

    /// Says that messages are due now.
    pub fn wake(&self) {
        self.due.notify_one();
    }
}

/// Delivers messages until the server stops.
pub async fn keep_delivering(app: SharedApp, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = deliver_due(&app, Timestamp::now()).await {
            tracing::warn!(%error, "cannot read or write messages of alerts");
        }
        let woken = app.webhooks.due.notified();
        tokio::select! {
            () = woken => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Posts every message that is due at `now`; how many that were.
///
/// # Errors
/// When the registry is away. What could not be delivered is no error: it is tried again.
pub async fn deliver_due(app: &App, now: Timestamp) -> Result<usize, RegistryError> {
    let posted = join_all((0..POSTED_AT_ONCE).map(|_| deliver_in_turn(app, now))).await;
    posted.into_iter().sum()
}

async fn deliver_in_turn(app: &App, now: Timestamp) -> Result<usize, RegistryError> {
    let mut posted = 0;
    while let Some(delivery) = app.registry.claim_delivery(now, now.plus_seconds(LEASE_SECONDS)).await? {
        let outcome = attempt::attempt(app, &delivery, now).await;
        attempt::note(app, &delivery, &outcome);
        app.registry.finish_delivery(&delivery.message.id, now, &outcome).await?;
        posted += 1;
    }
    Ok(posted)
}
