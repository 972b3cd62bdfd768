//! Many clients at once, whatever the order of things: no row reaches another's answer, and nothing is left behind.

mod question;
mod rows;
#[path = "../support/mod.rs"]
mod support;

use servoir_runtime::faulty::{Faulty, FaultyProgram, column};
use servoir_runtime::{Deployment, Entry, Identity, Live, PoolOptions, Serving};
use servoir_types::{Data, ModelId};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use support::{block_on, request};

fn start(faulty: Arc<Faulty>, version: u64, options: PoolOptions) -> Arc<Deployment> {
    let identity = Identity { model: ModelId::from_text("model_x"), name: "x".into(), version };
    Deployment::start(identity, Arc::new(FaultyProgram(faulty)), options).expect("instances start")
}

fn options(batch_rows_max: usize) -> PoolOptions {
    PoolOptions { batch_rows_max, ..support::OPTIONS }
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
        (faulty.alive(), start(faulty, u64::from(version), options(8)))
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
    let deployment = start(constant(1.0), 1, options(1));
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
        let primary = start(constant(1.0), 1, options(1));
        let canary = start(constant(2.0), 2, options(1));
        let serving = Serving::default();
        let model = ModelId::from_text("model_x");
        let live = Live { primary, canary: Some((percent, canary)), shadow: None, also: Vec::new() };
        serving.publish("org", "x", &model, live);
        let entry = serving.find("org", "x").expect("the model is found");
        let versions = (0..200).filter_map(|_| entry.choose()).filter(|chosen| chosen.identity().version == 2);
        assert_eq!(versions.count(), usize::from(percent) * 2, "{percent} %");
    }
}
