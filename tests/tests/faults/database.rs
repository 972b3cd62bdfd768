//! The database goes away and comes back.

use crate::gate::Gate;
use crate::world::{AllAlong, DATABASE_WAIT, eventually, model, other_model, question, refused};
use serde_json::json;
use servoir::config::Config;
use servoir::serve::{Running, start};
use servoir_tests::api::{Answer, Api, REGISTRY};
use servoir_tests::postgres::TestDatabase;
use servoir_tests::process::ServerProcess;
use servoir_tests::server::{BOOTSTRAP_KEY, config};
use servoir_types::Secret;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use std::ffi::OsStr;
use std::time::Duration;
use tempfile::TempDir;

const AWAY: (&str, &str) = ("database-unavailable", "the registry's database is away or busy");

/// What goes on beside requests has 15 s to end; then what waits to be written is tried once, and given up after 5 s each.
const STOPPED_WITHIN: Duration = Duration::from_secs(45);

/// Asks again, as who is told to, while the database is away or busy: who has waited for it before goes first, and a disk that many
/// use may take its time.
async fn in_the_end(ask: impl AsyncFn() -> Answer) -> Answer {
    let mut answer = ask().await;
    eventually("the database is there again", async || {
        if answer.status == 503 {
            assert_eq!(answer.code(), AWAY.0, "{}", answer.text);
            answer = ask().await;
        }
        answer.status != 503
    })
    .await;
    answer
}

/// Everything works: what is written can be read, and a version goes live.
async fn all_is_well(api: &Api, model: &str) {
    let create =
        async || api.post(&format!("{REGISTRY}/models"), json!({"name": "afterwards", "framework": "onnx"})).await;
    in_the_end(create).await.expect(201);
    let uploaded = in_the_end(async || api.upload(model, other_model()).await).await.expect(201);
    let deploy = async || api.deploy(model, json!({"version": uploaded.json["version"]})).await;
    in_the_end(deploy).await.expect(200);
    let answer = api.post(&format!("/v1/predict/{model}"), question()).await.expect(200);
    assert_eq!(answer.json["version"], uploaded.json["version"]);
    let shown = async || api.get(&format!("{REGISTRY}/models/{model}")).await;
    let deployed = in_the_end(shown).await.expect(200);
    assert_eq!(deployed.json["deployment"]["version"], uploaded.json["version"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_that_another_process_holds_refuses_writes_and_nothing_else() {
    let data = TempDir::new().expect("a temporary folder");
    let wait = DATABASE_WAIT.as_secs().to_string();
    let settings = [("SERVOIR_STORAGE__DATABASE_WAIT_SECONDS", OsStr::new(&wait))];
    let server = ServerProcess::start_with(data.path(), &settings).await;
    let api = server.api();
    let model = api.serve("churn", model()).await;
    let load = AllAlong::ask(&api, &model);
    let file = SqliteConnectOptions::new().filename(data.path().join("servoir.db"));
    let mut other = file.connect().await.expect("the server's database");
    other.execute("begin immediate").await.expect("nobody else writes");
    let models = format!("{REGISTRY}/models");
    let create = |name| api.post(&models, json!({"name": name, "framework": "onnx"}));
    // Two at once: the second waits for the first as well.
    tokio::join!(refused("create", create("one"), AWAY), refused("create", create("two"), AWAY));
    refused("upload", api.upload(&model, other_model()), AWAY).await;
    // Readers go on beside a writer.
    api.get(&format!("{REGISTRY}/models/{model}")).await.expect(200);
    api.get("/readyz").await.expect(200);
    other.execute("rollback").await.expect("the lock ends");
    other.close().await.expect("the connection ends");
    all_is_well(&api, &model).await;
    load.was_well().await;
    assert!(server.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sqlite_file_that_is_moved_away_is_not_written_to() {
    let data = TempDir::new().expect("a temporary folder");
    let server = ServerProcess::start(data.path()).await;
    let api = server.api();
    let model = api.serve("churn", model()).await;
    let load = AllAlong::ask(&api, &model);
    let away = data.path().with_extension("away");
    std::fs::rename(data.path(), &away).expect("moved");
    let models = format!("{REGISTRY}/models");
    let create = || api.post(&models, json!({"name": "lost", "framework": "onnx"}));
    refused("create", create(), AWAY).await;
    // An empty folder in its place, as where something is mounted, is no better, and gets no database.
    std::fs::create_dir(data.path()).expect("a folder");
    refused("create", create(), AWAY).await;
    assert_eq!(std::fs::read_dir(data.path()).expect("the folder").count(), 0);
    api.get("/readyz").await.expect(200);
    std::fs::remove_dir(data.path()).expect("empty");
    std::fs::rename(&away, data.path()).expect("moved back");
    create().await.expect(201);
    all_is_well(&api, &model).await;
    load.was_well().await;
    assert!(server.terminate().await.success());
}

/// A server with a model that is live, and its database, which it reaches only through a gate.
struct BehindAGate {
    database: TestDatabase,
    gate: Gate,
    running: Running,
    api: Api,
    model: String,
}

impl BehindAGate {
    async fn start(data: &TempDir) -> Self {
        Self::start_with(data, |_| {}).await
    }

    async fn start_with(data: &TempDir, change: impl FnOnce(&mut Config)) -> Self {
        let database = TestDatabase::create().await;
        let direct: PgConnectOptions = database.url().parse().expect("a URL");
        let place = (direct.get_host().to_owned(), direct.get_port());
        let place = tokio::net::lookup_host(place).await.ok().and_then(|mut found| found.next()).expect("its address");
        let gate = Gate::open_to(place).await;
        let url = direct.host("127.0.0.1").port(gate.port).to_url_lossy().to_string();
        let wait = DATABASE_WAIT.as_secs();
        let mut config = Config { database_url: Secret::new(url), database_wait_seconds: wait, ..config(data.path()) };
        change(&mut config);
        let running = start(config).await.expect("the server starts");
        let api = Api::new(format!("http://{}", running.addresses[0]), Some(BOOTSTRAP_KEY));
        eventually("ready", async || api.get("/readyz").await.status == 200).await;
        let model = api.serve("churn", model()).await;
        Self { database, gate, running, api, model }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_whose_database_is_away_stops_all_the_same() {
    let data = TempDir::new().expect("a temporary folder");
    let BehindAGate { database, mut gate, running, api, model } = BehindAGate::start(&data).await;
    gate.shut().await;
    api.post(&format!("/v1/predict/{model}"), question()).await.expect(200);
    tokio::time::timeout(STOPPED_WITHIN, running.stop()).await.expect("nothing waits for the database for ever");
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_that_stops_and_starts_again() {
    let data = TempDir::new().expect("a temporary folder");
    let BehindAGate { database, mut gate, running, api, model } = BehindAGate::start(&data).await;
    let load = AllAlong::ask(&api, &model);

    gate.shut().await;
    let models = format!("{REGISTRY}/models");
    let (show, audit) = (format!("{models}/{model}"), format!("/api/v1/models/{model}/audit-logs"));
    tokio::join!(
        refused("list", api.get(&models), AWAY),
        refused("show", api.get(&show), AWAY),
        refused("create", api.post(&models, json!({"name": "lost", "framework": "onnx"})), AWAY),
        refused("upload", api.upload(&model, other_model()), AWAY),
        refused("deploy", api.deploy(&model, json!({"version": 1})), AWAY),
        refused("audit", api.get(&audit), AWAY),
    );
    api.get("/readyz").await.expect(200);
    api.get("/metrics").await.expect(200);
    // What is counted of the traffic and what names whom it is about waits.
    let app = running.app();
    let body = json!({"instances": question()["instances"], "entityId": "ada"});
    api.post(&format!("/v1/predict/{model}"), body).await.expect(200);
    assert!(app.monitoring.flush().await.is_err(), "the database is away");
    assert!(app.entities.flush().await.is_err(), "the database is away");

    gate.open();
    all_is_well(&api, &model).await;
    load.was_well().await;
    app.monitoring.flush().await.expect("the counts are written");
    app.entities.flush().await.expect("the predictions are written");
    let mut connection =
        database.url().parse::<PgConnectOptions>().expect("a URL").connect().await.expect("PostgreSQL");
    let kept: i64 = sqlx::query_scalar("select count(*) from predictions where entity = 'ada'")
        .fetch_one(&mut connection)
        .await
        .expect("a count");
    assert_eq!(kept, 1, "the prediction that was made while the database was away");
    connection.close().await.expect("the connection ends");
    running.stop().await;
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_that_falls_silent_amid_a_statement_and_speaks_again() {
    let data = TempDir::new().expect("a temporary folder");
    // Two seconds more is what is waited for.
    let change = |config: &mut Config| config.database_statement_seconds_max = 5;
    let BehindAGate { database, gate, running, api, model } = BehindAGate::start_with(&data, change).await;
    let load = AllAlong::ask(&api, &model);
    let direct: PgConnectOptions = database.url().parse().expect("a URL");
    let (mut other, mut watcher) =
        (direct.connect().await.expect("PostgreSQL"), direct.connect().await.expect("PostgreSQL"));
    let models = format!("{REGISTRY}/models");
    // A statement is held up, so that the silence begins amid it.
    other.execute("begin; lock table models in access exclusive mode").await.expect("a lock");
    let silence = async {
        let waits =
            "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()";
        while sqlx::query_scalar::<_, i64>(waits).fetch_one(&mut watcher).await.expect("a count") == 0 {}
        gate.fall_silent();
        other.execute("rollback").await.expect("the lock ends");
        refused("list", api.get(&models), AWAY).await;
        api.get("/readyz").await.expect(200);
    };
    let create = api.post(&models, json!({"name": "lost", "framework": "onnx"}));
    tokio::join!(refused("create", create, AWAY), silence);
    gate.speak();
    eventually("the database answers", async || running.app().registry.ping_database().await.is_ok()).await;
    all_is_well(&api, &model).await;
    load.was_well().await;
    other.close().await.expect("the connection ends");
    watcher.close().await.expect("the connection ends");
    running.stop().await;
    database.drop().await;
}
