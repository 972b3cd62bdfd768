//! Loading, reloading and unloading on request, while predictions go on.

use crate::{Models, answering, ask, index, row};
use servoir_tests::fixture::Fixture;
use servoir_tests::load::Load;
use servoir_tests::server::BOOTSTRAP_KEY;
use std::collections::BTreeSet;
use std::fs;

const CONNECTIONS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_loses_no_request_and_a_failing_one_changes_nothing() {
    let models = Models::with(&[("churn/1/model.onnx", "xgb_binary")]);
    let server = models.serve().await;
    let api = server.api();
    let load = Load::start(&api, BOOTSTRAP_KEY, "/v1/predict/churn", &row(), CONNECTIONS);

    models.model("churn/2/model.onnx", "xgb_binary_v2");
    assert_eq!(answering(&api, "churn").await, Some(1), "nobody has asked yet");
    ask(&api, "churn", "load").await.expect(200);
    assert_eq!(answering(&api, "churn").await, Some(2));

    models.file("churn/3/model.onnx", Fixture::hostile("truncated.onnx"));
    let refused = ask(&api, "churn", "load").await.expect(400);
    let file = models.path().join("churn/3/model.onnx");
    let told = refused.json["error"].as_str().expect("an error");
    let begins = format!("model 'churn' cannot be served: {}: ", file.display());
    assert!(told.starts_with(&begins) && told.contains("damaged"), "{told}");
    assert_eq!(answering(&api, "churn").await, Some(2), "what was live is");
    let checks = api.get("/readyz?verbose").await.expect(200).text;
    assert!(checks.contains("ok  model churn  degraded: version 3: "), "{checks}");

    models.model("churn/3/model.onnx", "xgb_binary");
    ask(&api, "churn", "load").await.expect(200);
    assert_eq!(answering(&api, "churn").await, Some(3));
    // The same number with other contents is another model.
    models.model("churn/3/model.onnx", "xgb_binary_v2");
    models.file("churn/config.pbtxt", "version_policy { all { } } instance_group { count: 2 }");
    ask(&api, "churn", "load").await.expect(200);
    assert_eq!(index(&api).await, ["churn 1 READY", "churn 2 READY", "churn 3 READY"]);

    let outcome = load.stop().await;
    assert!(outcome.failed.is_empty(), "{:?}", outcome.failed);
    let answered: BTreeSet<u64> = outcome.answered.iter().map(|one| one.version).collect();
    assert!(answered.contains(&3) && !answered.contains(&0), "{answered:?}");
    server.stop().await;
}

#[tokio::test]
async fn models_come_and_go_on_request() {
    let models = Models::with(&[("churn/1/model.onnx", "xgb_binary")]);
    let server = models.serve().await;
    let api = server.api();

    models.model("later/7/model.onnx", "xgb_binary");
    assert_eq!(index(&api).await, ["churn 1 READY", "later  UNAVAILABLE not loaded yet"]);
    assert_eq!(answering(&api, "later").await, None);
    ask(&api, "later", "load").await.expect(200);
    assert_eq!(answering(&api, "later").await, Some(7));

    for _ in 0..2 {
        ask(&api, "later", "unload").await.expect(200);
        assert_eq!(answering(&api, "later").await, None);
        assert_eq!(index(&api).await, ["churn 1 READY", "later 7 UNAVAILABLE unloaded"]);
    }
    let checks = api.get("/readyz?verbose").await.expect(200).text;
    assert!(!checks.contains("later"), "what was taken down on request is not missed: {checks}");
    for _ in 0..2 {
        ask(&api, "later", "load").await.expect(200);
        assert_eq!(answering(&api, "later").await, Some(7));
    }

    for (model, what) in [("absent", "load"), ("absent", "unload"), ("..", "load"), ("%2e%2e", "load")] {
        let answer = ask(&api, model, what).await;
        assert_eq!(answer.status, 404, "{model} {what}: {}", answer.text);
    }
    fs::remove_dir_all(models.path().join("later")).expect("removed");
    ask(&api, "later", "load").await.expect(404);
    assert_eq!(answering(&api, "later").await, Some(7), "a failing load changes nothing");
    ask(&api, "later", "unload").await.expect(200);
    assert_eq!(answering(&api, "churn").await, Some(1));
    server.stop().await;
}
