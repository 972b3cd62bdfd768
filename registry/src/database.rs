//! The SQL database: one pool, one way to read, one way to write.
//!
//! Every write goes through [`Write`]: a transaction that on SQLite waits its turn (one writer at a time, begun with
//! `begin immediate`, so that no statement ever meets a busy database) and that ticks the change feed when it commits.

mod connection;
mod double;
mod migrations;
mod silence;
mod sqlite_file;
mod turn;

use crate::changes::{self, Ticks};
use crate::error::{RegistryError, Result};
use crate::latency::Latency;
use crate::options::Options;
pub(crate) use connection::Connection;
pub(crate) use double::Double;
use prometheus::HistogramTimer;
use silence::Silence;
use sqlite_file::{OpenedFile, SqliteFile};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyPool, AssertSqlSafe, Connection as _, Executor as _};
use std::fs::File;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::{CancellationToken, DropGuard};
use turn::{Turn, Turns};

/// Per connection. WAL lets readers go on beside the writer; FULL makes a commit survive a power cut.
const SQLITE_SETTINGS: &str =
    "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; pragma busy_timeout = 5000;";

/// A SQLite writer needs a connection beside the readers'.
const SQLITE_CONNECTIONS_MIN: u32 = 2;

/// What a process wants of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// To serve it: migrates it, and on SQLite keeps other servers away.
    Serve,
    /// To look at it beside the process that serves it.
    Inspect,
}

/// The pool and what goes with it.
pub(crate) struct Database {
    pool: AnyPool,
    shared: bool,
    file: Option<OpenedFile>,
    timeout: Duration,
    /// How long PostgreSQL may be silent; `None` for SQLite, which is in this process.
    silence: Option<Arc<Silence>>,
    turns: Turns,
    ticks: Ticks,
    latency: Latency,
    lock: Mutex<Option<File>>,
    listener: CancellationToken,
    _stop_listener: DropGuard,
}

impl Database {
    /// Connects within the options' time limit.
    pub(crate) async fn open(options: &Options, access: Access) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let timeout = Duration::from_secs(options.acquire_timeout_seconds.max(1));
        let sqlite = SqliteFile::from_url(options.database_url.expose())?;
        let shared = sqlite.is_none();
        let url = sqlite.as_ref().map_or_else(|| options.database_url.expose().to_owned(), SqliteFile::url);
        let (lock, file) = match &sqlite {
            Some(file) if access == Access::Serve => (Some(file.lock().await?), Some(file.create()?)),
            _ => (None, None),
        };
        // The parser's own message says what is wrong with the text and does not repeat it: it may hold a password.
        let connect: AnyConnectOptions =
            url.parse().map_err(|error: sqlx::Error| RegistryError::Database(format!("database URL: {error}")))?;
        let least = if shared { 1 } else { SQLITE_CONNECTIONS_MIN };
        let statement = Duration::from_secs(options.statement_seconds_max.max(1));
        let silence = shared.then(|| Arc::new(Silence::new(statement)));
        let settings = silence.as_ref().map_or_else(|| SQLITE_SETTINGS.to_owned(), |silence| silence.settings());
        let of_pool = silence.clone();
        let pool = AnyPoolOptions::new()
            .max_connections(options.connections_max.max(least))
            .acquire_timeout(timeout)
            .after_connect(move |connection, _| {
                let settings = AssertSqlSafe(settings.clone());
                Box::pin(async move { connection.execute(sqlx::raw_sql(settings)).await.map(drop) })
            })
            // Asked below, where it is not waited for until all the time is over that somebody has for a connection.
            .test_before_acquire(!shared)
            // SQLite ends a transaction by itself when its disk is full, and the driver's rollback then fails, after which it
            // begins no other on the connection (`Command::Rollback` in sqlx-sqlite 0.9.0).
            .before_acquire(move |connection, idle| {
                let (is_free, silence) = (!connection.is_in_transaction(), of_pool.clone());
                Box::pin(async move {
                    if let Some(silence) = silence {
                        silence.ping(connection, idle.idle_for).await?;
                    }
                    Ok(is_free)
                })
            })
            .connect_with(connect)
            .await?;
        if access == Access::Serve {
            migrations::run(&pool).await?;
        }
        let listener = CancellationToken::new();
        let ticks = Ticks::new();
        if shared && access == Access::Serve {
            changes::listen(options.database_url.clone(), ticks.clone(), listener.clone());
        }
        Ok(Self {
            pool,
            shared,
            file,
            timeout,
            silence,
            turns: Turns::default(),
            ticks,
            latency: Latency::of_database()?,
            lock: Mutex::new(lock),
            _stop_listener: listener.clone().drop_guard(),
            listener,
        })
    }

    /// Whether several nodes may use this database at once.
    pub(crate) fn is_shared(&self) -> bool {
        self.shared
    }

    pub(crate) fn ticks(&self) -> &Ticks {
        &self.ticks
    }

    pub(crate) fn latency(&self) -> &Latency {
        &self.latency
    }

    /// A connection to read with, outside any transaction.
    pub(crate) async fn read(&self) -> Result<Read> {
        let wait = self.latency.start("acquire");
        let connection = self.pool.acquire().await?;
        drop(wait);
        let connection = Connection::new(connection, self.silence.clone());
        Ok(Read { connection, _time: self.latency.start("read") })
    }

    /// A transaction to write in; rolled back unless it is committed.
    #[track_caller]
    pub(crate) fn write(&self) -> impl Future<Output = Result<Write>> {
        let place = Location::caller();
        self.write_from(place)
    }

    /// The same, for who is at this place in the program.
    async fn write_from(&self, place: &'static Location<'static>) -> Result<Write> {
        let wait = self.latency.start("acquire");
        let turn = if self.shared { None } else { Some(self.turns.take(place, self.timeout).await?) };
        if let Some(file) = &self.file {
            file.check()?;
        }
        let connection = if self.shared {
            let mut connection = Connection::new(self.pool.acquire().await?, self.silence.clone());
            connection.begin().await?;
            connection
        } else {
            Connection::in_transaction(self.pool.begin_with("begin immediate").await?)
        };
        drop(wait);
        let time = self.latency.start("write");
        Ok(Write { connection, shared: self.shared, ticks: self.ticks.clone(), _time: time, _turn: turn })
    }

    /// Answers when the database does, or fails at the time limit.
    pub(crate) async fn ping(&self) -> Result<()> {
        let answer = async {
            sqlx::query("select 1").fetch_one(&mut *self.read().await?).await?;
            Ok(())
        };
        tokio::time::timeout(self.timeout, answer)
            .await
            .map_err(|_| RegistryError::Database("no answer within the time limit".into()))?
    }

    /// Ends the listener, closes the pool after what is under way, and lets another process have the database.
    pub(crate) async fn close(&self) {
        self.listener.cancel();
        self.pool.close().await;
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// A connection to read with.
pub(crate) struct Read {
    connection: Connection,
    /// Ends after the connection is given back: fields are dropped in order.
    _time: HistogramTimer,
}

impl Deref for Read {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Read {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

/// A transaction that writes.
pub(crate) struct Write {
    connection: Connection,
    shared: bool,
    ticks: Ticks,
    _time: HistogramTimer,
    /// Given back after the transaction: fields are dropped in order.
    _turn: Option<Turn>,
}

impl Write {
    /// The connection, for statements inside the transaction.
    pub(crate) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Commits something that nobody waits to hear of.
    pub(crate) async fn commit_quietly(self) -> Result<()> {
        Ok(self.connection.commit().await?)
    }

    /// Commits a change of models, deployments or keys: this node's watchers and, on PostgreSQL, the other nodes' hear
    /// of it.
    pub(crate) async fn commit(mut self) -> Result<()> {
        if self.shared {
            self.connection.execute(changes::NOTIFY).await?;
        }
        // When the caller goes away during the commit, the commit may still take place: the tick comes either way.
        let _tick = self.ticks.tick_when_dropped();
        Ok(self.connection.commit().await?)
    }
}
