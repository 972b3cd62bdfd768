//! The binary as a person at a terminal uses it: the demo, the client commands, exit codes.

use serde_json::Value;
use servoir_tests::environment;
use servoir_tests::fixture::Fixture;
use servoir_tests::process::ServerProcess;
use servoir_tests::server::BOOTSTRAP_KEY;
use std::process::{Command, Output};
use tempfile::TempDir;

/// The binary with nothing of this machine's own configuration.
fn servoir() -> Command {
    let mut command = Command::new(environment::binary());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SERVOIR_")) {
        command.env_remove(name);
    }
    command.env("ORT_DYLIB_PATH", environment::onnxruntime()).env("NO_COLOR", "1");
    command
}

fn output(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

#[test]
fn the_demo_shows_the_main_job_and_ends_well() {
    // What is measured to be best in a build that is not optimised is nobody's business.
    let unmeasured = ("SERVOIR_ENGINES__PROFILE_SECONDS", "0");
    let mut demo = servoir();
    demo.args(["demo", "--exit", "--listen", "127.0.0.1:0"]).env(unmeasured.0, unmeasured.1);
    let (code, said, errors) = output(&mut demo);
    assert_eq!(code, 0, "{said}\n{errors}");
    let (counted, drifted) = ("398 rows since then: ok", "1592 rows since then: alert");
    let of_models =
        ["registered churn as model_", "is live on trees (cpu)", "within 1e-6", "failed      0", "wrong       0"];
    for words in of_models.into_iter().chain([counted, drifted]) {
        assert!(said.contains(words), "'{words}' in:\n{said}");
    }
}

#[test]
fn a_wrong_configuration_is_told_whole_before_anything_starts() {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("servoir.toml");
    std::fs::write(&file, "[server]\nlistn = \"127.0.0.1:0\"\ndrain_seconds = \"soon\"\n").expect("written");
    let (code, _, errors) = output(servoir().args(["serve", "--config"]).arg(&file));
    assert_eq!(code, 2, "{errors}");
    for words in ["servoir.toml:2", "server.listen", "servoir.toml:3", "drain_seconds"] {
        assert!(errors.contains(words), "'{words}' in:\n{errors}");
    }
    assert!(!folder.path().join("servoir-data").exists());
}

#[test]
fn the_documentation_has_the_settings_that_there_are() {
    let (code, reference, errors) = output(servoir().args(["config", "reference"]));
    assert_eq!(code, 0, "{errors}");
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
    let page = std::fs::read_to_string(page).expect("the page on configuration");
    assert!(page.ends_with(&reference), "docs/configuration.md ends with what `servoir config reference` prints");
}

#[tokio::test]
async fn client_commands_do_the_main_job() {
    let data = TempDir::new().expect("a temporary folder");
    let server = ServerProcess::start(data.path()).await;
    let url = format!("http://{}", server.address());
    let client = |key: &str, arguments: &[&str]| {
        output(servoir().env("SERVOIR_URL", &url).env("SERVOIR_API_KEY", key).args(arguments))
    };
    let fixture = Fixture::read("xgb_binary");
    let model = data.path().join("churn.onnx");
    std::fs::write(&model, &fixture.model).expect("written");
    let path = model.to_str().expect("a path");
    let (code, _, errors) = client(BOOTSTRAP_KEY, &["push", path, "--name", "churn", "--deploy", "--wait"]);
    assert_eq!(code, 0, "{errors}");

    let body = data.path().join("rows.json");
    std::fs::write(&body, serde_json::json!([Fixture::rows(&fixture.cases[0])[0]]).to_string()).expect("written");
    let rows = body.to_str().expect("a path");
    let (code, said, errors) = client(BOOTSTRAP_KEY, &["predict", "churn", rows, "--output", "json"]);
    assert_eq!(code, 0, "{errors}");
    let answer: Value = serde_json::from_str(&said).expect("JSON on standard output");
    assert_eq!(answer["predictions"][0], fixture.cases[0]["outputs"]["label"]["data"][0], "{said}");

    let (code, said, _) = client(BOOTSTRAP_KEY, &["status"]);
    assert!(code == 0 && said.contains("churn"), "{said}");
    let (code, said, _) = client(BOOTSTRAP_KEY, &["models", "--output", "json"]);
    assert!(code == 0 && serde_json::from_str::<Value>(&said).is_ok(), "{said}");
    let cases: [(&str, &[&str], i32); 5] = [
        ("nonsense-key", &["models"], 3),
        (BOOTSTRAP_KEY, &["versions", "nope"], 4),
        (BOOTSTRAP_KEY, &["rollback", "churn"], 5),
        (BOOTSTRAP_KEY, &["deploy"], 2),
        (BOOTSTRAP_KEY, &["predict", "churn", "/no/such/file"], 2),
    ];
    for (key, arguments, expected) in cases {
        let (code, said, errors) = client(key, arguments);
        assert_eq!(code, expected, "{arguments:?}: {said}{errors}");
        assert!(!errors.is_empty(), "{arguments:?} says what is wrong");
    }
    let (code, said, errors) = output(servoir().args(["audit", "verify", "--data-dir"]).arg(data.path()));
    assert_eq!(code, 0, "{said}{errors}");
    server.terminate().await;
}
