//! What is put on trial, and what is not.

use super::divergence::Tolerated;
use super::verdict::Verdict;
use super::{Arrival, Cause, Limits, Trials};
use crate::reconcile::started::{model, start};
use servoir_registry::{Forced, OnTrial};
use servoir_runtime::faulty::{Faulty, column};
use servoir_runtime::{Deployment, Live, Priority, Request};
use servoir_types::{Datatype, Shape, Signature, TensorSpec};
use std::sync::Arc;
use std::time::{Duration, Instant};

const LIMITS: Limits = Limits { risk: 0.001, slower: 2.0, tolerated: Tolerated { labels: None, scores: None } };
/// The same, and numbers may be as far apart as a fiftieth of 1 on average.
const NEAR: Limits = Limits { tolerated: Tolerated { labels: None, scores: Some(0.01) }, ..LIMITS };
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
    trials.published(
        &model(),
        &Arrival { replaced, live, way_back, forced: Forced::default() },
        &LIMITS,
        Instant::now(),
    );
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

/// Shows what would be asked of the version before, and asks both; whether there was anything to ask.
async fn ask_both(trials: &Trials, deployment: &Arc<Deployment>, value: f32) -> bool {
    let inputs = vec![column(&[value])];
    let asked = trials.sampled.see(deployment, &inputs, None);
    let request = Request { inputs, deadline: None, priority: Priority::Normal, observed: false };
    let answer = deployment.predict(request).await.expect("an answer");
    asked.map(|asked| asked.answered(&answer.outputs)).is_some()
}

#[tokio::test]
async fn what_answers_otherwise_is_found_unless_it_was_forced_or_nobody_limits_that() {
    let near = || start(2, Faulty::by_row(|value| Ok(value + 0.001)));
    let far = || start(2, Faulty::by_row(|value| Ok(value + 1.0)));
    let by_force = Forced { primary: true, canary: true };
    let cases = [
        (far(), Forced::default(), &NEAR, true, "it is far from the one before"),
        (near(), Forced::default(), &NEAR, false, "it is near enough"),
        (far(), by_force, &NEAR, false, "it was forced"),
        (far(), Forced::default(), &LIMITS, false, "any distance is allowed"),
    ];
    for (next, forced, limits, expected, why) in cases {
        for as_canary in [false, true] {
            let (trials, before) = (Trials::default(), good(1));
            trials.sampled.on(tokio::runtime::Handle::current());
            let was = live(&before, None);
            let is = if as_canary { live(&before, Some((50, &next))) } else { live(&next, None) };
            let arrival = Arrival { replaced: Some(&was), live: &is, way_back: Some(1), forced };
            trials.published(&model(), &arrival, limits, Instant::now());
            let mut asked = 0;
            for turn in 0..100u8 {
                asked += u64::from(ask_both(&trials, &next, f32::from(turn % 2)).await);
                assert!(!ask_both(&trials, &before, 0.0).await, "it is not on trial");
                // As many as were asked of both are compared before the next, so that none is passed over.
                while trials.compared(&next).is_some_and(|(found, _)| found.requests < asked) {
                    tokio::task::yield_now().await;
                }
            }
            let is_compared = limits == &NEAR && forced == Forced::default();
            assert_eq!(asked, if is_compared { 100 } else { 0 }, "{why}");
            assert_eq!(trials.compared(&next).map(|(found, with)| (found.requests, with)).is_some(), is_compared);
            let found = trials.observe((limits, LONGEST), Instant::now());
            let causes: Vec<_> =
                found.iter().map(|found| (found.verdict.cause(), found.version, found.version_before)).collect();
            assert_eq!(causes, if expected { vec![(Cause::Divergence, 2, 1)] } else { vec![] }, "{why}");
            if let Some(Verdict::Diverging(diverging)) = found.first().map(|found| found.verdict) {
                assert_eq!((diverging.requests, diverging.limit), (100, 0.02));
                assert!(diverging.bound > diverging.limit && diverging.bound < diverging.share, "{diverging:?}");
            }
            // What is over is not asked any more.
            trials.end(&model(), if as_canary { OnTrial::Canary } else { OnTrial::Primary });
            assert!(!ask_both(&trials, &next, 1.0).await);
        }
    }
}

#[tokio::test]
async fn a_sample_is_bounded() {
    let (trials, before, next) = (Trials::default(), good(1), good(2));
    trials.sampled.on(tokio::runtime::Handle::current());
    let (was, is) = (live(&before, None), live(&next, None));
    let arrival = Arrival { replaced: Some(&was), live: &is, way_back: Some(1), forced: Forced::default() };
    trials.published(&model(), &arrival, &NEAR, Instant::now());
    let inputs = [column(&[1.0])];
    let see = || trials.sampled.see(&next, &inputs, None);
    // None of them has been answered: so many are under way, and no more. Those passed over do not use up the first ones.
    let under_way: Vec<_> = (0..200).filter_map(|_| see()).collect();
    assert_eq!(under_way.len(), 8);
    drop(under_way);
    while trials.sampled.of(&next).is_some_and(|sample| sample.under_way() > 0) {
        tokio::task::yield_now().await;
    }
    let compared = || trials.compared(&next).map(|(found, _)| found.requests);
    let mut asked = 0;
    for _ in 8..408 {
        if let Some(one) = see() {
            one.answered(&inputs);
            asked += 1;
        }
        while compared() < Some(asked) {
            tokio::task::yield_now().await;
        }
    }
    // Of those behind the first hundred, 112 is the first whose turn it is, and 400 the last.
    assert_eq!(asked, 100 - 8 + (400 - 112) / 16 + 1, "the first hundred, and then one of sixteen");
}
