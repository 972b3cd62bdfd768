//! The examples of every fixture's own document.

use serde_json::Value;
use servoir_tests::environment;
use servoir_tests::fixture::Fixture;
use servoir_tests::server::{BOOTSTRAP_KEY, TestServer};
use tokio::process::Command;

/// The fixtures that can be served.
fn fixtures() -> Vec<String> {
    let folders = std::fs::read_dir(environment::fixtures()).expect("the fixtures");
    let folders = folders.map(|folder| folder.expect("a folder").path());
    let served = folders.filter(|folder| folder.join("model.onnx").exists() && folder.join("cases.json").exists());
    let names = served.filter_map(|folder| Some(folder.file_name()?.to_str()?.to_owned()));
    // Its weights are in another file, which an upload does not bring.
    names.filter(|name| name != "external_data").collect()
}

#[tokio::test]
async fn every_example_works_as_it_stands() {
    let server = TestServer::start().await;
    let api = server.api();
    let fixtures = fixtures();
    assert!(fixtures.len() >= 25, "{fixtures:?}");
    for name in fixtures {
        api.serve(&name, Fixture::read(&name).model).await;
        let document = api.get(&format!("/v2/models/{name}/openapi.json")).await.expect(200).json;
        let paths = document["paths"].as_object().expect("paths");
        // BF16 has no JSON form in the Open Inference Protocol.
        assert_eq!(paths.len(), if name == "echo_BF16" { 1 } else { 2 }, "{name}");
        for (path, item) in paths {
            let example = &item["post"]["requestBody"]["content"]["application/json"]["example"];
            let answer = api.post(path, example.clone()).await;
            assert_eq!(answer.status, 200, "{path} {example}: {}", answer.text);
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn every_line_for_the_shell_works_when_it_is_pasted() {
    let server = TestServer::start().await;
    let api = server.api();
    for (name, fixture) in [("it's {named}", "sklearn_pipeline_columns"), ("churn", "xgb_missing")] {
        let model = api.serve(name, Fixture::read(fixture).model).await;
        let document = api.get(&format!("/v2/models/{model}/versions/1/openapi.json")).await.expect(200).json;
        let usage = document["info"]["description"].as_str().expect("a description");
        let lines: Vec<_> = usage.lines().filter(|line| line.starts_with("curl ")).collect();
        assert_eq!(lines.len(), 2, "{usage}");
        for line in lines {
            let mut shell = Command::new("sh");
            shell.args(["-c", line]).env("SERVOIR_API_KEY", BOOTSTRAP_KEY).env("NO_PROXY", "*");
            let output = shell.output().await.expect("a shell");
            let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
            assert!(answer["predictions"].is_array() || answer["outputs"].is_array(), "{line}: {answer}");
        }
    }
    server.stop().await;
}
