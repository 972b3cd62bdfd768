//! Triton's layout: versions, policies, external data, and models that are broken beside those that are not.

use crate::{Models, answering, index, row};
use serde_json::json;
use servoir_tests::environment;
use servoir_tests::fixture::Fixture;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

#[tokio::test]
async fn the_versions_that_the_policy_chooses_are_live_at_once() {
    let cases: [(&str, Option<&str>, &[u64]); 5] = [
        ("by-default", None, &[10]),
        ("latest", Some("version_policy { latest { num_versions: 2 } }"), &[2, 10]),
        ("all", Some("version_policy { all { } }"), &[1, 2, 10]),
        ("specific", Some("version_policy { specific { versions: [ 1, 2 ] } }"), &[1, 2]),
        ("nothing-said", Some("max_batch_size: 8"), &[10]),
    ];
    let models = Models::empty();
    for (name, config, _) in &cases {
        for (version, fixture) in [(1, "xgb_binary"), (2, "xgb_binary_v2"), (10, "xgb_binary")] {
            models.model(&format!("{name}/{version}/model.onnx"), fixture);
        }
        models.file(&format!("{name}/03/model.onnx"), "not a version");
        models.file(&format!("{name}/notes/README"), "not a version");
        if let Some(config) = config {
            models.file(&format!("{name}/config.pbtxt"), config);
        }
    }
    let server = models.serve().await;
    let api = server.api();
    let listed = index(&api).await;
    for (name, _, live) in cases {
        let highest = live.last().copied();
        assert_eq!(answering(&api, name).await, highest, "{name}: no version named");
        let told = api.get(&format!("/v2/models/{name}")).await.expect(200);
        let told: BTreeSet<u64> = told.json["versions"].as_array().expect("versions").iter().map(number).collect();
        assert_eq!(told, live.iter().copied().collect(), "{name}");
        for version in [1, 2, 3, 10] {
            let answer = api.post(&format!("/v1/predict/{name}?version={version}"), row()).await;
            let ready = api.get(&format!("/v2/models/{name}/versions/{version}/ready")).await;
            if live.contains(&version) {
                assert_eq!(answer.expect(200).json["version"], version, "{name}");
                ready.expect(200);
            } else {
                assert_eq!(answer.expect(404).code(), "version-not-live", "{name} {version}");
                ready.expect(404);
            }
        }
        for version in [1, 2, 10] {
            let line = match live.contains(&version) {
                true => format!("{name} {version} READY"),
                false => format!("{name} {version} UNAVAILABLE the version policy leaves it out"),
            };
            assert!(listed.contains(&line), "{line}: {listed:#?}");
        }
    }
    assert_eq!(listed.len(), 15, "nothing else is a version: {listed:#?}");
    let metrics = api.get("/metrics").await.text;
    for version in [1, 2, 10] {
        let series = format!("servoir_instances{{model=\"all\",model_id=\"all\",version=\"{version}\"}} 1");
        assert!(metrics.contains(&series), "{series}: {metrics}");
    }
    server.stop().await;
}

fn number(version: &serde_json::Value) -> u64 {
    version.as_str().and_then(|version| version.parse().ok()).expect("a number as a text")
}

#[tokio::test]
async fn each_version_answers_with_its_own_numbers() {
    let models = Models::with(&[("churn/1/model.onnx", "xgb_binary"), ("churn/2/model.onnx", "xgb_binary_v2")]);
    models.file("churn/config.pbtxt", "version_policy { all { } }");
    let server = models.serve().await;
    let api = server.api();
    for (version, fixture) in [(1, "xgb_binary"), (2, "xgb_binary_v2")] {
        let case = &Fixture::read(fixture).cases[0];
        let answer = api.post(&format!("/v2/models/churn/versions/{version}/infer"), Fixture::v2_body(case)).await;
        let answer = answer.expect(200).json;
        assert_eq!(answer["model_version"], version.to_string());
        let came = answer["outputs"][1]["data"][0].as_f64().expect("a probability");
        let expected = case["outputs"]["probabilities"]["data"][0].as_f64().expect("a probability");
        assert!((came - expected).abs() < 1e-6, "version {version}: {came} for {expected}");
    }
    server.stop().await;
}

#[tokio::test]
async fn external_data_and_other_file_names_are_found() {
    let weights = fs::read(environment::fixtures().join("external_data/weights.bin")).expect("a fixture");
    let models = Models::with(&[
        ("beside/1/model.onnx", "external_data"),
        ("inside/1/model.onnx/model.onnx", "external_data"),
        ("named/1/net.bin", "external_data"),
        ("only/1/net.onnx", "external_data"),
        ("without-versions/model.onnx", "external_data"),
    ]);
    models.file("named/config.pbtxt", "default_model_filename: \"net.bin\"");
    for folder in ["beside/1", "inside/1/model.onnx", "named/1", "only/1", "without-versions"] {
        models.file(&format!("{folder}/weights.bin"), &weights);
    }
    let server = models.serve().await;
    let api = server.api();
    let case = &Fixture::read("external_data").cases[0];
    for model in ["beside", "inside", "named", "only", "without-versions"] {
        let answer = api.post(&format!("/v2/models/{model}/infer"), Fixture::v2_body(case)).await.expect(200);
        assert_eq!(answer.json["model_version"], "1", "{model}");
        assert_eq!(answer.json["outputs"][0]["data"], case["outputs"]["y"]["data"], "{model}");
    }
    server.stop().await;
}

#[tokio::test]
async fn broken_models_fail_alone_and_say_why() {
    let models = Models::with(&[("good/1/model.onnx", "xgb_binary"), ("partly/1/model.onnx", "xgb_binary")]);
    let broken: [(&str, Vec<u8>, &str); 5] = [
        ("cut/1/model.onnx", Fixture::hostile("truncated.onnx"), "cut short or damaged"),
        ("pickle/1/model.onnx", Fixture::hostile("pickle.pkl"), "Python pickle"),
        ("plan/1/model.plan", b"TensorRT".to_vec(), "expected model.onnx; it holds model.plan"),
        ("empty/README.md", b"no version yet".to_vec(), "expected a folder for each version"),
        ("partly/2/model.onnx", Fixture::hostile("empty.onnx"), "the file is empty"),
    ];
    for (path, bytes, _) in &broken {
        models.file(path, bytes);
    }
    models.file("partly/config.pbtxt", "version_policy { all { } }");
    models.file("outside/1/model.onnx", Fixture::read("external_data").model);
    let server = models.serve().await;
    let api = server.api();
    assert_eq!(answering(&api, "good").await, Some(1));
    assert_eq!(answering(&api, "partly").await, Some(1), "the version that is whole is served");
    let listed = index(&api).await.join("\n");
    let checks = api.get("/readyz?verbose").await.expect(200).text;
    for (path, _, reason) in &broken {
        let model = path.split('/').next().expect("a model");
        let line = listed.lines().find(|line| line.starts_with(model) && line.contains("UNAVAILABLE"));
        assert!(line.is_some_and(|line| line.contains(reason)), "{path}: {listed}");
        let check = checks.lines().find(|line| line.contains(&format!("model {model}"))).expect("a check");
        let state = if model == "partly" { "degraded" } else { "failed" };
        assert!(check.contains(state) && check.contains(reason), "{path}: {check}");
        if model != "partly" {
            api.post(&format!("/v1/predict/{model}"), row()).await.expect(404);
        }
    }
    assert!(listed.contains("outside 1 UNAVAILABLE") && listed.contains("weights.bin"), "{listed}");
    assert!(checks.contains("ok  model good  ready"), "{checks}");
    server.stop().await;
}

#[tokio::test]
async fn nothing_is_written_into_the_folder() {
    let models = Models::with(&[("churn/1/model.onnx", "xgb_binary"), ("broken/1/other.txt", "slow")]);
    models.file("churn/config.pbtxt", "instance_group { count: 2 }");
    let before = listing(models.path());
    let set_mode = |mode: u32| {
        for (path, ..) in &before {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions");
        }
    };
    set_mode(0o555);
    let server = models.serve().await;
    let api = server.api();
    assert_eq!(answering(&api, "churn").await, Some(1));
    api.post("/v2/repository/models/churn/load", json!({})).await.expect(200);
    api.post("/v2/repository/models/broken/load", json!({})).await.expect(400);
    server.stop().await;
    assert_eq!(listing(models.path()), before);
    set_mode(0o755);
}

/// Every file and folder with its size and time.
fn listing(folder: &Path) -> BTreeSet<(PathBuf, u64, SystemTime)> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let mut all = BTreeSet::new();
    for path in entries {
        let metadata = fs::metadata(&path).expect("metadata");
        if metadata.is_dir() {
            all.extend(listing(&path));
        }
        all.insert((path, metadata.len(), metadata.modified().expect("a time")));
    }
    all
}
