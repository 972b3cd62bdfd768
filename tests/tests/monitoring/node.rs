//! A server whose database the tests look into, and the baselines that they put there.

use servoir::config::Config;
use servoir::monitoring::buckets::Window;
use servoir::serve::{Running, start};
use servoir_monitor::Baseline;
use servoir_registry::BucketRow;
use servoir_tests::api::Api;
use servoir_tests::server::{BOOTSTRAP_KEY, config};
use servoir_types::{ModelId, Timestamp};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Connection as _, Row as _};
use std::path::Path;
use std::time::Duration;

/// How long what happens in the background may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server in this process.
pub struct Node {
    running: Running,
    pub api: Api,
    pub database: String,
}

impl Node {
    /// Starts a server on what is kept in `data_dir`, and waits until everything that should be live is.
    pub async fn start(data_dir: &Path, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config(data_dir);
        change(&mut config);
        let database = config.database_url.expose().to_owned();
        let running = start(config).await.expect("the server starts");
        let api = Api::new(format!("http://{}", running.addresses[0]), Some(BOOTSTRAP_KEY));
        eventually("ready", async || api.get("/readyz").await.status == 200).await;
        Self { running, api, database }
    }

    /// Registers a model with a baseline for its version 1, and makes that live; its id.
    pub async fn serve(&self, name: &str, artifact: Vec<u8>, baseline: Option<&Baseline>) -> String {
        let model = self.api.create_model(name).await;
        self.api.upload(&model, artifact).await.expect(201);
        if let Some(baseline) = baseline {
            put_baseline(&self.database, &model, "baseline_first", baseline).await;
        }
        self.api.deploy(&model, serde_json::json!({})).await.expect(200);
        model
    }

    /// Stops it, as a signal would.
    pub async fn stop(self) {
        self.running.stop().await;
    }
}

/// Asks again until it holds.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"));
}

async fn connect(database: &str) -> AnyConnection {
    sqlx::any::install_default_drivers();
    AnyConnection::connect(database).await.expect("the server's database")
}

/// Makes a baseline the active one of a model's version 1, past the server.
pub async fn put_baseline(database: &str, model: &str, id: &str, baseline: &Baseline) {
    let mut connection = connect(database).await;
    let mut change = connection.begin().await.expect("a transaction");
    sqlx::query("update baselines set active = 0 where model = $1")
        .bind(model)
        .execute(&mut *change)
        .await
        .expect("SQL");
    sqlx::query(
        "insert into baselines (id, model, version, source, row_count, body, active, created_by, created_at) \
         values ($1, $2, 1, 'upload', $3, $4, 1, 'a test', 0)",
    )
    .bind(id)
    .bind(model)
    .bind(i64::try_from(baseline.rows).unwrap())
    .bind(String::from_utf8(baseline.to_json()).unwrap())
    .execute(&mut *change)
    .await
    .expect("SQL");
    change.commit().await.expect("a commit");
}

/// Says how a model is monitored, past the server.
pub async fn put_settings(database: &str, model: &str, settings: &serde_json::Value) {
    sqlx::query(
        "insert into monitoring_settings (model, body, revision, updated_by, updated_at) values ($1, $2, 1, 'a test', 0) \
         on conflict (model) do update set body = excluded.body, revision = monitoring_settings.revision + 1",
    )
    .bind(model)
    .bind(settings.to_string())
    .execute(&mut connect(database).await)
    .await
    .expect("SQL");
}

/// Everything that is kept of a model's counts.
pub async fn buckets(database: &str, model: &str) -> Vec<BucketRow> {
    let rows =
        sqlx::query("select * from monitoring_buckets where model = $1 order by start, node, baseline").bind(model);
    let rows = rows.fetch_all(&mut connect(database).await).await.expect("SQL");
    let bucket = |row: &AnyRow| BucketRow {
        model: ModelId::from_text(model),
        version: row.get("version"),
        baseline: row.get("baseline"),
        start: Timestamp::from_millis(row.get("start")),
        node: row.get("node"),
        counted_rows: row.get("counted_rows"),
        service: row.get("service"),
        counts: row.get("counts"),
    };
    rows.iter().map(bucket).collect()
}

/// The same added up.
pub async fn window(database: &str, model: &str) -> Window {
    Window::sum(&buckets(database, model).await).expect("buckets can be read")
}

/// Numbers of one column, past the server.
pub async fn numbers(database: &str, query: &'static str) -> Vec<i64> {
    sqlx::query_scalar(query).fetch_all(&mut connect(database).await).await.expect("SQL")
}

/// The texts of one column, past the server.
pub async fn texts(database: &str, query: &'static str) -> Vec<String> {
    sqlx::query_scalar(query).fetch_all(&mut connect(database).await).await.expect("SQL")
}

/// Runs SQL past the server.
pub async fn sql(database: &str, text: &'static str) {
    sqlx::query(text).execute(&mut connect(database).await).await.expect("SQL");
}
