//! How long the database may be silent, and since when connections are known to have been.

use sqlx::{AnyConnection, Connection as _, Error};
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So much longer than PostgreSQL's own limit is waited, so that it is PostgreSQL that says what took so long, unless it says nothing.
const GRACE: Duration = Duration::from_secs(2);
/// How long a connection that nobody used may take to say that it is there, when somebody wants to use it.
const PING: Duration = Duration::from_secs(2);

/// How long the database may be silent.
#[derive(Debug)]
pub(super) struct Silence {
    statement: Duration,
    /// When it was last found silent. What has not been used since then is as silent, as far as anybody knows.
    found: Mutex<Option<Instant>>,
}

impl Silence {
    /// Statements may take so long, as PostgreSQL counts.
    pub(super) fn new(statement: Duration) -> Self {
        Self { statement, found: Mutex::new(None) }
    }

    /// What PostgreSQL is told for each connection. A node that hangs or vanishes in a transaction must not hold the others up for ever.
    pub(super) fn settings(&self) -> String {
        let statement = self.statement.as_millis();
        // Who waits for another's lock is told so, and not merely that it took long.
        let lock = statement * 2 / 3;
        format!(
            "set statement_timeout = '{statement}ms'; set lock_timeout = '{lock}ms'; \
             set idle_in_transaction_session_timeout = '{statement}ms';"
        )
    }

    /// Waits for an answer to a statement.
    pub(super) async fn wait<T>(&self, answer: impl Future<Output = T>) -> Result<T, Error> {
        self.wait_for(self.statement + GRACE, answer).await
    }

    /// Whether a connection that was idle for so long answers; what does not is to be closed.
    pub(super) async fn ping(&self, connection: &mut AnyConnection, idle_for: Duration) -> Result<(), Error> {
        let found = *self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.is_some_and(|found| found.elapsed() < idle_for) {
            return Err(silent("it was silent since this connection was last used"));
        }
        self.wait_for(PING, connection.ping()).await?
    }

    async fn wait_for<T>(&self, longest: Duration, answer: impl Future<Output = T>) -> Result<T, Error> {
        match tokio::time::timeout(longest, answer).await {
            Ok(answer) => Ok(answer),
            Err(_) => {
                *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                let seconds = longest.as_secs_f64();
                Err(silent(&format!(
                    "it has said nothing for {seconds} s; see 'storage.database_statement_seconds_max'"
                )))
            }
        }
    }
}

fn silent(why: &str) -> Error {
    Error::Io(io::Error::new(io::ErrorKind::TimedOut, why.to_owned()))
}
