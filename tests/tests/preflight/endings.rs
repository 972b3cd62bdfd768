//! How a child may end, and what becomes of the version and of what is live.

use crate::worker::Worker;
use crate::{tried, version};
use serde_json::{Value, json};
use servoir_tests::api::{Api, REGISTRY};
use servoir_tests::fixture::Fixture;
use servoir_tests::server::{Database, TestServer, config};
use tempfile::TempDir;

fn body() -> Value {
    json!({"instances": [Fixture::rows(&Fixture::read("xgb_binary").cases[0])[0]]})
}

async fn answering(api: &Api, model: &str) -> Value {
    api.post(&format!("/v1/predict/{model}"), body()).await.expect(200).json["version"].take()
}

async fn start(worker: &Worker) -> TestServer {
    let program = worker.program();
    TestServer::start_with(Database::Sqlite, |config| config.preflight.worker = Some(program)).await
}

#[tokio::test]
async fn a_file_that_crashes_its_child_is_rejected_for_good() {
    let worker = Worker::new();
    let server = start(&worker).await;
    let api = server.api();
    let model = api.serve("churn", Fixture::read("xgb_binary").model).await;
    api.upload(&model, Fixture::read("xgb_binary_v2").model).await.expect(201);
    worker.does("echo overflowed its stack >&2; kill -SEGV $$");
    let refused = api.deploy(&model, json!({"version": 2})).await.expect(422);
    assert_eq!(refused.code(), "version-rejected");
    let detail = refused.json["detail"].as_str().expect("a detail").to_owned();
    assert!(detail.starts_with("crashed: ") && detail.contains("SIGSEGV: overflowed its stack"), "{detail}");

    let shown = version(&api, &model, 2).await;
    assert_eq!((&shown["state"], &shown["reason"]), (&json!("rejected"), &json!(detail)));
    assert_eq!(answering(&api, &model).await, 1, "what was live is");
    let audit = api.get("/api/v1/audit-logs?action=model.version_rejected").await.expect(200).json;
    assert_eq!(audit["results"][0]["target"], json!(model));
    assert_eq!(audit["results"][0]["after"], json!({"version": 2, "state": "rejected", "reason": detail}));

    // For good: no child is started again, and the newest version that is ready is another.
    worker.does("real \"$job\"");
    let again = api.deploy(&model, json!({"version": 2})).await.expect(422);
    assert!(again.code() == "version-rejected" && again.text.contains("SIGSEGV"), "{}", again.text);
    assert_eq!(tried(&api, "crashed").await, 1);
    let deployed = api.deploy(&model, json!({})).await.expect(200).json;
    assert_eq!(deployed["deployment"]["version"], 1);
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_the_files_fault_is_tried_again() {
    let worker = Worker::new();
    let server = start(&worker).await;
    let api = server.api();
    let model = api.create_model("churn").await;
    api.upload(&model, Fixture::read("xgb_binary").model).await.expect(201);
    for (does, words) in [
        ("kill -KILL $$", "crashed: "),
        ("kill -TERM $$", "SIGTERM"),
        ("exit 7", "exit status: 7"),
        ("echo '{\"outcome\":\"fine\"}'", "its verdict cannot be read"),
        ("exec /nonexistent/container", "no verdict"),
        ("head -c 1000000 /dev/zero", "longer than"),
    ] {
        worker.does(does);
        let refused = api.deploy(&model, json!({})).await.expect(503);
        assert_eq!(refused.code(), "preflight-unavailable", "{does}");
        assert_eq!(refused.header("retry-after"), "5");
        assert!(refused.text.contains(words), "{does}: {}", refused.text);
        assert_eq!(version(&api, &model, 1).await["state"], "ready", "{does}");
    }
    worker.does("real \"$job\"");
    api.deploy(&model, json!({})).await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn a_child_gets_no_secret_and_no_descriptor() {
    let worker = Worker::new();
    let seen = TempDir::new().expect("a temporary folder");
    let (names, open) = (seen.path().join("names"), seen.path().join("open"));
    worker.does(&format!(
        "env | cut -d= -f1 > {}\nfor fd in /proc/$$/fd/*; do readlink $fd; done > {}\nreal \"$job\"",
        names.display(),
        open.display()
    ));
    let server = start(&worker).await;
    server.api().serve("churn", Fixture::read("xgb_binary").model).await;
    let names = std::fs::read_to_string(names).expect("names");
    let known = ["LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PWD", "OLDPWD", "SHLVL", "_"];
    let is_known = |name: &str| known.contains(&name) || name.starts_with("MIMALLOC_") || name.starts_with("MALLOC_");
    let others: Vec<&str> = names.lines().filter(|name| !is_known(name)).collect();
    assert!(others.is_empty() && names.contains("MIMALLOC"), "{others:?}");
    let open = std::fs::read_to_string(open).expect("targets");
    for target in open.lines() {
        assert!(!target.contains("socket:") && !target.contains("servoir.db"), "{open}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_file_that_is_known_to_be_safe_is_not_tried_again() {
    let server = TestServer::start().await;
    let api = server.api();
    let artifact = Fixture::read("xgb_binary").model;
    let model = api.serve("churn", artifact.clone()).await;
    api.upload(&model, Fixture::read("xgb_binary_v2").model).await.expect(201);
    api.deploy(&model, json!({"version": 2})).await.expect(200);
    assert_eq!(tried(&api, "safe").await, 2);
    for version in [1, 2, 1] {
        api.deploy(&model, json!({"version": version})).await.expect(200);
    }
    api.post(&format!("{REGISTRY}/models/{model}/rollback"), json!({})).await.expect(200);
    api.serve("the same file", artifact).await;
    assert_eq!(tried(&api, "safe").await, 2);
    let metrics = api.get("/metrics").await.expect(200).text;
    assert!(metrics.contains("servoir_preflight_duration_seconds_count 2\n"), "{metrics}");
    server.stop().await;
}

#[tokio::test]
async fn an_engine_that_somebody_named_condemns_no_version() {
    let server = TestServer::start().await;
    let api = server.api();
    let model = api.create_model("network").await;
    api.upload(&model, Fixture::read("smallconv").model).await.expect(201);
    let refused = api.deploy(&model, json!({"tuning": {"engine": "trees"}})).await.expect(422);
    assert_eq!(refused.code(), "version-rejected");
    assert_eq!(version(&api, &model, 1).await["state"], "ready");
    api.deploy(&model, json!({})).await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn a_version_that_was_live_before_a_restart_is_not_rejected_after_it() {
    let (worker, data) = (Worker::new(), TempDir::new().expect("a temporary folder"));
    let mut settings = config(data.path());
    settings.preflight.worker = Some(worker.program());
    let running = servoir::serve::start(settings.clone()).await.expect("the server starts");
    let api = |running: &servoir::serve::Running| {
        Api::new(format!("http://{}", running.addresses[0]), Some(servoir_tests::server::BOOTSTRAP_KEY))
    };
    let model = api(&running).serve("churn", Fixture::read("xgb_binary").model).await;
    running.stop().await;

    // Under another limit it is tried again.
    worker.does("kill -SEGV $$");
    settings.preflight.seconds += 1;
    let running = servoir::serve::start(settings).await.expect("the server starts");
    let api = api(&running);
    while api.get("/readyz").await.status != 200 {}
    let checks = api.get("/readyz?verbose").await.expect(200).text;
    assert!(checks.contains("failed: crashed: ") && checks.contains("SIGSEGV"), "{checks}");
    assert_eq!(version(&api, &model, 1).await["state"], "ready", "what has run before is this node's matter");
    running.stop().await;
}
