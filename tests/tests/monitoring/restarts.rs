//! A server that ends: asked to, nothing is lost; killed, at most what it had not written yet.

use crate::node::{eventually, put_baseline, window};
use crate::rows::{Asked, Rows};
use serde_json::json;
use servoir_tests::api::Api;
use servoir_tests::process::ServerProcess;
use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

fn database(data: &Path) -> String {
    format!("sqlite:{}", data.join("servoir.db").display())
}

/// A server that writes every `flush_seconds`.
async fn start(data: &Path, flush_seconds: &str) -> ServerProcess {
    let settings = [("SERVOIR_MONITORING__FLUSH_SECONDS", OsStr::new(flush_seconds))];
    let server = ServerProcess::start_with(data, &settings).await;
    server.ready(PATIENCE).await;
    server
}

async fn ask(api: &Api, rows: &Rows, requests: usize, asked: &mut Asked) {
    for request in 0..requests {
        let some = rows.take(request, 2);
        asked.note_v1(&some, &api.post("/v1/predict/m", Asked::body(&some)).await);
    }
}

async fn serve(api: &Api, data: &Path, rows: &Rows) -> String {
    let model = api.create_model("m").await;
    api.upload(&model, rows.artifact.clone()).await.expect(201);
    put_baseline(&database(data), &model, "baseline_first", &rows.baseline).await;
    api.deploy(&model, json!({})).await.expect(200);
    model
}

#[tokio::test]
async fn nothing_is_lost_when_a_server_is_asked_to_stop() {
    let (data, rows) = (TempDir::new().expect("a temporary folder"), Rows::read());
    // Longer than the test: what is written is written because the server stops.
    let server = start(data.path(), "300").await;
    let model = serve(&server.api(), data.path(), &rows).await;
    let mut asked = Asked::default();
    ask(&server.api(), &rows, 20, &mut asked).await;
    assert!(server.terminate().await.success());
    let server = start(data.path(), "300").await;
    ask(&server.api(), &rows, 7, &mut asked).await;
    assert!(server.terminate().await.success());
    let window = window(&database(data.path()), &model).await;
    asked.assert_counted(&rows.baseline, window.counts.as_ref().expect("counts"));
    assert_eq!((window.traffic.requests(), window.traffic.rows()), (27, 54));
}

#[tokio::test]
async fn a_kill_loses_what_was_not_written_and_nothing_else() {
    let (data, rows) = (TempDir::new().expect("a temporary folder"), Rows::read());
    let server = start(data.path(), "1").await;
    let model = serve(&server.api(), data.path(), &rows).await;
    let mut asked = Asked::default();
    ask(&server.api(), &rows, 20, &mut asked).await;
    let database = database(data.path());
    eventually("all of it is written", async || window(&database, &model).await.rows() == 40).await;
    let mut lost = Asked::default();
    ask(&server.api(), &rows, 5, &mut lost).await;
    server.kill().await;
    // Of these, as many as the last flush had seen.
    let written = window(&database, &model).await.rows();
    assert!((40..=50).contains(&written), "{written}");
    let server = start(data.path(), "300").await;
    ask(&server.api(), &rows, 3, &mut asked).await;
    assert!(server.terminate().await.success());
    let window = window(&database, &model).await;
    assert_eq!(window.rows(), written + 6);
    if written == 40 {
        asked.assert_counted(&rows.baseline, window.counts.as_ref().expect("counts"));
    }
}
