//! A connection that waits for no statement longer than it may.
//!
//! PostgreSQL ends statements that take too long by itself, unless it is that, or the way to it, that has fallen silent: a frozen
//! process or packets that nobody answers say nothing at all, and a socket would be waited for until the system gives it up, which
//! takes a quarter of an hour or never comes. So the client counts too. What was given up is closed and not used again: nobody knows what
//! would come out of it next.

use super::silence::Silence;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use sqlx::any::{AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, Either, Error, Execute, Executor, SqlStr, Transaction};
use std::fmt;
use std::sync::Arc;
use tokio::runtime::Handle;

/// A connection of the pool, for as long as somebody uses it.
pub(crate) struct Connection {
    held: Option<Held>,
    /// How long is waited; `None`: as long as it takes, for a database in this process.
    silence: Option<Arc<Silence>>,
    /// A statement has begun and not ended.
    is_busy: bool,
    /// A transaction of our own has begun and not ended.
    is_open: bool,
}

enum Held {
    Free(PoolConnection<Any>),
    /// SQLite's, which knows how far its transactions are.
    InTransaction(Transaction<'static, Any>),
}

impl Connection {
    /// A connection outside any transaction.
    pub(super) fn new(free: PoolConnection<Any>, silence: Option<Arc<Silence>>) -> Self {
        Self { held: Some(Held::Free(free)), silence, is_busy: false, is_open: false }
    }

    /// A connection in a transaction of the driver's.
    pub(super) fn in_transaction(transaction: Transaction<'static, Any>) -> Self {
        Self { held: Some(Held::InTransaction(transaction)), silence: None, is_busy: false, is_open: false }
    }

    /// Begins a transaction, which is rolled back unless it is committed.
    pub(super) async fn begin(&mut self) -> Result<(), Error> {
        self.is_open = true;
        self.execute("begin").await.map(drop)
    }

    /// Commits the transaction.
    pub(super) async fn commit(mut self) -> Result<(), Error> {
        match self.held.take() {
            Some(Held::InTransaction(transaction)) => transaction.commit().await,
            free => {
                self.held = free;
                self.execute("commit").await?;
                self.is_open = false;
                Ok(())
            }
        }
    }

    /// What a statement needs: the connection, how long is waited, and where it is noted that one is under way.
    fn parts(&mut self) -> Result<(&mut AnyConnection, Waits<'_>), Error> {
        let waits = Waits { silence: self.silence.as_deref(), is_busy: &mut self.is_busy };
        match &mut self.held {
            Some(Held::Free(connection)) => Ok((connection, waits)),
            Some(Held::InTransaction(transaction)) => Ok((transaction, waits)),
            None => Err(Error::PoolClosed),
        }
    }
}

/// One statement's wait.
struct Waits<'c> {
    silence: Option<&'c Silence>,
    is_busy: &'c mut bool,
}

impl Waits<'_> {
    /// What the database says next.
    async fn within<T>(&mut self, answer: impl Future<Output = T>) -> Result<T, Error> {
        *self.is_busy = true;
        match self.silence {
            Some(silence) => silence.wait(answer).await,
            None => Ok(answer.await),
        }
    }

    /// The statement has ended; after what the database itself has refused, the connection is as good as before.
    fn ended(&mut self, with: Option<&Error>) {
        *self.is_busy = with.is_some_and(|error| error.as_database_error().is_none());
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("is_busy", &self.is_busy).field("is_open", &self.is_open).finish()
    }
}

impl<'c> Executor<'c> for &'c mut Connection {
    type Database = Any;

    fn fetch_many<'e, 'q: 'e, E>(self, query: E) -> BoxStream<'e, Result<Either<AnyQueryResult, AnyRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let (connection, waits) = match self.parts() {
            Ok(parts) => parts,
            Err(error) => return stream::iter([Err(error)]).boxed(),
        };
        let steps = connection.fetch_many(query);
        let next = |state: Option<(BoxStream<'e, _>, Waits<'e>)>| async {
            let (mut steps, mut waits) = state?;
            match waits.within(steps.next()).await {
                Ok(Some(Ok(step))) => Some((Ok(step), Some((steps, waits)))),
                Ok(None) => {
                    waits.ended(None);
                    None
                }
                Ok(Some(Err(error))) | Err(error) => {
                    waits.ended(Some(&error));
                    Some((Err(error), None))
                }
            }
        };
        stream::unfold(Some((steps, waits)), next).boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<AnyRow>, Error>>
    where
        'c: 'e,
        E: 'q + Execute<'q, Any>,
    {
        Box::pin(async move {
            let (connection, mut waits) = self.parts()?;
            let row = waits.within(connection.fetch_optional(query)).await.and_then(|row| row);
            waits.ended(row.as_ref().err());
            row
        })
    }

    fn prepare_with<'e>(self, sql: SqlStr, parameters: &'e [AnyTypeInfo]) -> BoxFuture<'e, Result<AnyStatement, Error>>
    where
        'c: 'e,
    {
        Box::pin(async move {
            let (connection, mut waits) = self.parts()?;
            let statement =
                waits.within(connection.prepare_with(sql, parameters)).await.and_then(|statement| statement);
            waits.ended(statement.as_ref().err());
            statement
        })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // What is in this process goes back by itself.
        let Some(silence) = self.silence.take() else { return };
        let Some(Held::Free(mut connection)) = self.held.take() else { return };
        if self.is_busy {
            // Closed here and now. PostgreSQL ends the transaction when it notices.
            drop(connection.detach());
            return;
        }
        let is_open = self.is_open;
        // Going back takes an answer, and while that is waited for the connection has a place that others may need.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                let rolled_back = match is_open {
                    true => silence.wait((*connection).execute("rollback")).await.and_then(|done| done.map(drop)),
                    false => Ok(()),
                };
                match rolled_back {
                    Ok(()) => drop(silence.wait(connection.return_to_pool()).await),
                    Err(error) => {
                        tracing::debug!(%error, "a transaction could not be rolled back; its connection is closed");
                        drop(connection.detach());
                    }
                }
            });
        }
    }
}
