//! Deployments that sleep while nobody asks them anything.

use crate::world::{ask, deployment, series, versions};
use futures_util::future::join_all;
use serde_json::{Value, json};
use servoir::reconcile::Looks;
use servoir_tests::api::{Api, REGISTRY};
use servoir_tests::fixture::Fixture;
use servoir_tests::matrix;
use servoir_tests::server::{Database, TestServer};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(30);
/// How long nobody asks before it sleeps.
const IDLE: Duration = Duration::from_secs(60);

async fn server() -> TestServer {
    TestServer::start_with(Database::Sqlite, |config| config.models.idle_seconds = IDLE.as_secs()).await
}

/// A deployment of a version that may sleep.
fn may_sleep(version: u64) -> Value {
    json!({"version": version, "autoscaling": {"enabled": true, "minReplicas": 0, "maxReplicas": 2}})
}

/// A model that may sleep, of one version.
async fn sleeper(api: &Api, name: &str, file: Vec<u8>) -> String {
    let model = api.create_model(name).await;
    api.upload(&model, file).await.expect(201);
    let deployed = api.deploy(&model, may_sleep(1)).await.expect(200);
    assert_eq!(deployed.json["deployment"]["autoscaling"]["minReplicas"], 0, "{}", deployed.text);
    model
}

/// What is seen of the deployments in a time of the test's own.
struct Clock {
    looks: Looks,
    now: Instant,
}

impl Clock {
    fn new() -> Self {
        Self { looks: Looks::default(), now: Instant::now() }
    }

    /// Lets so much time pass in which nobody asks anything.
    async fn passes(&mut self, server: &TestServer, time: Duration) {
        self.looks.look(server.app(), self.now).await;
        self.now += time;
        self.looks.look(server.app(), self.now).await;
    }
}

async fn state(api: &Api, model: &str) -> (Value, Value) {
    let status = api.get(&format!("{REGISTRY}/models/{model}/status")).await.expect(200).json;
    (status["state"].clone(), status["instances"].clone())
}

/// Waits until the instances have ended.
async fn idle(api: &Api, model: &str) {
    let ends = async { while state(api, model).await != (json!("idle"), json!(0)) {} };
    tokio::time::timeout(PATIENCE, ends).await.expect("the instances end");
}

#[tokio::test]
async fn what_nobody_asks_sleeps_and_is_woken_once_by_many() {
    let server = server().await;
    let api = server.api();
    let file = Fixture::read("xgb_binary");
    let row = json!(Fixture::rows(&file.cases[0])[0]);
    let model = sleeper(&api, "m", file.model).await;
    let before = ask(&api, &model, &row).await.expect(200).json["probabilities"].clone();
    let mut clock = Clock::new();
    clock.passes(&server, IDLE - Duration::from_secs(1)).await;
    assert_eq!(state(&api, &model).await.0, "ready");
    // A request begins the time anew.
    ask(&api, &model, &row).await.expect(200);
    clock.passes(&server, Duration::from_secs(2)).await;
    assert_eq!(state(&api, &model).await.0, "ready");
    clock.passes(&server, IDLE).await;
    idle(&api, &model).await;
    assert_eq!(deployment(&api, &model).await["state"], "idle");
    api.get("/readyz").await.expect(200);
    api.get("/v2/models/m/ready").await.expect(200);
    api.get("/v2/models/m").await.expect(200);
    let takes = format!("servoir_model_memory_bytes{{model=\"m\",model_id=\"{model}\",version=\"1\"}}");
    assert_eq!(series(&api, &takes).await, Some(0.0));

    let answers = join_all((0..16).map(|_| ask(&api, &model, &row))).await;
    for answer in answers {
        assert_eq!(answer.expect(200).json["probabilities"], before);
    }
    assert_eq!(state(&api, &model).await, (json!("ready"), json!(1)));
    assert!(series(&api, &takes).await > Some(0.0));
    server.stop().await;
}

#[tokio::test]
async fn a_model_that_sleeps_gives_its_memory_back() {
    let server = server().await;
    let api = server.api();
    let side = 3072;
    let model = sleeper(&api, "matrix", matrix::onnx(side)).await;
    let weights = (side * side * size_of::<f32>()) as f64;
    let row = json!(vec![0.5; side]);
    let resident = async || series(&api, "process_resident_memory_bytes").await.expect("a series");
    ask(&api, &model, &row).await.expect(200);
    let awake = resident().await;
    let mut clock = Clock::new();
    clock.passes(&server, IDLE).await;
    idle(&api, &model).await;
    let given_back = async { while awake - resident().await < 0.9 * weights {} };
    let in_time = tokio::time::timeout(PATIENCE, given_back).await;
    assert!(in_time.is_ok(), "{awake} bytes awake, {} asleep, {weights} of weights", resident().await);
    let answer = ask(&api, &model, &row).await.expect(200).json;
    assert_eq!(answer["predictions"][0][0], 0.5);
    server.stop().await;
}

#[tokio::test]
async fn a_model_that_sleeps_is_swapped_rolled_back_and_taken_down() {
    let server = TestServer::start_with(Database::Sqlite, |config| {
        (config.models.idle_seconds, config.swap.requests_max) = (60, 4)
    })
    .await;
    let api = server.api();
    let model = versions(&api, "m", &["slow", "fails_on_negative"]).await;
    api.deploy(&model, may_sleep(1)).await.expect(200);
    ask(&api, &model, &json!([-1.0])).await.expect(200);
    let mut clock = Clock::new();
    clock.passes(&server, IDLE).await;
    idle(&api, &model).await;
    // What it was asked before it slept is asked of the next.
    let refused = api.deploy(&model, may_sleep(2)).await.expect(409);
    assert_eq!(refused.json["errors"][0]["pointer"], "/requests", "{}", refused.text);
    clock.passes(&server, IDLE).await;
    idle(&api, &model).await;
    let forced =
        json!({"version": 2, "force": true, "autoscaling": {"enabled": true, "minReplicas": 0, "maxReplicas": 1}});
    api.deploy(&model, forced).await.expect(200);
    assert_eq!(ask(&api, &model, &json!([1.0])).await.expect(200).json["version"], 2);
    clock.passes(&server, IDLE).await;
    idle(&api, &model).await;
    // The way back sleeps too, and is woken when it is live.
    api.post(&format!("{REGISTRY}/models/{model}/rollback"), json!({})).await.expect(200);
    assert_eq!(state(&api, &model).await.0, "idle");
    assert_eq!(ask(&api, &model, &json!([-1.0])).await.expect(200).json["version"], 1);
    clock.passes(&server, IDLE).await;
    idle(&api, &model).await;
    api.post(&format!("{REGISTRY}/models/{model}/undeploy"), json!({})).await.expect(200);
    ask(&api, &model, &json!([1.0])).await.expect(404);
    server.stop().await;
}

#[tokio::test]
async fn why_a_model_cannot_be_woken_is_answered_and_it_is_tried_again() {
    let server = server().await;
    let api = server.api();
    let file = Fixture::read("xgb_binary");
    let row = json!(Fixture::rows(&file.cases[0])[0]);
    let model = sleeper(&api, "m", file.model).await;
    let mut clock = Clock::new();
    clock.passes(&server, IDLE).await;
    idle(&api, &model).await;
    let (artifacts, away) = (server.data_dir().join("artifacts"), server.data_dir().join("away"));
    std::fs::rename(&artifacts, &away).expect("the store goes");
    let refused = ask(&api, &model, &row).await.expect(503);
    assert_eq!(refused.code(), "model-not-loaded", "{}", refused.text);
    let seconds = refused.header("retry-after").parse::<u64>().expect("a time");
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert!(refused.text.contains("asleep and could not be loaded"), "{}", refused.text);
    std::fs::rename(&away, &artifacts).expect("the store is back");
    let woken = async { while ask(&api, &model, &row).await.status != 200 {} };
    tokio::time::timeout(PATIENCE, woken).await.expect("the next try succeeds");
    server.stop().await;
}
