//! A hundred hostile files, deployed while other models answer.

use crate::{damaged, external, tried, version};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use servoir_tests::api::{Answer, Api};
use servoir_tests::environment;
use servoir_tests::fixture::Fixture;
use servoir_tests::load::Load;
use servoir_tests::server::{BOOTSTRAP_KEY, Database, TestServer};
use std::collections::BTreeMap;

/// The shortest reason that can help anybody.
const REASON_CHARS_MIN: usize = 25;
/// Deploys at once.
const AT_ONCE: usize = 4;
/// Why files were rejected in every run.
const ENDINGS: [&str; 3] = ["refused", "timed-out", "out-of-memory"];

/// A file, and how it may end; nothing: in any way.
struct File {
    name: String,
    bytes: Vec<u8>,
    endings: Vec<String>,
    /// Whether there may be nothing wrong with it.
    may_live: bool,
}

/// Those of the files that are no models at all or absurd ones which this test sends too.
const ABSURD: [&str; 8] = [
    "absurd_dims.onnx",
    "cyclic.onnx",
    "dangling_input.onnx",
    "deep_graph.onnx",
    "negative_dims.onnx",
    "overflowing_dims.onnx",
    "unknown_domain.onnx",
    "wrong_opset.onnx",
];

/// What Python made and what is damaged here.
fn files() -> Vec<File> {
    let folder = environment::fixtures().join("preflight");
    let expected = std::fs::read(folder.join("expected.json")).expect("the fixtures of preflight");
    let expected: BTreeMap<String, Vec<String>> = serde_json::from_slice(&expected).expect("endings by name");
    let made = expected.into_iter().map(|(name, endings)| {
        let bytes = std::fs::read(folder.join(&name)).expect("a fixture");
        File { name, bytes, endings: endings.into_iter().filter(|ending| ending != "any").collect(), may_live: true }
    });
    let file = |may_live| move |(name, bytes)| File { name, bytes, endings: Vec::new(), may_live };
    let absurd = ABSURD.into_iter().map(|name| (name.to_owned(), Fixture::hostile(name)));
    let never = absurd.chain(external::files()).map(file(false));
    made.chain(damaged::files().into_iter().map(file(true))).chain(never).collect()
}

/// What came of a file: `live`, or the beginning of the reason why not.
async fn deploy(api: Api, file: File) -> String {
    let name = &file.name;
    let model = api.create_model(&format!("hostile {name}").replace('/', " ")).await;
    let uploaded = api.upload(&model, file.bytes).await;
    if uploaded.status != 201 {
        told(name, &uploaded);
        assert!(file.endings.is_empty(), "{name} was to come as far as an engine: {}", uploaded.text);
        return "not a model".to_owned();
    }
    let deployed = api.deploy(&model, json!({})).await;
    let shown = version(&api, &model, 1).await;
    if deployed.status == 200 {
        assert!(file.may_live && file.endings.is_empty(), "{name} is live, and was to end as {:?}", file.endings);
        assert_eq!(shown["state"], "ready");
        return "live".to_owned();
    }
    told(name, &deployed);
    let reason = shown["reason"].as_str().unwrap_or_default();
    assert_eq!(shown["state"], "rejected", "{name}: {}", deployed.text);
    let (ending, words) = reason.split_once(": ").expect("an outcome and words");
    assert!(["refused", "crashed", "timed-out", "out-of-memory"].contains(&ending), "{name}: {reason}");
    assert!(words.chars().count() >= REASON_CHARS_MIN, "{name}: {reason}");
    assert!(file.endings.is_empty() || file.endings.iter().any(|known| known == ending), "{name}: {reason}");
    ending.to_owned()
}

/// Every refusal is one of the client's, with a reason that helps.
#[track_caller]
fn told(name: &str, answer: &Answer) {
    let reason = answer.json["detail"].as_str().unwrap_or_default();
    println!("{name}: {} {reason}", answer.code());
    assert_eq!(answer.status, 422, "{name}: {}", answer.text);
    assert!(reason.chars().count() >= REASON_CHARS_MIN, "{name}: a reason that helps, not '{reason}'");
}

fn row(fixture: &Fixture) -> Value {
    json!({"instances": [Fixture::rows(&fixture.cases[0])[0]]})
}

/// What came of files that were deployed to one server.
#[derive(Default)]
struct Outcome {
    /// By ending.
    endings: BTreeMap<String, usize>,
    /// Files that were tried, by those of [`ENDINGS`].
    tried: BTreeMap<&'static str, u64>,
    /// Predictions that were answered meanwhile.
    answered: usize,
}

impl Outcome {
    fn add(&mut self, other: Self) {
        other.endings.into_iter().for_each(|(ending, count)| *self.endings.entry(ending).or_default() += count);
        other.tried.into_iter().for_each(|(outcome, count)| *self.tried.entry(outcome).or_default() += count);
        self.answered += other.answered;
    }
}

/// Deploys files to a server that gives each so much of the processor's time, while two other models answer there.
async fn deploy_all(seconds: u64, files: Vec<File>) -> Outcome {
    let server = TestServer::start_with(Database::Sqlite, |config| {
        config.preflight.seconds = seconds;
        config.preflight.memory_bytes = 1 << 30;
    })
    .await;
    let api = server.api();
    let mut loads = Vec::new();
    for name in ["xgb_binary", "mlp_softmax"] {
        let fixture = Fixture::read(name);
        let body = row(&fixture);
        let model = api.serve(name, fixture.model).await;
        // Two who ask without pause would leave little of a small machine to the children, which step back behind them.
        loads.push(Load::gently(&api, BOOTSTRAP_KEY, &format!("/v1/predict/{model}"), &body));
    }
    let mut outcome = Outcome::default();
    let mut endings = stream::iter(files).map(|file| deploy(api.clone(), file)).buffer_unordered(AT_ONCE);
    while let Some(ending) = endings.next().await {
        *outcome.endings.entry(ending).or_default() += 1;
    }
    for load in loads {
        let seen = load.stop().await;
        assert!(seen.failed.is_empty(), "{:?}", seen.failed);
        assert!(!seen.answered.is_empty(), "each model answers");
        outcome.answered += seen.answered.len();
    }
    for name in ENDINGS {
        outcome.tried.insert(name, tried(&api, name).await);
    }
    assert_eq!(tried(&api, "unavailable").await, 0);
    server.stop().await;
    outcome
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_hostile_files_harm_nobody() {
    let files = files();
    assert!(files.len() >= 100, "{}", files.len());
    // What may run for ever is given little time. What is to end otherwise has time to, on a busy machine too.
    let (lasting, ending): (Vec<_>, Vec<_>) = files
        .into_iter()
        .partition(|file| file.endings.is_empty() || file.endings.iter().any(|end| end == "timed-out"));
    let mut all = deploy_all(2, lasting).await;
    all.add(deploy_all(60, ending).await);
    println!("{:?}, {} predictions meanwhile", all.endings, all.answered);
    for name in ENDINGS {
        assert!(all.endings.contains_key(name) && all.tried[name] > 0, "{name}: {:?} {:?}", all.endings, all.tried);
    }
    assert!(all.answered > 200, "{} predictions", all.answered);
}

#[tokio::test]
async fn the_node_that_wants_too_much_is_named() {
    let server = TestServer::start_with(Database::Sqlite, |config| config.preflight.memory_bytes = 1 << 30).await;
    let api = server.api();
    let model = api.create_model("greedy").await;
    let file = environment::fixtures().join("preflight/expand_to_2_33.onnx");
    api.upload(&model, std::fs::read(file).expect("a fixture")).await.expect(201);
    let refused = api.deploy(&model, json!({})).await.expect(422);
    let detail = refused.json["detail"].as_str().expect("a detail");
    assert_eq!(refused.code(), "version-rejected");
    for words in ["out-of-memory: ", "1024 MiB", "preflight.memory_bytes", "too much"] {
        assert!(detail.contains(words), "'{words}' in: {detail}");
    }
    server.stop().await;
}
