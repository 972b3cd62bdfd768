//! Many clients at once, whatever the order of things: no row reaches another's answer, and nothing is left behind.

mod support;

use servoir_runtime::faulty::{Faulty, FaultyProgram, column};
use servoir_runtime::{Deployment, Entry, Identity, Live, PoolOptions, PredictError, Priority, Request, Serving};
use servoir_types::{Data, ModelId};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use support::{Asked, Dice, block_on, request, runtime};

const CLIENTS: u64 = 8;
const REQUESTS: u64 = 250;

/// Rows whose value ends in this fail, and those of the next panic.
const FAILING: f32 = 0.25;
const PANICKING: f32 = 0.75;

fn start(faulty: Arc<Faulty>, version: u64, options: PoolOptions) -> Arc<Deployment> {
    let identity = Identity { model: ModelId::from_text("model_x"), name: "x".into(), version };
    Deployment::start(identity, Arc::new(FaultyProgram(faulty)), options).expect("instances start")
}

fn options(instances: usize, batch_rows_max: usize, delay_micros: u64) -> PoolOptions {
    PoolOptions {
        instances,
        batch_rows_max,
        queue_delay_max: Duration::from_micros(delay_micros),
        queue_rows_max: 64,
        queue_bytes_max: 64 * size_of::<f32>(),
        ..support::OPTIONS
    }
}

fn culprit(rows: &[f32]) -> bool {
    rows.iter().any(|row| row.fract() == FAILING || row.fract() == PANICKING)
}

/// What the clients of one run saw.
#[derive(Default)]
struct Seen {
    answered: AtomicUsize,
    failed: AtomicUsize,
    refused: AtomicUsize,
    expired: AtomicUsize,
    gone: AtomicUsize,
    together: AtomicUsize,
}

fn client(deployment: &Deployment, number: u64, seen: &Seen) {
    let runtime = runtime();
    let mut dice = Dice::new(number + 1);
    let count = |counter: &AtomicUsize| counter.fetch_add(1, Ordering::Relaxed);
    for turn in 0..REQUESTS {
        #[allow(clippy::cast_precision_loss)] // whole numbers below 2^24
        let rows: Vec<f32> = (0..dice.roll(4)).map(|row| ((number * REQUESTS + turn) * 4 + row) as f32).collect();
        let mut rows = rows;
        if let Some(row) = rows.last_mut() {
            *row += match dice.roll(200) {
                0..10 => FAILING,
                10 => PANICKING,
                _ => 0.0,
            };
        }
        let deadline = match dice.roll(10) {
            0 => Some(Instant::now() + Duration::from_micros(dice.roll(400))),
            _ => None,
        };
        let priority = [Priority::High, Priority::Normal, Priority::Low][usize::try_from(dice.roll(3)).unwrap_or(0)];
        let asked = {
            let _timer = runtime.enter();
            Asked::of(deployment, Request { inputs: vec![column(&rows)], deadline, priority, observed: true })
        };
        if dice.roll(8) == 0 {
            count(&seen.gone);
            drop(asked);
            continue;
        }
        let answer = match asked {
            Asked::Answered(answer) => answer,
            Asked::Waiting(waiting) => runtime.block_on(waiting),
        };
        match answer {
            Ok(answer) => {
                let expected: Vec<f32> = rows.iter().map(|row| row * 3.0 + 1.0).collect();
                assert_eq!(answer.outputs, [column(&expected)], "{rows:?}");
                assert!(!culprit(&rows), "{rows:?}");
                count(&seen.answered);
                seen.together.fetch_add(usize::from(answer.batch_rows > rows.len()), Ordering::Relaxed);
            }
            Err(PredictError::Run(error)) => {
                assert!(culprit(&rows), "{rows:?} failed for another: {error}");
                count(&seen.failed);
            }
            Err(PredictError::DeadlineExceeded | PredictError::DeadlineTooSoon { .. }) => {
                assert!(deadline.is_some());
                count(&seen.expired);
            }
            Err(PredictError::QueueFull { .. }) => drop(count(&seen.refused)),
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn no_row_ever_reaches_anothers_answer() {
    for (instances, batch_rows_max, delay_micros) in [(1, 1, 0), (1, 16, 0), (3, 4, 0), (2, 16, 200), (4, 64, 50)] {
        let faulty = Faulty::by_row(|row| match row.fract() {
            FAILING => Err("cannot".into()),
            PANICKING => panic!("broke"),
            _ => Ok(row * 3.0 + 1.0),
        });
        let alive = faulty.alive();
        let deployment = start(faulty, 1, options(instances, batch_rows_max, delay_micros));
        let seen = Seen::default();
        std::thread::scope(|scope| {
            for number in 0..CLIENTS {
                let (deployment, seen) = (&deployment, &seen);
                scope.spawn(move || client(deployment, number, seen));
            }
        });
        block_on(deployment.idle());
        let gauges = deployment.gauges();
        assert_eq!((gauges.in_flight, gauges.queue_rows, gauges.instances), (0, 0, instances));
        let [answered, failed, gone] =
            [&seen.answered, &seen.failed, &seen.gone].map(|count| count.load(Ordering::Relaxed));
        let [refused, expired] = [&seen.refused, &seen.expired].map(|count| count.load(Ordering::Relaxed));
        assert_eq!(answered + failed + gone + refused + expired, usize::try_from(CLIENTS * REQUESTS).unwrap_or(0));
        assert!(answered > 500 && failed > 0 && gone > 0, "{answered} {failed} {gone}");
        assert_eq!(seen.together.load(Ordering::Relaxed) > 0, batch_rows_max > 1);
        drop(deployment);
        alive.wait_until_at_most(0);
    }
}

fn constant(answer: f32) -> Arc<Faulty> {
    Faulty::by_row(move |_| Ok(answer))
}

fn ask(entry: &Entry) -> f32 {
    let deployment = entry.choose().expect("something is live");
    let answer = block_on(deployment.predict(request(vec![column(&[1.0])]))).expect("the request is answered");
    match answer.outputs[0].data() {
        Data::Fp32(rows) => rows[0],
        other => panic!("{other:?}"),
    }
}

fn live(primary: Arc<Deployment>) -> Live {
    Live { primary, canary: None, shadow: None, also: Vec::new() }
}

#[test]
fn every_answer_is_of_a_version_that_was_live_while_it_was_asked() {
    const SWAPS: u32 = 1000;
    let (serving, model) = (Serving::default(), ModelId::from_text("model_x"));
    let deploy = |version: u32| {
        #[allow(clippy::cast_precision_loss)] // at most a thousand
        let faulty = constant(version as f32);
        (faulty.alive(), start(faulty, u64::from(version), options(1, 8, 0)))
    };
    let mut sessions = Vec::new();
    let (alive, first) = deploy(0);
    sessions.push(alive);
    assert!(serving.publish("org", "x", &model, live(first)).is_none());
    let (begun, published, done) = (AtomicU32::new(0), AtomicU32::new(0), AtomicBool::new(false));
    let answers = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for client in 0..3u32 {
            let (serving, model, begun, published, done, answers) =
                (&serving, &model, &begun, &published, &done, &answers);
            scope.spawn(move || {
                while !done.load(Ordering::SeqCst) {
                    let name = if client == 0 { model.as_str() } else { "x" };
                    let oldest = published.load(Ordering::SeqCst);
                    let answer = ask(&serving.find("org", name).expect("the model is found"));
                    let newest = begun.load(Ordering::SeqCst);
                    #[allow(clippy::cast_precision_loss)]
                    let range = oldest as f32..=newest as f32;
                    assert!(range.contains(&answer), "{answer} is not of {range:?}");
                    answers.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for version in 1..=SWAPS {
            let (alive, next) = deploy(version);
            sessions.push(alive);
            begun.store(version, Ordering::SeqCst);
            let before = serving.publish("org", "x", &model, live(next)).expect("one was live");
            published.store(version, Ordering::SeqCst);
            assert_eq!(before.primary.identity().version, u64::from(version) - 1);
        }
        done.store(true, Ordering::SeqCst);
    });
    assert!(answers.load(Ordering::Relaxed) > 100);
    let last = serving.withdraw(&model).expect("one was live");
    assert!(serving.find("org", "x").is_none());
    drop(last);
    sessions.iter().for_each(|alive| alive.wait_until_at_most(0));
}

#[test]
fn models_are_found_by_id_and_name_in_their_own_organization_only() {
    let serving = Serving::default();
    let deployment = start(constant(1.0), 1, options(1, 1, 0));
    let publish = |organization: &str, name: &str, id: &str| {
        serving.publish(organization, name, &ModelId::from_text(id), live(Arc::clone(&deployment))).is_some()
    };
    let found = |organization: &str, name: &str| {
        serving.find(organization, name).map(|entry| entry.model().as_str().to_owned())
    };
    assert!(!publish("a", "churn", "model_1"));
    assert!(!publish("b", "churn", "model_2"));
    let cases = [
        ("a", "churn", "model_1"),
        ("a", "model_1", "model_1"),
        ("b", "churn", "model_2"),
        ("b", "model_2", "model_2"),
    ];
    for (organization, name, model) in cases {
        assert_eq!(found(organization, name).as_deref(), Some(model));
    }
    for (organization, name) in [("a", "model_2"), ("b", "model_1"), ("c", "churn"), ("a", ""), ("", "churn")] {
        assert_eq!(found(organization, name), None, "{organization}/{name}");
    }
    // A model takes a new name, and another model the old one.
    assert!(publish("a", "renamed", "model_1"));
    assert_eq!((found("a", "churn"), found("a", "renamed").as_deref()), (None, Some("model_1")));
    assert!(!publish("a", "churn", "model_3"));
    assert_eq!(found("a", "churn").as_deref(), Some("model_3"));
    assert!(serving.withdraw(&ModelId::from_text("model_1")).is_some());
    assert!(serving.withdraw(&ModelId::from_text("model_1")).is_none());
    assert_eq!((found("a", "renamed"), found("a", "model_1")), (None, None));
    let mut entries: Vec<_> =
        serving.entries().into_iter().map(|(organization, entry)| (organization, entry.model().to_string())).collect();
    entries.sort();
    assert_eq!(entries, [("a".to_owned(), "model_3".to_owned()), ("b".to_owned(), "model_2".to_owned())]);
}

#[test]
fn a_canary_takes_its_share() {
    for percent in [0u8, 1, 10, 50, 100] {
        let primary = start(constant(1.0), 1, options(1, 1, 0));
        let canary = start(constant(2.0), 2, options(1, 1, 0));
        let serving = Serving::default();
        let model = ModelId::from_text("model_x");
        let live = Live { primary, canary: Some((percent, canary)), shadow: None, also: Vec::new() };
        serving.publish("org", "x", &model, live);
        let entry = serving.find("org", "x").expect("the model is found");
        let versions = (0..200).filter_map(|_| entry.choose()).filter(|chosen| chosen.identity().version == 2);
        assert_eq!(versions.count(), usize::from(percent) * 2, "{percent} %");
    }
}
