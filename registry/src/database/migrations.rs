//! The schema, brought up to date when a database is opened.

use crate::error::{RegistryError, Result};
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{AnyPool, SqlSafeStr as _};

/// Each migration once, in order. A migration that has been released is never edited: its text is checked against what
/// the database remembers.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "registry", include_str!("../../migrations/0001_registry.sql")),
    (2, "studio", include_str!("../../migrations/0002_studio.sql")),
    (3, "monitoring", include_str!("../../migrations/0003_monitoring.sql")),
    (4, "swaps", include_str!("../../migrations/0004_swaps.sql")),
    (5, "forced", include_str!("../../migrations/0005_forced.sql")),
];

/// Applies what is missing. On PostgreSQL one node does it while the others wait.
pub(super) async fn run(pool: &AnyPool) -> Result<()> {
    let migrations = MIGRATIONS
        .iter()
        .map(|&(version, description, sql)| {
            Migration::new(version, description.into(), MigrationType::Simple, sql.into_sql_str(), false)
        })
        .collect();
    Migrator::with_migrations(migrations).run(pool).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) => RegistryError::Inconsistent(format!(
            "the database has migration {version}, which this servoir does not know; run a newer servoir"
        )),
        MigrateError::VersionMismatch(version) => {
            RegistryError::Inconsistent(format!("migration {version} was applied with another text"))
        }
        MigrateError::Dirty(version) => {
            RegistryError::Inconsistent(format!("migration {version} was applied only in part"))
        }
        other => RegistryError::Database(format!("migrating the database: {other}")),
    })
}
