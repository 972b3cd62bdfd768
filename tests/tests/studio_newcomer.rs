//! The script that the documentation gives to newcomers, as they would run it.

use serde_json::Value;
use servoir_tests::environment;
use servoir_tests::process::ServerProcess;
use servoir_tests::server::BOOTSTRAP_KEY;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documented_way_leads_from_a_file_to_a_prediction() {
    let data = TempDir::new().expect("a temporary folder");
    let server = ServerProcess::start(data.path()).await;
    let api = server.api();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/studio.sh");
    let table = environment::fixtures().join("training/tumours.csv");
    let url = api.url().to_owned();
    let ran = tokio::task::spawn_blocking(move || {
        let mut command = Command::new(script);
        command.arg(table).arg("diagnosis").env("SERVOIR", environment::binary());
        command.env("SERVOIR_URL", url).env("SERVOIR_API_KEY", BOOTSTRAP_KEY).output()
    });
    let output = ran.await.expect("a thread").expect("the script runs");
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{errors}");
    for part in ["CANDIDATE", "TRUE \\ SAID", "metric_deltas", "\"is_promoted\":true", "\"status\":\"deployed\""] {
        assert!(said.contains(part), "no {part} in\n{said}");
    }
    let answer: Value = serde_json::from_str(said.trim_end().lines().last().unwrap_or_default()).expect("an answer");
    let label = answer["predictions"][0].as_str().unwrap_or_default();
    assert!(["malignant", "benign"].contains(&label), "{answer}");
    let status = server.terminate().await;
    assert!(status.success(), "{status}");
}
