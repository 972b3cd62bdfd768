//! `kill -9` at random moments while uploads, deploys and writes go on: what was acknowledged is there afterwards, and
//! nothing half-written is.

use serde_json::{Value, json};
use servoir_tests::api::{Api, REGISTRY};
use servoir_tests::fixture::Fixture;
use servoir_tests::process::ServerProcess;
use servoir_types::Digest;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How often the server is killed; `SERVOIR_TEST_KILLS` overrides it.
const KILLS: u64 = 200;
/// The server lives for so long at most, in milliseconds, once the writers have begun; on a machine on which one thing takes a writer
/// long, for as long as so many of them.
const LIFE_MILLIS_MAX: u64 = 120;
const LIFE_WRITES: u64 = 8;
/// The most time that a restarted server may take to be ready.
const READY_MAX: Duration = Duration::from_secs(20);

/// What the server has acknowledged, and what it was last asked for.
#[derive(Default)]
struct Ledger {
    /// By model id: the description that was acknowledged, and the one asked for last.
    descriptions: BTreeMap<String, (String, String)>,
    /// Versions of the deployed model: number → digest.
    versions: BTreeMap<u64, String>,
    /// The version whose deployment was acknowledged last.
    deployed: u64,
    /// The versions that were asked for since then.
    asked: BTreeSet<u64>,
    /// Digests of uploads that were begun.
    begun: BTreeSet<String>,
}

type Shared = Arc<Mutex<Ledger>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9() {
    let kills = std::env::var("SERVOIR_TEST_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let fixture = Fixture::read("xgb_binary");
    let row = Fixture::rows(&fixture.cases[0])[0].clone();
    let data = TempDir::new().expect("a temporary folder");
    let server = ServerProcess::start(data.path()).await;
    let model = server.api().serve("churn", fixture.model.clone()).await;
    let ledger = Shared::default();
    {
        let mut ledger = ledger.lock().unwrap();
        ledger.deployed = 1;
        ledger.versions.insert(1, Digest::of(&fixture.model).to_hex());
    }
    let begun = Instant::now();
    write_model(&server.api(), &ledger, "first".to_owned()).await.expect("the server answers");
    let write = u64::try_from(begun.elapsed().as_millis()).expect("milliseconds");
    let life_millis_max = LIFE_MILLIS_MAX.max(LIFE_WRITES * write);
    server.kill().await;

    let mut random = Random(0x5eed);
    for kill in 0..kills {
        let server = ServerProcess::start(data.path()).await;
        server.ready(READY_MAX).await;
        let api = server.api();
        check(&api, &model, &row, &ledger, data.path()).await;
        let writers = writers(&api, &model, &fixture.model, &ledger, kill);
        let life = Duration::from_millis(random.below(life_millis_max));
        let _ = tokio::time::timeout(life, writers).await;
        server.kill().await;
    }
    let server = ServerProcess::start(data.path()).await;
    server.ready(READY_MAX).await;
    check(&server.api(), &model, &row, &ledger, data.path()).await;
    check_every_artifact(&server.api(), &model).await;
    let ledger = ledger.lock().unwrap();
    println!(
        "{kills} kills: {} models, {} versions and {} uploads begun, all as acknowledged",
        ledger.descriptions.len(),
        ledger.versions.len(),
        ledger.begun.len()
    );
    assert!(ledger.descriptions.len() as u64 > kills / 10, "the writers got something done between kills");
}

/// Uploads, deploys and writes, side by side, until they are cut off.
async fn writers(api: &Api, model: &str, artifact: &[u8], ledger: &Shared, kill: u64) {
    tokio::join!(
        write_models(api.clone(), ledger.clone(), kill),
        upload_and_deploy(api.clone(), model.to_owned(), artifact.to_vec(), ledger.clone(), kill),
    );
}

async fn write_models(api: Api, ledger: Shared, kill: u64) {
    for number in 0.. {
        if write_model(&api, &ledger, format!("m{kill}-{number}")).await.is_none() {
            return;
        }
    }
}

/// Makes a model and changes it; nothing when the server goes meanwhile.
async fn write_model(api: &Api, ledger: &Shared, name: String) -> Option<()> {
    let created = api.request(reqwest::Method::POST, &format!("{REGISTRY}/models"));
    let created = created.json(&json!({"name": name, "framework": "onnx", "description": "new"}));
    let answer = api.try_send(created).await.ok()?;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let id = answer.json["id"].as_str().expect("an id").to_owned();
    ledger.lock().unwrap().descriptions.insert(id.clone(), ("new".into(), "changed".into()));
    let changed = api.request(reqwest::Method::PUT, &format!("{REGISTRY}/models/{id}"));
    let answer = api.try_send(changed.json(&json!({"description": "changed"}))).await.ok()?;
    assert_eq!(answer.status, 200, "{}", answer.text);
    ledger.lock().unwrap().descriptions.insert(id, ("changed".into(), "changed".into()));
    Some(())
}

async fn upload_and_deploy(api: Api, model: String, artifact: Vec<u8>, ledger: Shared, kill: u64) {
    for number in 0.. {
        let artifact = with_doc_string(&artifact, &format!("{kill}-{number}"));
        let digest = Digest::of(&artifact).to_hex();
        ledger.lock().unwrap().begun.insert(digest.clone());
        let Ok(answer) = api.try_send(api.upload_request(&model, artifact)).await else { return };
        assert_eq!(answer.status, 201, "{}", answer.text);
        let version = answer.json["version"].as_u64().expect("a version");
        {
            let mut ledger = ledger.lock().unwrap();
            ledger.versions.insert(version, digest);
            ledger.asked.insert(version);
        }
        let deploy = api.request(reqwest::Method::POST, &format!("{REGISTRY}/models/{model}/deploy"));
        let Ok(answer) = api.try_send(deploy.json(&json!({"version": version}))).await else { return };
        assert_eq!(answer.status, 200, "{}", answer.text);
        let mut ledger = ledger.lock().unwrap();
        ledger.deployed = version;
        ledger.asked.clear();
    }
}

/// Everything acknowledged is there, the deployed version answers, and nothing that was cut off can be seen.
async fn check(api: &Api, model: &str, row: &[Value], ledger: &Shared, data: &Path) {
    let listed = api.get(&format!("{REGISTRY}/models/{model}/versions?limit=200")).await.expect(200);
    let predicted = api.post(&format!("/v1/predict/{model}"), json!({"instances": [row]})).await.expect(200);
    let live = predicted.json["version"].as_u64().expect("a version");
    let (recent, models) = {
        let mut ledger = ledger.lock().unwrap();
        assert!(
            live == ledger.deployed || ledger.asked.contains(&live),
            "version {live} is live, {} was deployed",
            ledger.deployed
        );
        ledger.deployed = live;
        ledger.asked.clear();
        for row in listed.json["versions"].as_array().expect("versions") {
            let (version, digest) =
                (row["version"].as_u64().expect("a number"), row["sha256"].as_str().expect("a digest"));
            assert_eq!(row["state"], "ready");
            let known = ledger.versions.entry(version).or_insert_with(|| digest.to_owned()).clone();
            assert_eq!(known, digest, "version {version}");
            assert!(version == 1 || ledger.begun.contains(digest), "version {version} was never uploaded");
        }
        let count = listed.json["count"].as_u64().expect("a count");
        assert_eq!(count, ledger.versions.len() as u64, "acknowledged versions are there, and no others");
        let models: Vec<_> =
            ledger.descriptions.iter().rev().take(40).map(|(id, both)| (id.clone(), both.clone())).collect();
        (listed.json["versions"][0].clone(), models)
    };
    for (id, (acknowledged, asked)) in models {
        let found = api.get(&format!("{REGISTRY}/models/{id}")).await.expect(200);
        let description = found.json["description"].as_str().expect("a description");
        assert!(description == acknowledged || description == asked, "{id}: {description}");
    }
    check_artifact(api, model, &recent).await;
    assert_eq!(files_below(&data.join("scratch").join("uploads")), 0, "uploads that were cut off leave no file");
    let digests: BTreeSet<_> = ledger.lock().unwrap().versions.values().cloned().collect();
    assert_eq!(files_below(&data.join("artifacts")), digests.len(), "every stored artifact belongs to a version");
}

async fn check_every_artifact(api: &Api, model: &str) {
    let listed = api.get(&format!("{REGISTRY}/models/{model}/versions?limit=200")).await.expect(200);
    for version in listed.json["versions"].as_array().expect("versions") {
        check_artifact(api, model, version).await;
    }
}

async fn check_artifact(api: &Api, model: &str, version: &Value) {
    let path = format!("{REGISTRY}/models/{model}/versions/{}/artifact", version["version"]);
    let response = api.request(reqwest::Method::GET, &path).send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    let bytes = response.bytes().await.expect("the whole artifact");
    assert_eq!(Digest::of(&bytes).to_hex(), version["sha256"].as_str().expect("a digest"));
}

fn files_below(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries.flatten().map(|entry| if entry.path().is_dir() { files_below(&entry.path()) } else { 1 }).sum()
}

/// The same model with another digest: protobuf takes the last of a field that comes twice, and `doc_string` is field 6
/// of `ModelProto`.
fn with_doc_string(model: &[u8], text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).ok().filter(|length| *length < 128).expect("a short text");
    [model, &[6 << 3 | 2, length], text.as_bytes()].concat()
}

/// xorshift64 (Marsaglia 2003): moments differ from kill to kill and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
