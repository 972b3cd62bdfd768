//! Engines that panic, fail or answer wrongly, under load and in the middle of swaps.

use serde_json::{Value, json};
use servoir::auth::DEFAULT_ORGANIZATION;
use servoir_runtime::faulty::{Alive, Faulty, FaultyProgram, column, row_signature};
use servoir_runtime::{Deployment, Identity, Live, PoolOptions};
use servoir_tests::api::{Answer, Api};
use servoir_tests::server::{BOOTSTRAP_KEY, TestServer};
use servoir_types::{Data, ModelId, Tensor};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

const SWAPS: u64 = 200;
/// Clients whose rows every version answers, and clients whose rows only the sound ones do.
const WELL: usize = 6;
const PROVOKING: usize = 2;
const FREED_WITHIN: Duration = Duration::from_secs(30);

/// What a version does with a negative row: nothing special, panic, fail, or lose the last row of those that it was given.
const SOUND: u64 = 0;
const PANICS: u64 = 1;
const FAILS: u64 = 2;
const LOSES: u64 = 3;
const KINDS: u64 = 4;

/// What a version answers to a row: no two versions answer alike.
fn answer_of(version: u64, row: f32) -> f32 {
    row + 1000.0 * version as f32
}

fn program(version: u64) -> Arc<Faulty> {
    Faulty::new(row_signature(), move |inputs: &[Tensor]| {
        let Some(Data::Fp32(rows)) = inputs.first().map(Tensor::data) else { return Err("not FP32".into()) };
        let mut answers: Vec<f32> = rows.iter().map(|&row| answer_of(version, row)).collect();
        if rows.iter().any(|&row| row < 0.0) {
            match version % KINDS {
                SOUND => {}
                PANICS => std::panic::resume_unwind(Box::new("on purpose")),
                FAILS => return Err("no negative rows, please".into()),
                _ => answers.truncate(rows.len() - 1),
            }
        }
        Ok(vec![column(&answers)])
    })
}

/// A version that is ready, and what tells whether it is gone.
fn start(model: &ModelId, version: u64) -> (Live, Arc<Alive>) {
    let program = program(version);
    let alive = program.alive();
    let identity = Identity { model: model.clone(), name: "faulty".into(), version };
    let options = PoolOptions {
        instances: 1,
        batch_rows_max: 8,
        queue_delay_max: Duration::from_micros(200),
        queue_rows_max: 1000,
        queue_bytes_max: 1 << 20,
        timeout_default: None,
        inline_cost_max: Duration::ZERO,
        inline_rows_max: None,
        check_one_in: 0,
        threads: 1,
        latency_target: None,
        scaling: None,
        profile: None,
    };
    let primary = Deployment::start(identity, Arc::new(FaultyProgram(program)), options).expect("it starts");
    (Live { primary, canary: None, shadow: None, also: Vec::new() }, alive)
}

async fn ask(api: &Api, row: f32) -> Answer {
    let inputs = json!([{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [row]}]);
    api.post("/v2/models/faulty/infer", json!({ "inputs": inputs })).await
}

/// Whether an answer is that of the version that it names.
fn is_of_its_version(answer: &Value, row: f32) -> bool {
    let Some(version) = answer["model_version"].as_str().and_then(|version| version.parse().ok()) else { return false };
    // Alone, a model may answer with as many rows as it likes: the row that was lost is then the caller's own.
    let is_lost = row < 0.0 && version % KINDS == LOSES;
    let got: Option<Vec<_>> =
        answer["outputs"][0]["data"].as_array().map(|data| data.iter().map(Value::as_f64).collect());
    let expected = if is_lost { vec![] } else { vec![Some(f64::from(answer_of(version, row)))] };
    got == Some(expected)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_requests_that_an_engine_fails_on_fail() {
    let server = TestServer::start().await;
    let (api, model) = (server.api(), ModelId::from_text("model_faulty"));
    let publish = |live| server.app().serving.publish(DEFAULT_ORGANIZATION, "faulty", &model, live);
    let (first, alive) = start(&model, 0);
    let mut sessions = vec![alive];
    publish(first);
    let (done, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..WELL + PROVOKING {
        let (api, done, answered) = (Api::new(api.url(), Some(BOOTSTRAP_KEY)), done.clone(), answered.clone());
        clients.spawn(async move {
            let (mut well, mut failed) = (0, 0);
            let row = if client < WELL { 1.0 + client as f32 } else { -1.0 - client as f32 };
            while !done.load(Ordering::Relaxed) {
                let answer = ask(&api, row).await;
                answered.fetch_add(1, Ordering::Relaxed);
                match answer.status.as_u16() {
                    200 => {
                        assert!(is_of_its_version(&answer.json, row), "{row}: {}", answer.text);
                        well += 1;
                    }
                    500 if row < 0.0 => {
                        assert!(answer.json["error"].is_string(), "{}", answer.text);
                        failed += 1;
                    }
                    _ => panic!("{row}: {} {}", answer.status, answer.text),
                }
            }
            (row < 0.0, well, failed)
        });
    }
    for version in 1..=SWAPS {
        let (live, alive) = start(&model, version);
        sessions.push(alive);
        let before = answered.load(Ordering::Relaxed);
        publish(live);
        // Each version is asked by several before the next comes.
        while answered.load(Ordering::Relaxed) < before + 2 * (WELL + PROVOKING) as u64
            && clients.try_join_next().is_none()
        {
            tokio::task::yield_now().await;
        }
    }
    done.store(true, Ordering::Relaxed);
    let seen = clients.join_all().await;
    assert_eq!(seen.len(), WELL + PROVOKING);
    let (well, failed) = seen.iter().fold((0, 0), |(well, failed), one| (well + one.1, failed + one.2));
    println!("{SWAPS} swaps: {well} answered, {failed} failed, all of which provoked it");
    let provoked = |one: &&(bool, usize, usize)| one.0;
    assert!(seen.iter().filter(provoked).all(|one| one.1 > 0 && one.2 > 0), "{seen:?}");
    api.get("/livez").await.expect(200);

    server.app().serving.withdraw(&model);
    let freed = tokio::task::spawn_blocking(move || sessions.iter().for_each(|alive| alive.wait_until_at_most(0)));
    tokio::time::timeout(FREED_WITHIN, freed).await.expect("every version's sessions are freed").expect("no panic");
    server.stop().await;
}
