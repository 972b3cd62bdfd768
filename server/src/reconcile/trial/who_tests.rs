//! What is put on trial, and what is not.

use super::{Arrival, Limits, Trials};
use crate::reconcile::started::{model, start};
use servoir_registry::OnTrial;
use servoir_runtime::faulty::{Faulty, column};
use servoir_runtime::{Deployment, Live, Priority, Request};
use servoir_types::{Datatype, Shape, Signature, TensorSpec};
use std::sync::Arc;
use std::time::{Duration, Instant};

const LIMITS: Limits = Limits { risk: 0.001, slower: 2.0 };
const LONGEST: Duration = Duration::from_secs(300);

fn good(version: u64) -> Arc<Deployment> {
    start(version, Faulty::by_row(Ok))
}

fn failing(version: u64) -> Arc<Deployment> {
    start(version, Faulty::by_row(|_| Err("on purpose".into())))
}

/// The same input, and an output by another name.
fn failing_otherwise(version: u64) -> Arc<Deployment> {
    let spec = |name: &str| TensorSpec::new(name, Datatype::Fp32, Shape::ranked([-1, 1]));
    let signature = Signature { inputs: vec![spec("x")], outputs: vec![spec("z")] };
    start(version, Faulty::new(signature, |_| Err("on purpose".into())))
}

/// Asks as often as makes three stretches at least.
async fn ask(deployment: &Deployment) {
    for _ in 0..30 {
        let request =
            Request { inputs: vec![column(&[5.0])], deadline: None, priority: Priority::Normal, observed: false };
        let _answered = deployment.predict(request).await;
    }
}

fn live(primary: &Arc<Deployment>, canary: Option<(u8, &Arc<Deployment>)>) -> Live {
    let canary = canary.map(|(percent, canary)| (percent, Arc::clone(canary)));
    Live { primary: Arc::clone(primary), canary, shadow: None, also: Vec::new() }
}

/// Makes it live in the place of another.
fn publish(trials: &Trials, (replaced, live): (Option<&Live>, &Live), way_back: Option<u64>) {
    trials.published(&model(), &Arrival { replaced, live, way_back }, &LIMITS, Instant::now());
}

fn found(trials: &Trials, now: Instant) -> Vec<(OnTrial, u64, u64)> {
    let found = trials.observe((&LIMITS, LONGEST), now);
    found.iter().map(|found| (found.on_trial, found.version, found.version_before)).collect()
}

#[tokio::test]
async fn another_version_is_compared_with_the_way_back() {
    let cases: [(Arc<Deployment>, Option<u64>, bool, &str); 5] = [
        (failing(2), Some(1), true, "it is the way back"),
        (failing(2), None, false, "it came back itself"),
        (failing(2), Some(7), false, "what it replaced here is not the way back"),
        (failing(1), Some(1), false, "the same version, run otherwise"),
        (failing_otherwise(2), Some(1), false, "going back would break callers"),
    ];
    for (next, way_back, expected, why) in cases {
        let (trials, before) = (Trials::default(), good(1));
        let (before_it, after_it) = (live(&before, None), live(&next, None));
        publish(&trials, (None, &before_it), None);
        ask(&before).await;
        assert_eq!(found(&trials, Instant::now()), [], "nothing is on trial yet");
        publish(&trials, (Some(&before_it), &after_it), way_back);
        ask(&next).await;
        let wanted = if expected { vec![(OnTrial::Primary, next.identity().version, 1)] } else { vec![] };
        assert_eq!(found(&trials, Instant::now()), wanted, "{why}");
        // It is found again until it is gone.
        assert_eq!(found(&trials, Instant::now()), wanted, "{why}");
        publish(&trials, (Some(&after_it), &before_it), None);
        ask(&before).await;
        assert_eq!(found(&trials, Instant::now()), [], "{why}");
    }
}

#[tokio::test]
async fn a_canary_is_compared_with_what_answers_beside_it() {
    let (trials, primary, canary) = (Trials::default(), good(1), failing(2));
    let (alone, beside) = (live(&primary, None), live(&primary, Some((10, &canary))));
    publish(&trials, (None, &alone), None);
    // What is live has answered nothing before: it is known by what it answers now.
    publish(&trials, (Some(&alone), &beside), None);
    ask(&canary).await;
    assert_eq!(found(&trials, Instant::now()), []);
    ask(&primary).await;
    let worse = [(OnTrial::Canary, 2, 1)];
    assert_eq!(found(&trials, Instant::now()), worse);
    trials.end(&model(), OnTrial::Canary);
    publish(&trials, (Some(&beside), &beside), None);
    ask(&canary).await;
    assert_eq!(found(&trials, Instant::now()), [], "nobody has decided anything of it");
    let more = live(&primary, Some((50, &canary)));
    publish(&trials, (Some(&beside), &more), None);
    ask(&canary).await;
    assert_eq!(found(&trials, Instant::now()), worse, "who gives it more puts it on trial again");
    assert_eq!(found(&trials, Instant::now() + LONGEST), worse);
    assert_eq!(found(&trials, Instant::now() + LONGEST), [], "its time is over");
    trials.forget(&model());
}
