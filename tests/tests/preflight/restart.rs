//! A file that was found safe is not tried again after a restart, as long as nothing is another that could make a difference.

use crate::tried;
use serde_json::json;
use servoir::config::Config;
use servoir::serve::start;
use servoir_tests::api::Api;
use servoir_tests::environment;
use servoir_tests::fixture::Fixture;
use servoir_tests::server::{BOOTSTRAP_KEY, config};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// How long a server may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(120);

/// Starts a server, lets `change` use it when it is ready, and says how many files it tried that were safe.
async fn tries(config: Config, change: impl AsyncFnOnce(&Api)) -> u64 {
    let running = start(config).await.expect("the server starts");
    let api = Api::new(format!("http://{}", running.addresses[0]), Some(BOOTSTRAP_KEY));
    let ready = async { while api.get("/readyz").await.status != 200 {} };
    tokio::time::timeout(READY_WITHIN, ready).await.expect("the server becomes ready");
    change(&api).await;
    let tried = tried(&api, "safe").await;
    running.stop().await;
    tried
}

async fn answers(api: &Api) {
    let fixture = Fixture::read("xgb_binary");
    let row = &fixture.cases[0]["inputs"]["input"]["data"];
    let width = fixture.cases[0]["inputs"]["input"]["shape"][1].as_u64().expect("a width") as usize;
    let row = &row.as_array().expect("a row")[..width];
    api.post("/v1/predict/churn", json!({ "instances": [row] })).await.expect(200);
}

#[tokio::test]
async fn what_was_safe_is_not_tried_again_after_a_restart() {
    let data = TempDir::new().expect("a temporary folder");
    let served = async |api: &Api| {
        api.serve("churn", Fixture::read("xgb_binary").model).await;
    };
    assert_eq!(tries(config(data.path()), served).await, 1);
    assert_eq!(tries(config(data.path()), answers).await, 0);
    // Another file, and the same under another name.
    let more = async |api: &Api| {
        api.serve("other", Fixture::read("xgb_binary_v2").model).await;
        api.serve("again", Fixture::read("xgb_binary").model).await;
    };
    assert_eq!(tries(config(data.path()), more).await, 1);
    assert_eq!(tries(config(data.path()), answers).await, 0);
}

#[tokio::test]
async fn under_other_limits_it_is_tried_again() {
    let data = TempDir::new().expect("a temporary folder");
    let served = async |api: &Api| {
        api.serve("churn", Fixture::read("xgb_binary").model).await;
    };
    assert_eq!(tries(config(data.path()), served).await, 1);
    let mut limited = config(data.path());
    limited.preflight.memory_bytes += 1 << 20;
    for expected in [1, 0] {
        assert_eq!(tries(limited.clone(), answers).await, expected);
    }
}

#[tokio::test]
async fn a_file_in_a_folder_is_known_by_what_is_in_it() {
    let (data, models) = (TempDir::new().expect("a temporary folder"), TempDir::new().expect("a temporary folder"));
    let folder = models.path().join("churn").join("1");
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("model.onnx");
    std::fs::copy(environment::fixtures().join("xgb_binary").join("model.onnx"), &file).expect("a fixture");
    let configured = |profile_seconds: u64| {
        let mut config = Config { profile_seconds, ..config(data.path()) };
        config.models.dir = Some(models.path().to_owned());
        config
    };
    let nothing = async |_: &Api| ();
    // Without a profile the file is not read as a whole, and is known by its place for as long as the server lives.
    for expected in [1, 1] {
        assert_eq!(tries(configured(0), nothing).await, expected);
    }
    for expected in [1, 0] {
        assert_eq!(tries(configured(1), nothing).await, expected);
    }
    // As long, and written at the same moment.
    let written = std::fs::metadata(&file).and_then(|about| about.modified()).expect("a time");
    replace_in(&file, b"OnnxMLTools", b"OnnxMLToolz");
    std::fs::File::options().append(true).open(&file).and_then(|file| file.set_modified(written)).expect("a time");
    assert_eq!(tries(configured(1), nothing).await, 1);
}

/// Replaces the first that it has of these bytes.
fn replace_in<const LENGTH: usize>(file: &Path, what: &[u8; LENGTH], with: &[u8; LENGTH]) {
    let mut bytes = std::fs::read(file).expect("a file");
    let place = bytes.windows(LENGTH).position(|window| window == what).expect("these bytes");
    bytes[place..place + LENGTH].copy_from_slice(with);
    std::fs::write(file, bytes).expect("a file");
}
