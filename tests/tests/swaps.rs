//! 1,000 swaps between two versions while 16 connections predict without pause.

use serde_json::{Value, json};
use servoir_tests::fixture::Fixture;
use servoir_tests::load::{Load, Observed};
use servoir_tests::process::ServerProcess;
use servoir_tests::server::BOOTSTRAP_KEY;
use std::ops::Range;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How many swaps; `SERVOIR_TEST_SWAPS` overrides it.
const SWAPS: usize = 1000;
const CONNECTIONS: usize = 16;
/// The swaps over which the least resident memory is taken, in tenths of all: one reading says little, because an allocator gives back
/// what is free when it likes. From the first to the second it may grow by this share at most.
const SETTLED: Range<usize> = 4..5;
const AT_THE_END: Range<usize> = 9..10;
const GROWTH_MAX: f64 = 0.05;

/// A version that was asked to go live and said that it was.
struct Swap {
    version: u64,
    asked: Instant,
    live: Instant,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_swaps_lose_no_request_and_keep_memory_flat() {
    let swaps_wanted = std::env::var("SERVOIR_TEST_SWAPS").ok().and_then(|swaps| swaps.parse().ok()).unwrap_or(SWAPS);
    let (first, second) = (Fixture::read("xgb_binary"), Fixture::read("xgb_binary_v2"));
    let row = Fixture::rows(&first.cases[0])[0].clone();
    assert_eq!(row, Fixture::rows(&second.cases[0])[0], "both fixtures answer the same row");
    let expected = [&first, &second].map(|fixture| fixture.cases[0]["outputs"]["probabilities"]["data"].clone());

    let data = TempDir::new().expect("a temporary folder");
    let server = ServerProcess::start(data.path()).await;
    let api = server.api();
    let model = api.serve("churn", first.model).await;
    api.upload(&model, second.model).await.expect(201);

    let path = format!("/v1/predict/{model}");
    let mut swaps = vec![Swap { version: 1, asked: Instant::now(), live: Instant::now() }];
    let load = Load::start(&api, BOOTSTRAP_KEY, &path, &json!({"instances": [row]}), CONNECTIONS);
    let mut resident = Vec::with_capacity(swaps_wanted);
    let started = Instant::now();
    for number in 1..=swaps_wanted {
        let version = 1 + number as u64 % 2;
        // The batch size differs from the last three deployments', so that none is answered by one that is still warm.
        let deploy = json!({"version": version, "batching": {"maxBatchSize": 16 + number % 3}});
        let asked = Instant::now();
        api.deploy(&model, deploy).await.expect(200);
        swaps.push(Swap { version, asked, live: Instant::now() });
        resident.push(server.resident_bytes());
    }
    let elapsed = started.elapsed();
    let least = |tenths: Range<usize>| {
        let swaps = swaps_wanted * tenths.start / 10..swaps_wanted * tenths.end / 10;
        resident[swaps].iter().copied().min().expect("ten swaps at least")
    };
    let (settled, grown) = (least(SETTLED), least(AT_THE_END));
    let outcome = load.stop().await;

    let answered = outcome.answered.len();
    let by_first = outcome.answered.iter().filter(|one| one.version == 1).count();
    println!(
        "{swaps_wanted} swaps in {elapsed:.1?}: {answered} predictions answered ({by_first} by version 1), failed {:?}; \
         resident {settled} bytes around half of them, {grown} at the end",
        outcome.failed
    );
    assert!(outcome.failed.is_empty(), "{:?}", outcome.failed);
    assert!(by_first > 0 && by_first < answered, "both versions answered");
    for one in &outcome.answered {
        assert!(was_live(&swaps, one), "version {} answered when it was never live", one.version);
        assert_numbers(&one.numbers, &expected[one.version as usize - 1]);
    }
    let growth = grown as f64 / settled as f64 - 1.0;
    assert!(growth <= GROWTH_MAX, "resident memory grew by {:.1} %", growth * 100.0);
    let status = server.terminate().await;
    assert!(status.success(), "SIGTERM ends the server in peace: {status}");
}

/// Whether an answer's version can have been live at some moment between question and answer: from when it was asked to
/// go live until the next one said that it was.
fn was_live(swaps: &[Swap], one: &Observed) -> bool {
    let from = swaps.partition_point(|swap| swap.live <= one.asked).saturating_sub(1);
    swaps[from..].iter().take_while(|swap| swap.asked <= one.answered).any(|swap| swap.version == one.version)
}

fn assert_numbers(got: &Value, expected: &Value) {
    let numbers =
        |value: &Value| value.as_array().map(|list| list.iter().filter_map(Value::as_f64).collect::<Vec<_>>());
    let (got, expected) = (numbers(got).unwrap_or_default(), numbers(expected).unwrap_or_default());
    assert_eq!(got.len(), expected.len(), "as many classes");
    for (got, expected) in got.iter().zip(&expected) {
        assert!((got - expected).abs() <= 1e-6, "{got} is not this version's {expected}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_under_load_loses_no_request_that_was_begun() {
    let fixture = Fixture::read("xgb_binary");
    let row = Fixture::rows(&fixture.cases[0])[0].clone();
    let data = TempDir::new().expect("a temporary folder");
    let server = ServerProcess::start(data.path()).await;
    let api = server.api();
    let model = api.serve("churn", fixture.model).await;
    let path = format!("/v1/predict/{model}");
    let load = Load::start(&api, BOOTSTRAP_KEY, &path, &json!({"instances": [row]}), CONNECTIONS);
    // The signal comes once the load has been seen to run.
    let busy = Instant::now();
    while !api.get("/metrics").await.text.contains("servoir_requests_total{code=\"200\"") {
        assert!(busy.elapsed() < Duration::from_secs(30), "no prediction was counted");
    }
    let status = server.terminate().await;
    assert!(status.success(), "{status}");
    let outcome = load.stop().await;
    assert!(!outcome.answered.is_empty());
    // After the end, connections are refused; what counts is that no request was cut off in the middle.
    let cut = outcome.failed.keys().filter(|what| !what.contains("error sending request"));
    assert_eq!(cut.collect::<Vec<_>>(), Vec::<&String>::new());
}
