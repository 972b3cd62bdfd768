//! Following the folder by the clock.

use crate::{Models, answering, ask};
use servoir_tests::fixture::Fixture;
use std::fs;
use std::io::Write as _;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(60);
/// How often a file grows by a byte: far more often than it is looked at.
const GROWS_EVERY: Duration = Duration::from_millis(5);

/// Asks again until the answer is as it should be.
async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !holds().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("{what}: not within {PATIENCE:?}"));
}

#[tokio::test]
async fn changes_are_followed_once_they_are_whole() {
    let models = Models::with(&[("churn/1/model.onnx", "xgb_binary"), ("stays/1/model.onnx", "xgb_binary")]);
    let server = models.serve_as(None, 1).await;
    let api = server.api();
    ask(&api, "stays", "unload").await.expect(200);

    // A new version grows under the reader's eyes until the new model, which came after it, has been taken in: that
    // takes two polls, in both of which this one was seen to change.
    let bytes = Fixture::read("xgb_binary_v2").model;
    let folder = models.path().join("churn/2");
    fs::create_dir(&folder).expect("a folder");
    let mut growing = fs::File::create(folder.join("model.onnx")).expect("a file");
    let (go_on, is_enough) = mpsc::channel::<()>();
    let writer = thread::spawn(move || {
        let mut pieces = bytes.chunks(1);
        while is_enough.recv_timeout(GROWS_EVERY) == Err(RecvTimeoutError::Timeout) {
            growing.write_all(pieces.next().expect("it does not come to its end")).expect("written");
        }
        pieces.for_each(|piece| growing.write_all(piece).expect("written"));
    });
    models.model("new/1/model.onnx", "xgb_binary");
    eventually("a new model is taken in", async || {
        assert_eq!(answering(&api, "churn").await, Some(1), "half a version is not touched");
        answering(&api, "new").await == Some(1)
    })
    .await;
    drop(go_on);
    writer.join().expect("all is written");
    eventually("the whole version is taken in", async || {
        let version = answering(&api, "churn").await;
        assert!(version.is_some(), "there is no gap");
        version == Some(2)
    })
    .await;
    let checks = api.get("/readyz?verbose").await.expect(200).text;
    assert!(checks.contains("ok  model churn  ready"), "it was never read half: {checks}");

    fs::remove_dir_all(models.path().join("new")).expect("removed");
    eventually("a model whose folder is gone is taken down", async || answering(&api, "new").await.is_none()).await;
    assert_eq!(answering(&api, "stays").await, None, "what was taken down on request stays so");
    server.stop().await;
}

#[tokio::test]
async fn what_was_broken_is_tried_again_when_it_changes() {
    let models = Models::empty();
    models.file("churn/1/model.onnx", Fixture::hostile("truncated.onnx"));
    let server = models.serve_as(None, 1).await;
    let api = server.api();
    assert_eq!(answering(&api, "churn").await, None);
    models.model("churn/1/model.onnx", "xgb_binary");
    eventually("the whole file is taken in", async || answering(&api, "churn").await == Some(1)).await;
    let checks = api.get("/readyz?verbose").await.expect(200).text;
    assert!(checks.contains("ok  model churn  ready"), "{checks}");
    server.stop().await;
}
