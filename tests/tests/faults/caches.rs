//! What is kept to save time is damaged while nobody looks.

use crate::object_server::ObjectServer;
use crate::world::{eventually, model, question};
use servoir::config::Config;
use servoir::serve::start;
use servoir_tests::api::Api;
use servoir_tests::fixture::Fixture;
use servoir_tests::server::{BOOTSTRAP_KEY, config};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Ways to damage a file.
const DAMAGES: [(&str, fn(&Path)); 4] = [
    ("cut short", |file| {
        let bytes = std::fs::read(file).expect("a file");
        std::fs::write(file, &bytes[..bytes.len() / 2]).expect("written");
    }),
    ("a digit or bit is another", |file| {
        let mut bytes = std::fs::read(file).expect("a file");
        let place = bytes.iter().rposition(u8::is_ascii_digit).unwrap_or(bytes.len() / 2);
        bytes[place] ^= 1;
        std::fs::write(file, bytes).expect("written");
    }),
    ("empty", |file| std::fs::write(file, "").expect("written")),
    ("a folder in its place", |file| {
        std::fs::remove_file(file).expect("removed");
        std::fs::create_dir(file).expect("a folder");
        std::fs::write(file.join("in it"), "x").expect("written");
    }),
];

/// The only entry of a folder.
fn only_entry(folder: &Path) -> PathBuf {
    let mut entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let entry = entries.next().expect("an entry").path();
    assert!(entries.next().is_none(), "{} has one entry", folder.display());
    entry
}

/// Starts a server on what is there and asks its model, which answers what the library that it comes from does.
async fn answers(config: Config, what: &str) {
    let running = start(config).await.expect("the server starts");
    let api = Api::new(format!("http://{}", running.addresses[0]), Some(BOOTSTRAP_KEY));
    eventually(what, async || api.get("/readyz").await.status == 200).await;
    let answer = api.post("/v1/predict/churn", question()).await.expect(200);
    let expected = &Fixture::read("xgb_binary").cases[0]["outputs"]["probabilities"]["data"];
    for class in 0..2 {
        let (got, expected) = (answer.json["probabilities"][0][class].as_f64(), expected[class].as_f64());
        let apart = got.zip(expected).map(|(got, expected)| (got - expected).abs());
        assert!(apart.is_some_and(|apart| apart < 1e-6), "{what}: {}", answer.text);
    }
    running.stop().await;
}

async fn serve_once(config: Config) {
    let running = start(config).await.expect("the server starts");
    let api = Api::new(format!("http://{}", running.addresses[0]), Some(BOOTSTRAP_KEY));
    eventually("ready", async || api.get("/readyz").await.status == 200).await;
    api.serve("churn", model()).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copies_of_artifacts_that_are_damaged_are_fetched_again() {
    let folder = TempDir::new().expect("a temporary folder");
    let objects = ObjectServer::start(folder.path()).await;
    let data = TempDir::new().expect("a temporary folder");
    let configured = || {
        let mut config = config(data.path());
        config.artifacts_url = format!("s3://{}/servoir", ObjectServer::BUCKET);
        config.s3 = objects.settings();
        config
    };
    serve_once(configured()).await;
    let copy = only_entry(&data.path().join("scratch").join("cache"));
    for (what, damage) in DAMAGES {
        damage(&copy);
        answers(configured(), what).await;
        assert_eq!(std::fs::read(&copy).expect("a file again"), model(), "{what}: the copy is mended");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn profiles_and_verdicts_that_are_damaged_are_made_again() {
    let data = TempDir::new().expect("a temporary folder");
    let configured = || Config { profile_seconds: 1, ..config(data.path()) };
    serve_once(configured()).await;
    for folder in ["profiles", "verdicts"] {
        let file = only_entry(&data.path().join(folder));
        let sound = |file: &Path| std::fs::read(file).is_ok_and(|bytes| bytes.len() > 80);
        assert!(sound(&file), "{folder}");
        for (what, damage) in DAMAGES {
            damage(&file);
            let damaged = std::fs::read(&file).ok();
            answers(configured(), what).await;
            assert!(sound(&file), "{folder}, {what}: it is mended");
            assert_ne!(std::fs::read(&file).ok(), damaged, "{folder}, {what}: it was made again");
        }
    }
}
