//! Regressions: every number as scikit-learn and numpy have it.

use crate::golden::{Array, assert_all_close, assert_close, cases, kept};
use serde::Deserialize;
use servoir_studio::evaluate::{self, Evaluation, Regression, SAMPLE_MAX, Summary};
use servoir_studio::predictions::Predictions;

#[derive(Deserialize)]
struct Case {
    name: String,
    truth: Array,
    predicted: Array,
    summary: Summary,
    mean: Option<f64>,
    deviation: Option<f64>,
    quantiles: Array,
    edges: Array,
    counts: Vec<u64>,
}

fn evaluated(truth: &[f64], predicted: &[f64]) -> Regression {
    let rows: Vec<u64> = (0..truth.len() as u64).collect();
    let predictions = Predictions::Numbers { truth: truth.to_vec(), predicted: predicted.to_vec() };
    match evaluate::evaluate(&predictions, &rows) {
        Evaluation::Regression(found) => *found,
        Evaluation::Classification(_) => panic!("a classifier"),
    }
}

#[test]
fn regressions_are_judged_as_scikit_learn_judges_them() {
    let cases: Vec<Case> = cases("regression");
    assert!(cases.len() > 100, "only {} cases", cases.len());
    for case in &cases {
        let (name, truth, predicted) = (&case.name, case.truth.doubles(), case.predicted.doubles());
        let found = evaluated(&truth, &predicted);
        assert_eq!(found.summary.keys().collect::<Vec<_>>(), case.summary.keys().collect::<Vec<_>>(), "{name}");
        for (metric, &theirs) in &case.summary {
            assert_close(&format!("{name}: {metric}"), found.summary[metric], theirs);
        }
        let residuals = &found.residuals;
        assert_close(&format!("{name}: mean residual"), residuals.mean, case.mean);
        assert_close(&format!("{name}: deviation"), residuals.deviation, case.deviation);
        let quantiles: Vec<f64> = residuals.quantiles.iter().copied().flatten().collect();
        assert_all_close(&format!("{name}: quantiles"), &quantiles, &case.quantiles.doubles());
        assert_all_close(&format!("{name}: edges"), &residuals.histogram.edges, &case.edges.doubles());
        assert_eq!(residuals.histogram.counts, case.counts, "{name}: histogram");
        let places = kept(truth.len(), SAMPLE_MAX);
        assert_eq!(residuals.sample.len(), places.len(), "{name}: sample");
        for (sampled, place) in residuals.sample.iter().zip(places) {
            let expected = (place as u64, Some(truth[place]), Some(predicted[place]));
            assert_eq!((sampled.row, sampled.truth, sampled.predicted), expected, "{name}: sample");
        }
    }
}

#[test]
fn what_is_not_finite_is_absent_and_not_a_failure() {
    let cases: [(&str, &[f64], &[f64]); 3] = [
        ("no rows", &[], &[]),
        ("an infinite prediction", &[1.0, 2.0], &[f64::INFINITY, 2.0]),
        ("a prediction that is no number", &[1.0, 2.0], &[f64::NAN, 2.0]),
    ];
    for (name, truth, predicted) in cases {
        let found = evaluated(truth, predicted);
        for metric in ["mae", "rmse", "r2", "max_error"] {
            assert_eq!(found.summary[metric], None, "{name}: {metric}");
        }
        assert_eq!((found.residuals.mean, found.residuals.histogram.counts.len()), (None, 0), "{name}");
        let evaluation = Evaluation::Regression(Box::new(found));
        let back: Evaluation = serde_json::from_str(&serde_json::to_string(&evaluation).unwrap()).unwrap();
        assert_eq!(back, evaluation, "{name}");
    }
}
