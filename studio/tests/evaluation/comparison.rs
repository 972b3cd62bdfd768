//! Two models on the same rows: statistics and chances as scipy has them, and when there are none.

use crate::golden::{Array, RELATIVE, assert_close, cases};
use serde::Deserialize;
use serde_json::Value;
use servoir_studio::evaluate::{Comparison, Evaluation, Test, compare, evaluate};
use servoir_studio::predictions::Predictions;

#[derive(Deserialize)]
struct Case {
    right: Option<[Array; 2]>,
    truth: Option<Array>,
    predicted: Option<[Array; 2]>,
    method: String,
    statistic: Option<f64>,
    p_value: f64,
    of: Value,
}

/// Chances far out in a tail: so many orders of magnitude below 1 that nobody tells them apart.
const NEXT_TO_NOTHING: f64 = 1e-280;

fn rows(count: usize) -> Vec<u64> {
    (0..count as u64).collect()
}

/// A classifier that is right where it is said to be.
fn classifier(right: &[bool]) -> Evaluation {
    let truth: Vec<u32> = (0..right.len()).map(|row| (row % 2) as u32).collect();
    let of = |row: usize| if right[row] == (truth[row] == 1) { [0.25, 0.75] } else { [0.75, 0.25] };
    let probabilities = (0..right.len()).flat_map(of).collect();
    let classes = vec!["no".to_owned(), "yes".to_owned()];
    evaluate(&Predictions::Classes { classes, truth, probabilities }, &rows(right.len()))
}

fn regression(truth: &[f64], predicted: &[f64]) -> Evaluation {
    let predictions = Predictions::Numbers { truth: truth.to_vec(), predicted: predicted.to_vec() };
    evaluate(&predictions, &rows(truth.len()))
}

fn tested(a: &Evaluation, b: &Evaluation) -> Test {
    match compare(a, b) {
        Comparison::Tested(test) => test,
        Comparison::NotComparable { because } => panic!("{because}"),
    }
}

#[test]
fn chances_are_those_of_scipy() {
    let cases: Vec<Case> = cases("comparison");
    assert!(cases.len() > 100, "only {} cases", cases.len());
    for (place, case) in cases.iter().enumerate() {
        let [a, b] = match (&case.right, &case.truth, &case.predicted) {
            (Some(right), _, _) => right.each_ref().map(|right| classifier(&right.booleans())),
            (_, Some(truth), Some(predicted)) => {
                predicted.each_ref().map(|predicted| regression(&truth.doubles(), &predicted.doubles()))
            }
            _ => panic!("case {place} is neither"),
        };
        let test = tested(&a, &b);
        let what = format!("case {place}, {} on {} rows", case.method, test.rows);
        assert_eq!(test.method, case.method, "{what}");
        assert_close(&format!("{what}: statistic"), test.statistic, case.statistic);
        let distance = (test.p_value - case.p_value).abs();
        assert!(
            distance <= RELATIVE * case.p_value + NEXT_TO_NOTHING,
            "{what}: {} and not {}",
            test.p_value,
            case.p_value
        );
        assert_eq!(test.significant, case.p_value < 0.05, "{what}");
        let of = serde_json::to_value(test.of).unwrap();
        match of.pointer("/squared_errors/difference") {
            Some(ours) => {
                let theirs = case.of["squared_errors"]["difference"].as_f64();
                assert_close(&format!("{what}: difference"), ours.as_f64(), theirs);
            }
            None => assert_eq!(of, case.of, "{what}"),
        }
    }
}

#[test]
fn models_of_other_rows_are_not_compared() {
    let yes_no = classifier(&[true, false, true, true]);
    let cases = [
        ("other rows", yes_no.clone(), classifier(&[true; 5]), "other rows"),
        ("another kind", yes_no.clone(), regression(&[0.0, 1.0], &[0.0, 1.0]), "a regression"),
        ("another truth", regression(&[0.0, 1.0], &[0.0, 1.0]), regression(&[0.0, 2.0], &[0.0, 1.0]), "other rows"),
        ("one row", regression(&[0.0], &[0.0]), regression(&[0.0], &[1.0]), "two rows"),
        ("no rows", classifier(&[]), classifier(&[]), "no rows"),
        (
            "an error that is too large",
            regression(&[0.0; 2], &[1e300; 2]),
            regression(&[0.0; 2], &[1.0; 2]),
            "too large",
        ),
    ];
    for (name, a, b, expected) in cases {
        match compare(&a, &b) {
            Comparison::NotComparable { because } => assert!(because.contains(expected), "{name}: {because}"),
            Comparison::Tested(test) => panic!("{name}: {test:?}"),
        }
    }
}

#[test]
fn of_many_rows_evenly_spaced_ones_are_compared() {
    let right: Vec<bool> = (0..300_000).map(|row| row % 3 != 0).collect();
    let test = tested(&classifier(&right), &classifier(&vec![true; right.len()]));
    assert_eq!(test.rows, 200_000);
    assert!(test.p_value < NEXT_TO_NOTHING, "{test:?}");
}
