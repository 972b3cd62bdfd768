//! The artifact store goes away and comes back.

use crate::gate::Gate;
use crate::object_server::ObjectServer;
use crate::world::{AllAlong, eventually, files_below, model, other_model, question, refused};
use serde_json::json;
use servoir::config::Config;
use servoir::serve::start;
use servoir_tests::api::{Api, REGISTRY};
use servoir_tests::process::ServerProcess;
use servoir_tests::server::{BOOTSTRAP_KEY, config};
use servoir_types::Secret;
use std::path::Path;
use tempfile::TempDir;

const AWAY: (&str, &str) = ("store-unavailable", "the artifact store is away");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_local_folder_that_is_away() {
    let data = TempDir::new().expect("a temporary folder");
    let server = ServerProcess::start(data.path()).await;
    let api = server.api();
    let model = api.serve("churn", model()).await;
    api.upload(&model, other_model()).await.expect(201);
    let load = AllAlong::ask(&api, &model);
    let (store, away) = (data.path().join("artifacts"), data.path().join("artifacts.away"));
    std::fs::rename(&store, &away).expect("moved");
    let artifact = format!("{REGISTRY}/models/{model}/versions/2/artifact");
    for mounted in [false, true] {
        if mounted {
            // What is mounted there is away, and what it was mounted on is there.
            std::fs::create_dir(&store).expect("a folder");
        }
        refused("deploy", api.deploy(&model, json!({"version": 2})), AWAY).await;
        refused("upload", api.upload(&model, other_model()), AWAY).await;
        refused("download", api.get(&artifact), AWAY).await;
        api.get("/readyz").await.expect(200);
        assert_eq!(files_below(&store) + files_below(&data.path().join("scratch").join("uploads")), 0);
    }
    std::fs::remove_dir(&store).expect("nothing was made in it");
    std::fs::rename(&away, &store).expect("moved back");
    let versions = api.get(&format!("{REGISTRY}/models/{model}/versions")).await.expect(200);
    assert_eq!(versions.json["count"], 2, "no version came of an upload that was refused");
    api.get(&artifact).await.expect(200);
    api.deploy(&model, json!({"version": 2})).await.expect(200);
    load.was_well().await;
    assert!(server.terminate().await.success());
}

/// A server whose store is behind a gate.
fn behind(gate: &Gate, objects: &ObjectServer, data: &Path) -> Config {
    let mut config = config(data);
    config.artifacts_url = format!("s3://{}/servoir", ObjectServer::BUCKET);
    config.s3 = objects.settings();
    let endpoint = config.s3.iter_mut().find(|(name, _)| name == "aws_endpoint").expect("an endpoint");
    endpoint.1 = Secret::new(format!("http://127.0.0.1:{}", gate.port));
    config
}

/// Where an object server is.
fn address(objects: &ObjectServer) -> std::net::SocketAddr {
    let settings = objects.settings();
    let (_, endpoint) = settings.iter().find(|(name, _)| name == "aws_endpoint").expect("an endpoint");
    endpoint.expose().trim_start_matches("http://").parse().expect("an address")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_s3_store_that_is_away() {
    let folder = TempDir::new().expect("a temporary folder");
    let objects = ObjectServer::start(folder.path()).await;
    let mut gate = Gate::open_to(address(&objects)).await;
    let data = TempDir::new().expect("a temporary folder");
    let running = start(behind(&gate, &objects, data.path())).await.expect("the server starts");
    let api = Api::new(format!("http://{}", running.addresses[0]), Some(BOOTSTRAP_KEY));
    eventually("ready", async || api.get("/readyz").await.status == 200).await;
    let churn = api.serve("churn", model()).await;
    api.upload(&churn, other_model()).await.expect(201);
    let load = AllAlong::ask(&api, &churn);

    gate.shut().await;
    tokio::join!(
        refused("deploy", api.deploy(&churn, json!({"version": 2})), AWAY),
        refused("upload", api.upload(&churn, [model(), vec![0x32, 1, b'x']].concat()), AWAY),
    );
    assert_eq!(files_below(&data.path().join("scratch").join("uploads")), 0);
    api.get("/readyz").await.expect(200);
    // What was fetched before needs no store.
    api.deploy(&churn, json!({"version": 1, "batching": {"maxBatchSize": 3}})).await.expect(200);
    load.was_well().await;
    running.stop().await;

    // A server that starts meanwhile has the models that it has copies of, and is ready with them.
    let running = start(behind(&gate, &objects, data.path())).await.expect("the server starts");
    let api = Api::new(format!("http://{}", running.addresses[0]), Some(BOOTSTRAP_KEY));
    eventually("ready", async || api.get("/readyz").await.status == 200).await;
    api.post(&format!("/v1/predict/{churn}"), question()).await.expect(200);
    gate.open();
    api.deploy(&churn, json!({"version": 2})).await.expect(200);
    let answer = api.post(&format!("/v1/predict/{churn}"), question()).await.expect(200);
    assert_eq!(answer.json["version"], 2);
    let versions = api.get(&format!("{REGISTRY}/models/{churn}/versions")).await.expect(200);
    assert_eq!(versions.json["count"], 2, "no version came of an upload that was refused");
    running.stop().await;
}
