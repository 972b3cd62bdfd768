//! Classifiers: every number, curve and list as scikit-learn has it.

use crate::golden::{Array, assert_all_close, assert_close, cases, kept};
use serde::Deserialize;
use servoir_studio::evaluate::{
    self, Averaged, Calibration, ClassScores, Classification, Curve, Evaluation, Reliability, Summary,
};
use servoir_studio::predictions::Predictions;

#[derive(Deserialize)]
struct Case {
    name: String,
    classes: usize,
    truth: Array,
    probabilities: Array,
    summary: Summary,
    report: ReportCase,
    confusion: Vec<Vec<u64>>,
    roc: Vec<Option<CurveCase>>,
    roc_mean: Option<MeanCase>,
    precision_recall: Vec<CurveCase>,
    precision_recall_mean: MeanCase,
    calibration: Vec<CalibrationCase>,
    confidence: CalibrationCase,
    misclassified: MisclassifiedCase,
}

#[derive(Deserialize)]
struct ReportCase {
    classes: Vec<[f64; 4]>,
    macro_average: [f64; 4],
    weighted_average: [f64; 4],
    micro_average: [f64; 4],
}

#[derive(Deserialize)]
struct CurveCase {
    x: Array,
    y: Array,
    thresholds: Array,
    area: f64,
}

#[derive(Deserialize)]
struct MeanCase {
    y: Array,
    area: f64,
}

#[derive(Deserialize)]
struct CalibrationCase {
    uniform: ReliabilityCase,
    quantile: ReliabilityCase,
}

#[derive(Deserialize)]
struct ReliabilityCase {
    predicted: Array,
    observed: Array,
    counts: Vec<u64>,
    error: f64,
}

#[derive(Deserialize)]
struct MisclassifiedCase {
    rows: Array,
    truth: Array,
    predicted: Array,
    confidence: Array,
}

/// Rows have places in a dataset that is larger than the split.
const FIRST_ROW: u64 = 7;

fn evaluated(classes: usize, truth: Vec<u32>, probabilities: Vec<f64>) -> Classification {
    let rows: Vec<u64> = (FIRST_ROW..).take(truth.len()).collect();
    let classes = (0..classes).map(|class| format!("class {class}")).collect();
    let predictions = Predictions::Classes { classes, truth, probabilities };
    match evaluate::evaluate(&predictions, &rows) {
        Evaluation::Classification(found) => *found,
        Evaluation::Regression(_) => panic!("a regression"),
    }
}

#[test]
fn classifiers_are_judged_as_scikit_learn_judges_them() {
    let cases: Vec<Case> = cases("classification");
    assert!(cases.len() > 200, "only {} cases", cases.len());
    for case in &cases {
        check(case);
    }
}

fn check(case: &Case) {
    let name = &case.name;
    let found = evaluated(case.classes, case.truth.integers(), case.probabilities.doubles());
    assert_eq!(found.summary.keys().collect::<Vec<_>>(), case.summary.keys().collect::<Vec<_>>(), "{name}");
    for (metric, &theirs) in &case.summary {
        assert_close(&format!("{name}: {metric}"), found.summary[metric], theirs);
    }
    assert_eq!(found.confusion, case.confusion, "{name}");
    for (class, theirs) in case.report.classes.iter().enumerate() {
        check_scores(&format!("{name}: class {class}"), &found.report.classes[class], theirs);
    }
    check_scores(&format!("{name}: macro"), &found.report.macro_average, &case.report.macro_average);
    check_scores(&format!("{name}: weighted"), &found.report.weighted_average, &case.report.weighted_average);
    check_scores(&format!("{name}: micro"), &found.report.micro_average, &case.report.micro_average);
    let points_max = (20_000 / case.classes).min(1_000);
    for class in 0..case.classes {
        let what = format!("{name}: class {class}");
        match &case.roc[class] {
            Some(theirs) => check_curve(&format!("{what}: ROC"), &found.roc[class], theirs, points_max),
            None => assert_eq!((found.roc[class].x.len(), found.roc[class].area), (0, None), "{what}: ROC"),
        }
        let (ours, theirs) = (&found.precision_recall[class], &case.precision_recall[class]);
        check_curve(&format!("{what}: precision over recall"), ours, theirs, points_max);
        check_calibration(&what, &found.calibration[class], &case.calibration[class]);
    }
    match &case.roc_mean {
        Some(theirs) => check_mean(&format!("{name}: mean ROC"), &found.roc_mean, theirs),
        None => assert_eq!((found.roc_mean.x.len(), found.roc_mean.area), (0, None), "{name}: mean ROC"),
    }
    let theirs = &case.precision_recall_mean;
    check_mean(&format!("{name}: mean precision over recall"), &found.precision_recall_mean, theirs);
    check_calibration(&format!("{name}: confidence"), &found.confidence, &case.confidence);
    check_misclassified(name, &found, &case.misclassified);
}

fn check_scores(what: &str, ours: &ClassScores, theirs: &[f64; 4]) {
    assert_all_close(what, &[ours.precision, ours.recall, ours.f1, ours.support as f64], theirs);
}

fn check_curve(what: &str, ours: &Curve, theirs: &CurveCase, points_max: usize) {
    let (x, y) = (theirs.x.doubles(), theirs.y.doubles());
    let mut thresholds = theirs.thresholds.doubles();
    // scikit-learn's ROC curve begins with an infinite threshold, the other ends without one.
    thresholds.resize(x.len(), f64::INFINITY);
    let thresholds: Vec<Option<f64>> = thresholds.into_iter().map(|it| it.is_finite().then_some(it)).collect();
    let places = kept(x.len(), points_max);
    let of = |all: &[f64]| -> Vec<f64> { places.iter().map(|&place| all[place]).collect() };
    assert_all_close(what, &ours.x, &of(&x));
    assert_all_close(what, &ours.y, &of(&y));
    assert_eq!(ours.thresholds, places.iter().map(|&place| thresholds[place]).collect::<Vec<_>>(), "{what}");
    assert_close(&format!("{what}, its area"), ours.area, Some(theirs.area));
}

fn check_mean(what: &str, ours: &Averaged, theirs: &MeanCase) {
    assert_all_close(what, &ours.y, &theirs.y.doubles());
    assert_eq!((ours.x.len(), ours.x.first(), ours.x.last()), (1_000, Some(&0.0), Some(&1.0)), "{what}");
    assert_close(&format!("{what}, its area"), ours.area, Some(theirs.area));
}

fn check_calibration(what: &str, ours: &Calibration, theirs: &CalibrationCase) {
    check_bins(&format!("{what}: uniform"), &ours.uniform, &theirs.uniform);
    check_bins(&format!("{what}: quantile"), &ours.quantile, &theirs.quantile);
}

fn check_bins(what: &str, ours: &Reliability, theirs: &ReliabilityCase) {
    assert_eq!(ours.counts, theirs.counts, "{what}");
    assert_all_close(what, &ours.predicted, &theirs.predicted.doubles());
    assert_all_close(what, &ours.observed, &theirs.observed.doubles());
    assert_close(&format!("{what}, its error"), ours.error, Some(theirs.error));
}

fn check_misclassified(name: &str, found: &Classification, theirs: &MisclassifiedCase) {
    let ours = &found.misclassified;
    let rows: Vec<u64> = theirs.rows.integers().into_iter().map(|row| u64::from(row) + FIRST_ROW).collect();
    assert_eq!(ours.iter().map(|wrong| wrong.row).collect::<Vec<_>>(), rows, "{name}");
    assert_eq!(ours.iter().map(|wrong| wrong.truth).collect::<Vec<_>>(), theirs.truth.integers(), "{name}");
    assert_eq!(ours.iter().map(|wrong| wrong.predicted).collect::<Vec<_>>(), theirs.predicted.integers(), "{name}");
    let confidence: Vec<f64> = ours.iter().map(|wrong| wrong.confidence).collect();
    assert_eq!(confidence, theirs.confidence.doubles(), "{name}");
}

#[test]
fn a_split_without_rows_has_no_numbers() {
    for classes in [0, 1, 2, 3] {
        let found = evaluated(classes, vec![], vec![]);
        assert!(found.summary.values().all(Option::is_none), "{:?}", found.summary);
        assert_eq!((found.rows, found.misclassified.len(), found.paired.kept), (0, 0, 0));
    }
}

/// A stored evaluation is as large for many rows as for few, and comes back as it was.
#[test]
fn an_evaluation_is_bounded_and_comes_back() {
    const BYTES_MAX: usize = 8 << 20;
    for (classes, rows) in [(2_usize, 300_000_usize), (3, 100_000), (1_000, 2_000)] {
        let truth: Vec<u32> = (0..rows).map(|row| (row * 7 % classes) as u32).collect();
        let probabilities: Vec<f64> = (0..rows * classes)
            .map(|place| (place.wrapping_mul(2_654_435_761) % 1_000_003) as f64 / 1_000_003.0 * 2.0 / classes as f64)
            .collect();
        let evaluation = Evaluation::Classification(Box::new(evaluated(classes, truth, probabilities)));
        let text = serde_json::to_string(&evaluation).unwrap();
        assert!(text.len() < BYTES_MAX, "{classes} classes, {rows} rows: {} bytes", text.len());
        let back: Evaluation = serde_json::from_str(&text).unwrap();
        assert_eq!(back.paired(), evaluation.paired());
        // A number's last bit may change on the way through text.
        for (metric, number) in evaluation.summary() {
            assert_close(metric, back.summary()[metric], *number);
        }
    }
}
