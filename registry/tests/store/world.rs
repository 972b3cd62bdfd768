//! What a test runs in: a database, an artifact store, a scratch folder, and a registry over them.

use crate::object_server::ObjectServer;
use futures_util::FutureExt as _;
use serde_json::json;
use servoir_registry::{
    Actor, DeploymentSpec, Model, ModelFilter, NewModel, NewVersion, Options, Registry, SortField, StagedArtifact,
    Tuning, Version, Window,
};
use servoir_types::{ModelId, Secret, random_token};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, Row as _};
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use tempfile::TempDir;

/// The environment variable that names a PostgreSQL server where databases may be made.
const POSTGRES_URL: &str = "SERVOIR_TEST_POSTGRES_URL";
const NAME_CHARS: usize = 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    Sqlite,
    Postgres,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Artifacts {
    Local,
    S3,
}

pub struct World {
    pub registry: Registry,
    pub options: Options,
    pub folder: TempDir,
    pub database: Database,
    pub objects: ObjectServer,
    postgres: Option<(PgConnectOptions, String)>,
}

impl World {
    /// Runs a behaviour in a new world and takes the world down, whatever the outcome.
    pub fn enter(database: Database, artifacts: Artifacts, behaviour: impl AsyncFnOnce(&World)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let world = Self::new(database, artifacts).await;
            let outcome = AssertUnwindSafe(behaviour(&world)).catch_unwind().await;
            world.registry.close().await;
            if let Some((server, name)) = &world.postgres {
                let mut connection = server.connect().await.unwrap();
                let drop = format!("drop database {name} with (force)");
                connection.execute(AssertSqlSafe(drop)).await.unwrap();
            }
            if let Err(panic) = outcome {
                std::panic::resume_unwind(panic);
            }
        });
    }

    async fn new(database: Database, artifacts: Artifacts) -> Self {
        let folder = TempDir::new().unwrap();
        let objects = ObjectServer::start(&folder.path().join("objects")).await;
        let (database_url, postgres) = match database {
            Database::Sqlite => (format!("sqlite:{}", folder.path().join("a b%?/registry.db").display()), None),
            Database::Postgres => {
                let (url, server, name) = make_postgres_database().await;
                (url, Some((server, name)))
            }
        };
        let artifacts_url = match artifacts {
            Artifacts::Local => format!("file://{}", folder.path().join("artifacts").display()),
            Artifacts::S3 => format!("s3://{}/registry/one", ObjectServer::BUCKET),
        };
        let options = Options {
            database_url: Secret::new(database_url),
            connections_max: 10,
            acquire_timeout_seconds: 60,
            statement_seconds_max: 30,
            artifacts_url,
            s3: objects.settings(),
            import_sources: Vec::new(),
            scratch_dir: folder.path().join("scratch"),
            sweep_grace_seconds: 3600,
        };
        let registry = Registry::open(options.clone()).await.unwrap();
        Self { registry, options, folder, database, objects, postgres }
    }

    /// Another server on the same database and store, as after a restart or on another machine.
    pub async fn open_again(&self, change: impl FnOnce(&mut Options)) -> Registry {
        let mut options = self.options.clone();
        change(&mut options);
        Registry::open(options).await.unwrap()
    }

    pub fn artifacts(&self) -> Artifacts {
        if self.options.artifacts_url.starts_with("s3:") { Artifacts::S3 } else { Artifacts::Local }
    }

    /// Runs SQL past the registry. The number in the first row's first column, if it gives rows.
    pub async fn sql(&self, text: &str) -> Option<i64> {
        let url = self.options.database_url.expose();
        match self.database {
            Database::Sqlite => {
                let path = url.strip_prefix("sqlite:").unwrap();
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
                let mut connection = options.connect().await.unwrap();
                let row = connection.fetch_optional(AssertSqlSafe(text.to_owned())).await.unwrap();
                let number = row.map(|row| row.get(0));
                connection.close().await.unwrap();
                number
            }
            Database::Postgres => {
                let mut connection = PgConnection::connect(url).await.unwrap();
                let row = connection.fetch_optional(AssertSqlSafe(text.to_owned())).await.unwrap();
                let number = row.map(|row| row.get(0));
                connection.close().await.unwrap();
                number
            }
        }
    }

    pub async fn count(&self, table: &str) -> i64 {
        self.sql(&format!("select count(*) from {table}")).await.unwrap()
    }

    /// Files that uploads have left in the scratch folder.
    pub fn spool_files(&self) -> Vec<PathBuf> {
        files(&self.options.scratch_dir.join("uploads"))
    }

    /// Artifacts in the store, wherever it is.
    pub fn blobs(&self) -> Vec<PathBuf> {
        let local = self.folder.path().join("artifacts/sha256");
        let remote = self.objects.bucket().join("registry/one/sha256");
        files(&local).into_iter().chain(files(&remote)).collect()
    }

    pub async fn model(&self, name: &str) -> Model {
        self.registry.create_model(&actor("acme"), new_model(name)).await.unwrap()
    }

    pub async fn staged(&self, bytes: &[u8]) -> StagedArtifact {
        let mut upload = self.registry.begin_upload(u64::MAX).await.unwrap();
        upload.write(bytes).await.unwrap();
        upload.finish().await.unwrap()
    }

    pub async fn publish(&self, model: &ModelId, bytes: &[u8]) -> Version {
        let staged = self.staged(bytes).await;
        self.registry.publish(&actor("acme"), model, staged, new_version()).await.unwrap()
    }

    /// A model with `versions` versions.
    pub async fn model_with(&self, name: &str, versions: i64) -> Model {
        let model = self.model(name).await;
        for version in 1..=versions {
            self.publish(&model.id, format!("{name} {version}").as_bytes()).await;
        }
        model
    }
}

async fn make_postgres_database() -> (String, PgConnectOptions, String) {
    let url = std::env::var(POSTGRES_URL).unwrap_or_else(|_| {
        panic!("{POSTGRES_URL} is not set: run the tests with `cargo xtask test`, which starts a PostgreSQL server")
    });
    let server: PgConnectOptions = url.parse().unwrap();
    let name = format!("servoir_test_{}", random_token(NAME_CHARS));
    let mut connection = server.connect().await.unwrap();
    connection.execute(AssertSqlSafe(format!("create database {name}"))).await.unwrap();
    let url = server.clone().database(&name).to_url_lossy().to_string();
    (url, server, name)
}

/// All files below a folder.
pub fn files(folder: &std::path::Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .collect()
}

pub fn actor(organization: &str) -> Actor {
    Actor {
        organization: organization.into(),
        subject: "ada".into(),
        credential: "api-key:k1".into(),
        address: Some("192.0.2.1".into()),
        request_id: "r1".into(),
    }
}

pub fn new_model(name: &str) -> NewModel {
    NewModel {
        name: name.parse().unwrap(),
        description: format!("describes {name}"),
        framework: "onnx".into(),
        source: "manual".into(),
        tags: vec!["b".into(), "a".into(), "b".into()],
        workspace: Some("ws1".into()),
    }
}

pub fn new_version() -> NewVersion {
    let metrics = json!({ "auc": 0.93, "classes": ["no", "yes"] });
    NewVersion {
        description: "first".into(),
        metrics: metrics.as_object().unwrap().clone(),
        format: "onnx".into(),
        signature: None,
    }
}

pub fn spec(version: i64) -> DeploymentSpec {
    DeploymentSpec {
        version,
        hardware: "auto".into(),
        replicas: 1,
        autoscaling: None,
        max_batch_size: None,
        max_queue_delay_ms: 0.5,
        latency_target_ms: Some(10.0),
        tuning: Tuning::default(),
    }
}

pub const ALL: Window = Window { limit: 200, offset: 0 };

pub fn everything() -> ModelFilter {
    ModelFilter {
        search: None,
        framework: None,
        source: None,
        status: None,
        tag: None,
        workspace: None,
        visible_to: None,
        sort: SortField::CreatedAt,
        descending: false,
        window: ALL,
    }
}

/// The stable code of an expected failure.
#[track_caller]
pub fn code<T>(result: Result<T, servoir_registry::RegistryError>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(error) => error.code(),
    }
}
