//! Nodes that share a database: their counts add up to the row.

use crate::node::{Node, buckets, window};
use crate::rows::{Asked, Rows};
use servoir_tests::postgres::TestDatabase;
use servoir_types::Secret;
use std::collections::BTreeSet;
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread")]
async fn counts_of_two_nodes_add_up() {
    let shared = TestDatabase::create().await;
    let store = TempDir::new().expect("a temporary folder");
    let folders = [TempDir::new().expect("a temporary folder"), TempDir::new().expect("a temporary folder")];
    let start = async |index: usize| {
        let artifacts = format!("file://{}", store.path().display());
        Node::start(folders[index].path(), |config| {
            config.database_url = Secret::new(shared.url());
            config.artifacts_url = artifacts;
            config.monitoring.flush_seconds = 1;
        })
        .await
    };
    let rows = Rows::read();
    let first = start(0).await;
    let model = first.serve("m", rows.artifact.clone(), Some(&rows.baseline)).await;
    let second = start(1).await;
    let mut asked = Asked::default();
    for turn in 0..30 {
        for node in [&first, &second] {
            let some = rows.take(turn, 1 + turn % 4);
            asked.note_v1(&some, &node.api.post("/v1/predict/m", Asked::body(&some)).await);
        }
    }
    first.stop().await;
    // A third run of a server, in the place of the first.
    let third = start(0).await;
    let some = rows.take(1, 2);
    asked.note_v1(&some, &third.api.post("/v1/predict/m", Asked::body(&some)).await);
    third.stop().await;
    second.stop().await;
    let nodes: BTreeSet<String> = buckets(shared.url(), &model).await.into_iter().map(|row| row.node).collect();
    assert_eq!(nodes.len(), 3, "{nodes:?}");
    let window = window(shared.url(), &model).await;
    asked.assert_counted(&rows.baseline, window.counts.as_ref().expect("counts"));
    assert_eq!(window.traffic.requests(), 61);
    shared.drop().await;
}
