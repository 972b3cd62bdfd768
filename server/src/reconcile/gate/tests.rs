//! Versions that answer recorded requests otherwise, with programs that do what a test says.

use super::agreement::Agreement;
use super::requests::ask;
use crate::config::SwapConfig;
use crate::error::FieldError;
use crate::reconcile::started::start;
use servoir_runtime::faulty::{Faulty, column};
use servoir_types::{Data, Datatype, Role, Shape, Signature, Tensor, TensorSpec};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Nothing but failures, shapes and what is not finite counts.
const LAX: SwapConfig = SwapConfig {
    watch_seconds: 0,
    false_alarms_one_in: 1000,
    slower_percent_max: 100,
    requests_max: 10,
    requests_bytes_max: 1000,
    labels_differ_percent_max: 100,
    scores_differ_percent_max: 200,
    requests_slower_percent_max: 0,
    watch_divergence: true,
};

/// What is beyond the limits when `next` takes the place of `live`, which was asked for 1, 2, 3 and 4.
fn beyond(live: Arc<Faulty>, next: Arc<Faulty>, limits: &SwapConfig) -> Vec<String> {
    let requests = [1.0, 2.0, 3.0, 4.0].map(|value| vec![column(&[value])]).to_vec();
    let agreement = ask(&start(1, live), &start(2, next), requests).expect("sessions");
    agreement.beyond(limits).into_iter().map(shown).collect()
}

fn shown(field: FieldError) -> String {
    format!("{}: {}", field.pointer, field.detail)
}

fn doubling() -> Arc<Faulty> {
    Faulty::by_row(|value| Ok(2.0 * value))
}

#[test]
fn a_version_that_answers_alike_may_pass() {
    let strict = SwapConfig { labels_differ_percent_max: 0, scores_differ_percent_max: 0, ..LAX };
    assert_eq!(beyond(doubling(), doubling(), &strict), Vec::<String>::new());
}

#[test]
fn failures_and_what_is_not_finite_count_where_the_live_version_was_well() {
    let fails = Faulty::by_row(|value| if value > 2.0 { Err("too much".into()) } else { Ok(value) });
    let found = beyond(doubling(), Arc::clone(&fails), &LAX);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("/requests: failed on 2 of 4 recorded requests: "), "{}", found[0]);
    assert!(found[0].contains("too much"), "{}", found[0]);
    assert_eq!(beyond(fails, doubling(), &LAX), Vec::<String>::new(), "it is better");
    let nan = || Faulty::by_row(|value| Ok(if value == 3.0 { f32::NAN } else { value }));
    let said = "/requests/outputs/y: not finite in 1 of 4 recorded requests, where it was";
    assert_eq!(beyond(doubling(), nan(), &LAX), [said]);
    assert_eq!(beyond(nan(), nan(), &LAX), Vec::<String>::new());
    let panics = Faulty::by_row(|value| if value == 4.0 { panic!("on purpose") } else { Ok(value) });
    assert!(beyond(doubling(), panics, &LAX)[0].contains("on purpose"));
}

#[test]
fn rows_that_are_lost_are_another_shape() {
    let spec = |name: &str, dims: &[i64]| TensorSpec::new(name, Datatype::Fp32, Shape::ranked(dims));
    let signature = || Signature { inputs: vec![spec("x", &[-1, 1])], outputs: vec![spec("y", &[-1, 1])] };
    let repeats = |inputs: &[Tensor]| Ok(vec![inputs[0].clone()]);
    let loses = |_: &[Tensor]| Ok(vec![Tensor::new(vec![0, 1], Data::Fp32(vec![].into())).expect("no rows")]);
    let found = beyond(Faulty::new(signature(), repeats), Faulty::new(signature(), loses), &LAX);
    assert_eq!(found, ["/requests/outputs/y: was FP32 [1, 1], is FP32 [0, 1] in 4 of 4 recorded requests"]);
}

#[test]
fn scores_and_labels_have_limits_of_their_own() {
    let off = Faulty::by_row(|value| Ok(if value == 1.0 { 1.0 } else { 2.0 * value }));
    let limits = |percent| SwapConfig { scores_differ_percent_max: percent, ..LAX };
    assert_eq!(beyond(doubling(), Arc::clone(&off), &limits(13)), Vec::<String>::new());
    let found = beyond(doubling(), off, &limits(12));
    assert_eq!(found, ["/requests/scores: 12.50 % is how far scores are apart on average, and 12 % are allowed"]);

    let labels = |function: fn(f32) -> i64| {
        let label =
            TensorSpec { role: Some(Role::Label), ..TensorSpec::new("label", Datatype::Int64, Shape::ranked([-1])) };
        let input = TensorSpec::new("x", Datatype::Fp32, Shape::ranked([-1, 1]));
        Faulty::new(Signature { inputs: vec![input], outputs: vec![label] }, move |inputs| {
            let Data::Fp32(rows) = inputs[0].data() else { return Err("not FP32".into()) };
            let labels: Vec<i64> = rows.iter().map(|&row| function(row)).collect();
            Ok(vec![Tensor::new(vec![labels.len()], Data::Int64(labels.into())).expect("labels")])
        })
    };
    let half = |percent| {
        let limits = SwapConfig { labels_differ_percent_max: percent, ..LAX };
        beyond(labels(|row| i64::from(row > 2.0)), labels(|_| 1), &limits)
    };
    assert_eq!(half(50), Vec::<String>::new());
    assert_eq!(half(49), ["/requests/labels: 50.00 % of the labels are others, and 49 % are allowed"]);
}

#[test]
fn who_takes_longer_is_beyond_the_limit_and_who_takes_as_long_as_it_says_is_not() {
    let millis = Duration::from_millis;
    let says = |percent: &str, most: u64| {
        Some(format!("/requests/latency: {percent} % longer is what they took, and {most} % are allowed"))
    };
    for (live, next, most, expected) in [
        (100, 200, 100, None),
        (100, 201, 100, says("101.00", 100)),
        (100, 102, 1, says("2.00", 1)),
        (100, 50, 1, None),
        (0, 50, 100, None),
        (100, 10_000, 0, None),
    ] {
        let mut agreement = Agreement::default();
        // What was measured is added up.
        agreement.took(millis(live / 2), millis(next / 2));
        agreement.took(millis(live - live / 2), millis(next - next / 2));
        let limits = SwapConfig { requests_slower_percent_max: most, ..LAX };
        let found: Vec<_> = agreement.beyond(&limits).into_iter().map(shown).collect();
        assert_eq!(found, Vec::from_iter(expected), "{live} ms, then {next} ms");
    }
}

#[test]
fn the_time_of_each_version_is_its_own() {
    // The next one takes thrice what has passed since the live one was asked the same, which is longer than that took.
    let asked = Arc::new(Mutex::new(Instant::now()));
    let since = Arc::clone(&asked);
    let live = Faulty::by_row(move |value| {
        *asked.lock().expect("no panic") = Instant::now();
        Ok(2.0 * value)
    });
    let next = Faulty::by_row(move |value| {
        let begun = Instant::now();
        let passed = begun - *since.lock().expect("no panic");
        while begun.elapsed() < passed.max(Duration::from_millis(20)) * 3 {}
        Ok(2.0 * value)
    });
    let found = beyond(live, next, &SwapConfig { requests_slower_percent_max: 100, ..LAX });
    assert!(found.len() == 1 && found[0].starts_with("/requests/latency: "), "{found:?}");
}
