//! Two nodes on one database: what one finds worse goes on both, once.

use crate::world::{audit, deployment, stretches, versions};
use serde_json::json;
use servoir::serve::start;
use servoir_tests::api::Api;
use servoir_tests::postgres::TestDatabase;
use servoir_tests::server::{BOOTSTRAP_KEY, config};
use servoir_types::Secret;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn what_two_nodes_find_worse_is_taken_down_once_and_both_follow() {
    let database = TestDatabase::create().await;
    let folders = [(); 2].map(|()| TempDir::new().expect("a temporary folder"));
    let mut nodes = Vec::new();
    for folder in &folders {
        let mut config = config(folder.path());
        config.database_url = Secret::new(database.url());
        config.artifacts_url = servoir_tests::server::config(folders[0].path()).artifacts_url;
        config.swap.watch_seconds = 300;
        // They fail: how long they take is no reason.
        config.swap.slower_percent_max = 100_000;
        nodes.push(start(config).await.expect("a node starts"));
    }
    let apis: Vec<_> =
        nodes.iter().map(|node| Api::new(format!("http://{}", node.addresses[0]), Some(BOOTSTRAP_KEY))).collect();
    let model = versions(&apis[0], "m", &["slow", "fails_on_negative"]).await;
    let row = json!([-1.0]);
    let both_answer = async |version: u64| {
        for api in &apis {
            let answers = async { while answering(api, &model).await != Some(version) {} };
            tokio::time::timeout(PATIENCE, answers).await.expect("both nodes follow");
        }
    };
    both_answer(1).await;
    for (node, api) in nodes.iter().zip(&apis) {
        stretches(node.app(), api, (&model, &row), 3).await;
    }
    apis[0].deploy(&model, json!({"version": 2})).await.expect(200);
    both_answer(2).await;
    // Each node sees that it fails before either looks.
    for api in &apis {
        for _ in 0..40 {
            crate::world::ask(api, &model, &row).await;
        }
    }
    let look = |node: usize| {
        let app = nodes[node].app();
        async move { app.reconciler.look_at_trials(app, Instant::now()).await }
    };
    tokio::join!(look(0), look(1));
    both_answer(1).await;
    for (node, api) in nodes.iter().zip(&apis) {
        stretches(node.app(), api, (&model, &row), 2).await;
        assert_eq!(deployment(api, &model).await["rolledBack"]["version"], 2);
    }
    assert_eq!(audit(&apis[0], &model, "model.rolled_back").await.len(), 1);
    for node in nodes {
        node.stop().await;
    }
    database.drop().await;
}

/// The version that is live on a node.
async fn answering(api: &Api, model: &str) -> Option<u64> {
    let path = format!("{}/models/{model}/status", servoir_tests::api::REGISTRY);
    api.get(&path).await.expect(200).json["version"].as_u64()
}
