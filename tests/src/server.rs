//! A whole server inside the test's process, on a port of its own.

use crate::api::Api;
use crate::environment;
use crate::postgres::TestDatabase;
use servoir::app::SharedApp;
use servoir::config::{
    AuthConfig, BatchingConfig, Config, CudaConfig, Limits, LogFormat, ModelsConfig, MonitoringConfig, PreflightConfig,
    StudioConfig, SwapConfig, TlsConfig,
};
use servoir::serve::{Running, start};
use servoir_types::Secret;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// The key that every test server begins with; it carries all scopes.
pub const BOOTSTRAP_KEY: &str = "bootstrap-key-of-the-tests-0123456789";

/// How long an empty server may take to be ready.
const SETTLED_WITHIN: Duration = Duration::from_secs(120);

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// A file in the server's data folder.
    Sqlite,
    /// A database of its own on the tests' PostgreSQL.
    Postgres,
}

/// A running server with everything that it keeps.
pub struct TestServer {
    running: Running,
    /// A client that connects as this server wants it, and where it finds the server.
    client: (reqwest::Client, String),
    data: TempDir,
    database: Option<TestDatabase>,
}

impl TestServer {
    /// Starts a server on SQLite.
    pub async fn start() -> Self {
        Self::start_with(Database::Sqlite, |_| {}).await
    }

    /// Starts a server whose configuration `change` has seen last.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_with(database: Database, change: impl FnOnce(&mut Config)) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        Self::start_for(client, database, change).await
    }

    /// The same for a client with certificates of its own.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_for(client: reqwest::Client, database: Database, change: impl FnOnce(&mut Config)) -> Self {
        let data = TempDir::new().expect("a temporary folder");
        let database = match database {
            Database::Sqlite => None,
            Database::Postgres => Some(TestDatabase::create().await),
        };
        let mut config = config(data.path());
        if let Some(database) = &database {
            config.database_url = Secret::new(database.url());
        }
        change(&mut config);
        let scheme = if config.tls.certificate.is_some() { "https" } else { "http" };
        let running = start(config).await.expect("the server starts");
        let url = format!("{scheme}://{}", running.addresses[0]);
        let server = Self { running, client: (client, url), data, database };
        server.settled().await;
        server
    }

    /// Waits until the server has read what should run and everything is settled, as a load balancer would.
    async fn settled(&self) {
        let api = self.api();
        let asking = async { while api.get("/readyz").await.status != 200 {} };
        tokio::time::timeout(SETTLED_WITHIN, asking).await.expect("the server becomes ready");
    }

    /// `http://127.0.0.1:PORT`, or `https://`.
    pub fn url(&self) -> String {
        self.client.1.clone()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.running.addresses[0]
    }

    /// A client of the listener for management, when there is one, with the bootstrap key.
    pub fn admin_api(&self) -> Option<Api> {
        self.running.admin_address.map(|address| Api::new(format!("http://{address}"), Some(BOOTSTRAP_KEY)))
    }

    /// A client with the bootstrap key.
    pub fn api(&self) -> Api {
        let (client, url) = &self.client;
        Api::over(client.clone(), url, Some(BOOTSTRAP_KEY))
    }

    /// Runs SQL past the server, which is on SQLite.
    ///
    /// # Panics
    /// When the database refuses it.
    pub async fn sql(&self, text: impl Into<String>) {
        let file = SqliteConnectOptions::new().filename(self.data_dir().join("servoir.db"));
        let mut connection = file.connect().await.expect("the server's database");
        connection.execute(AssertSqlSafe(text.into())).await.expect("SQL");
        connection.close().await.expect("the connection ends");
    }

    /// The parts of the server, to be driven past its interfaces: such as with times of the test's own.
    pub fn app(&self) -> &SharedApp {
        self.running.app()
    }

    /// The data folder.
    pub fn data_dir(&self) -> &Path {
        self.data.path()
    }

    /// Stops the server and removes what it kept.
    pub async fn stop(self) {
        self.running.stop().await;
        if let Some(database) = self.database {
            database.drop().await;
        }
    }
}

/// How long servers of tests wait for their database: a disk that many use may stand still for a while.
pub const DATABASE_WAIT_SECONDS: u64 = 120;

/// A configuration for tests: a free port, everything in `data_dir`.
pub fn config(data_dir: &Path) -> Config {
    Config {
        listen: vec!["127.0.0.1:0".parse().expect("an address")],
        admin_listen: None,
        tls: TlsConfig::default(),
        trusted_proxies: Vec::new(),
        drain_seconds: 10,
        shutdown_delay_seconds: 0,
        compress_bytes_min: 1024,
        data_dir: data_dir.to_owned(),
        database_url: Secret::new(format!("sqlite:{}", data_dir.join("servoir.db").display())),
        database_connections_max: 8,
        database_wait_seconds: DATABASE_WAIT_SECONDS,
        database_statement_seconds_max: 30,
        artifacts_url: format!("file://{}", data_dir.join("artifacts").display()),
        s3: Vec::new(),
        import_sources: Vec::new(),
        models: ModelsConfig { idle_seconds: 300, ..ModelsConfig::default() },
        onnxruntime: Some(environment::onnxruntime()),
        engine_threads: 1,
        profile_seconds: 0,
        preflight: PreflightConfig {
            enabled: true,
            seconds: 60,
            memory_bytes: 2 << 30,
            worker: Some(environment::binary()),
        },
        auth: AuthConfig {
            off: false,
            jwt_hs256_secret: None,
            jwks_url: None,
            jwks_file: None,
            jwt_issuer: None,
            jwt_audience: None,
            jwt_organization_claim: "org".to_owned(),
            bootstrap_key: Some(Secret::new(BOOTSTRAP_KEY)),
        },
        cors_allowed_origins: Vec::new(),
        limits: Limits {
            predict_body_bytes_max: 4 << 20,
            management_body_bytes_max: 1 << 20,
            artifact_bytes_max: 64 << 20,
            dataset_bytes_max: 64 << 20,
            connections_max: 1000,
            requests_in_flight_max: 1000,
            bodies_bytes_max: 1 << 30,
            caller_requests_per_second_max: 0,
            header_read_seconds: 10,
            body_idle_seconds: 10,
            predict_seconds_max: 30,
        },
        cuda: CudaConfig {
            enabled: false,
            libraries: Vec::new(),
            batch_rows_max: 1024,
            arena_bytes_max: 0,
            tf32: false,
            cpu_nodes: true,
        },
        batching: BatchingConfig {
            batch_rows_max: 64,
            inline_cost_max: Duration::ZERO,
            check_one_in: 0,
            queue_rows_max: 10_000,
            queue_bytes_max: 256 << 20,
        },
        swap: SwapConfig {
            watch_seconds: 0,
            false_alarms_one_in: 1000,
            slower_percent_max: 100,
            requests_max: 0,
            requests_bytes_max: 16 << 20,
            labels_differ_percent_max: 100,
            scores_differ_percent_max: 200,
            requests_slower_percent_max: 0,
            watch_divergence: true,
        },
        studio: StudioConfig {
            runs_max: 1,
            threads: 1,
            memory_bytes_max: 1 << 30,
            nice: 0,
            runner: Vec::new(),
            runner_cpu_seconds_max: 60,
            worker: Some(environment::binary()),
        },
        monitoring: MonitoringConfig { retention_days: 35, flush_seconds: 10, webhooks_private_allowed: false },
        metrics_public: false,
        log_level: "warn".to_owned(),
        log_format: LogFormat::Auto,
    }
}
