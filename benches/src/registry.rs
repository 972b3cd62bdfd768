//! A registry on SQLite in a folder of its own, with one model and as many versions as are wanted.

use anyhow::Result;
use servoir_registry::{Actor, NewModel, NewVersion, Options, Registry, Version};
use servoir_types::{ModelId, Secret};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tempfile::TempDir;

/// The organization of the model.
pub const ORGANIZATION: &str = "benchmarks";

/// The registry.
pub struct Filled {
    /// The registry itself.
    pub registry: Registry,
    /// Its one model.
    pub model: ModelId,
    folder: TempDir,
}

impl Filled {
    /// Makes it, with one version.
    pub async fn new() -> Result<Self> {
        let folder = TempDir::new()?;
        let path = folder.path();
        let options = Options {
            database_url: Secret::new(format!("sqlite:{}", path.join("registry.db").display())),
            connections_max: 4,
            acquire_timeout_seconds: 60,
            statement_seconds_max: 30,
            artifacts_url: format!("file://{}", path.join("artifacts").display()),
            s3: Vec::new(),
            import_sources: Vec::new(),
            scratch_dir: path.join("scratch"),
            sweep_grace_seconds: 3600,
        };
        let registry = Registry::open(options).await?;
        let new = NewModel {
            name: "churn".parse()?,
            description: "A model with many versions".into(),
            framework: "onnx".into(),
            source: "manual".into(),
            tags: Vec::new(),
            workspace: None,
        };
        let model = registry.create_model(&actor(), new).await?.id;
        let filled = Self { registry, model, folder };
        filled.publish().await?;
        Ok(filled)
    }

    /// Publishes a version as a client would: the artifact, which all versions share, and the row.
    pub async fn publish(&self) -> Result<Version> {
        let mut upload = self.registry.begin_upload(u64::MAX).await?;
        upload.write(b"the same bytes in every version").await?;
        let metrics = serde_json::Map::from_iter([("auc".to_owned(), 0.93.into())]);
        let new = NewVersion { description: String::new(), metrics, format: "onnx".into(), signature: None };
        Ok(self.registry.publish(&actor(), &self.model, upload.finish().await?, new).await?)
    }

    /// Copies the first version until there are `count`, past the registry: publishing so many would take hours.
    pub async fn fill_to(&self, count: i64) -> Result<()> {
        let options = SqliteConnectOptions::new().filename(self.folder.path().join("registry.db"));
        let mut connection = SqliteConnection::connect_with(&options).await?;
        sqlx::query(
            "with recursive numbers(number) as (select latest_version + 1 from models union all \
             select number + 1 from numbers where number < $1) \
             insert into versions select model, number, description, metrics, format, size_bytes, digest, signature, \
             state, reason, created_at, created_by from versions, numbers where version = 1 and number <= $1",
        )
        .bind(count)
        .execute(&mut connection)
        .await?;
        sqlx::query("update models set latest_version = $1, versions_made = $1")
            .bind(count)
            .execute(&mut connection)
            .await?;
        sqlx::query("update artifacts set uses = $1").bind(count).execute(&mut connection).await?;
        Ok(connection.close().await?)
    }
}

fn actor() -> Actor {
    Actor {
        organization: ORGANIZATION.into(),
        subject: "benchmarks".into(),
        credential: "none".into(),
        address: None,
        request_id: String::new(),
    }
}
