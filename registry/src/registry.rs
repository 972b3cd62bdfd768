//! The registry as a whole: opening, watching, closing.

use crate::artifacts::{ArtifactStore, Imports, Scratch};
use crate::audit::{AuditVerdict, verify};
use crate::database::{Access, Database};
use crate::error::Result;
use crate::options::Options;
use prometheus::core::Collector;
use std::sync::Arc;
use tokio::sync::watch;

/// The registry. Cheap to clone.
#[derive(Clone)]
pub struct Registry(Arc<Parts>);

struct Parts {
    database: Database,
    store: ArtifactStore,
    scratch: Scratch,
    imports: Imports,
    grace_seconds: i64,
}

impl Registry {
    /// Connects, migrates, and sweeps what a killed process left in the scratch folder.
    pub async fn open(options: Options) -> Result<Self> {
        let database = Database::open(&options, Access::Serve).await?;
        let store = ArtifactStore::open(&options)?;
        let scratch = Scratch::open(&options.scratch_dir)?;
        let grace_seconds = i64::try_from(options.sweep_grace_seconds).unwrap_or(i64::MAX);
        let imports = Imports { sources: options.import_sources, s3: options.s3 };
        let registry = Self(Arc::new(Parts { database, store, scratch, imports, grace_seconds }));
        registry.sweep_at_start().await?;
        Ok(registry)
    }

    /// Brings the database's schema up to date, without the artifact store.
    pub async fn migrate(options: &Options) -> Result<()> {
        Database::open(options, Access::Serve).await?.close().await;
        Ok(())
    }

    /// Walks the audit's hash chain beside the server that uses the database, without the artifact store.
    pub async fn inspect_audit(options: &Options) -> Result<AuditVerdict> {
        let database = Database::open(options, Access::Inspect).await?;
        let verdict = verify(&mut *database.read().await?).await;
        database.close().await;
        verdict
    }

    /// Whether the artifact store answers, without the database. A local folder that is not there is made.
    pub async fn inspect_store(options: &Options) -> Result<()> {
        ArtifactStore::open(options)?.ping().await
    }

    /// Ticks after every committed change of models, deployments or keys, of this node or (on PostgreSQL) any other.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.database.ticks().subscribe()
    }

    /// Whether the database answers.
    pub async fn ping_database(&self) -> Result<()> {
        self.0.database.ping().await
    }

    /// Whether the artifact store answers.
    pub async fn ping_store(&self) -> Result<()> {
        self.0.store.ping().await
    }

    /// Whether several nodes can share this registry (PostgreSQL) or not (SQLite).
    pub fn is_shared(&self) -> bool {
        self.0.database.is_shared()
    }

    /// Histograms of how long the database and the artifact store take, to be shown with the process's other metrics:
    /// `servoir_registry_duration_seconds` and `servoir_store_duration_seconds`, by operation.
    pub fn latencies(&self) -> [Box<dyn Collector>; 2] {
        [self.0.database.latency().collector(), self.0.store.latency().collector()]
    }

    /// Closes the pool after what is under way.
    pub async fn close(&self) {
        self.0.database.close().await;
    }

    pub(crate) fn database(&self) -> &Database {
        &self.0.database
    }

    pub(crate) fn store(&self) -> &ArtifactStore {
        &self.0.store
    }

    pub(crate) fn scratch(&self) -> &Scratch {
        &self.0.scratch
    }

    pub(crate) fn imports(&self) -> &Imports {
        &self.0.imports
    }

    pub(crate) fn grace_seconds(&self) -> i64 {
        self.0.grace_seconds
    }
}
