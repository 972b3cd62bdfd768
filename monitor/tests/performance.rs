//! How good answers are, by labels and without them, beside scikit-learn.

mod support;

use serde_json::Value;
use servoir_monitor::performance::{Confusion, ErrorSums, ExpectedOfCounts, Ordered};
use servoir_monitor::{Baseline, CategoryProfile, Column, Meter, NumberProfile, Precision, VersionCounts};
use support::{goldens, sample};

#[track_caller]
fn near(name: &str, ours: Option<f64>, theirs: &Value, tolerance: f64) {
    let (ours, theirs) = (ours.expect(name), theirs.as_f64().expect(name));
    assert!((ours - theirs).abs() <= tolerance, "{name}: {ours} here, {theirs} there");
}

#[test]
fn performance_is_as_scikit_learn_says() {
    let goldens = goldens("performance");
    for case in goldens["classes"].as_array().unwrap() {
        let classes = case["classes"].as_u64().unwrap() as usize;
        let (truth, scores) = (sample(&case["truth"]), sample(&case["scores"]));
        let mut confusion = Confusion::new(classes);
        for (scores, truth) in scores.chunks_exact(classes).zip(&truth) {
            confusion.add_times(*truth as usize, answer(scores), 1);
        }
        let matrix: Vec<Vec<f64>> = confusion.rows().map(<[f64]>::to_vec).collect();
        assert_eq!(serde_json::to_value(matrix).unwrap(), floats(&case["confusion"]));
        near("f1_macro", confusion.f1_macro(), &case["f1_macro"], 1e-12);
        near("f1_weighted", confusion.f1_weighted(), &case["f1_weighted"], 1e-12);
        let areas = (0..classes).skip(usize::from(classes == 2)).map(|class| {
            let of_class = scores.chunks_exact(classes).map(|scores| scores[class]);
            area(of_class.zip(truth.iter().map(|truth| f64::from(u8::from(*truth as usize == class)))))
        });
        let areas: Vec<f64> = areas.collect();
        near("auc", Some(areas.iter().sum::<f64>() / areas.len() as f64), &case["auc"], 1e-12);
    }
    let case = &goldens["numbers"][0];
    let (truth, answers) = (sample(&case["truth"]), sample(&case["predicted"]));
    let mean = truth.iter().sum::<f64>() / truth.len() as f64;
    let sum =
        |of: &dyn Fn(f64, f64) -> f64| truth.iter().zip(&answers).map(|(truth, answer)| of(*truth, *answer)).sum();
    let all = ErrorSums {
        count: truth.len() as u64,
        absolute: sum(&|truth, answer| (answer - truth).abs()),
        squared: sum(&|truth, answer| (answer - truth).powi(2)),
        truth_squares: sum(&|truth, _| (truth - mean).powi(2)),
    };
    near("mae", all.mae(), &case["mae"], 1e-9);
    near("rmse", all.rmse(), &case["rmse"], 1e-9);
    near("r2", all.r2(), &case["r2"], 1e-9);
    let none = ErrorSums::default();
    assert_eq!((none.mae(), none.rmse(), none.r2(), Confusion::new(2).f1_macro()), (None, None, None, None));
}

/// The place of the greatest score, of equals the first.
fn answer(scores: &[f64]) -> usize {
    (0..scores.len()).rev().max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap()
}

/// The area under the curve of scores and how probable it is that each is of a row of the class.
fn area(rows: impl Iterator<Item = (f64, f64)>) -> f64 {
    let mut rows: Vec<(f64, f64)> = rows.collect();
    rows.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let mut ordered = Ordered::default();
    for equals in rows.chunk_by(|(a, _), (b, _)| a == b) {
        let positives: f64 = equals.iter().map(|(_, probability)| probability).sum();
        ordered.add(positives, equals.len() as f64 - positives);
    }
    ordered.auc().unwrap().value
}

fn floats(matrix: &Value) -> Value {
    let rows: Vec<Vec<f64>> = serde_json::from_value(matrix.clone()).unwrap();
    serde_json::to_value(rows).unwrap()
}

/// The counts of answers whose scores these are, each column in bins of its own.
fn counted(scores: &[f64], classes: usize) -> (Baseline, VersionCounts) {
    let rows: Vec<&[f64]> = scores.chunks_exact(classes).collect();
    let answers: Vec<usize> = rows.iter().map(|scores| answer(scores)).collect();
    let names: Vec<String> = (0..classes).map(|class| format!("class {class}")).collect();
    let confidence: Vec<f64> = rows.iter().zip(&answers).map(|(scores, answer)| scores[*answer]).collect();
    let of_class = |class: usize| rows.iter().map(|scores| scores[class]).collect::<Vec<f64>>();
    let label = CategoryProfile::of(answers.iter().map(|answer| Some(names[*answer].as_str())));
    let number = |name: String, values: &[f64]| Column::number(name, NumberProfile::of(values, Precision::Double));
    let mut outputs = vec![Column::category("label", label), number("confidence".to_owned(), &confidence)];
    outputs.extend((0..classes).map(|class| number(format!("probabilities.class {class}"), &of_class(class))));
    let baseline = Baseline::new(rows.len() as u64, Vec::new(), outputs);
    let meter = Meter::new(&baseline);
    let mut counts = meter.counts();
    let [label, confidences, probabilities @ ..] = &mut counts.outputs[..] else { unreachable!() };
    answers.iter().for_each(|answer| meter.outputs[0].count_text(label, &names[*answer]));
    meter.outputs[1].count(confidences, &confidence, 0, 1);
    for (class, counts) in probabilities.iter_mut().enumerate() {
        meter.outputs[2 + class].count(counts, scores, class, classes);
    }
    (baseline, counts)
}

#[test]
fn performance_is_estimated_from_counts_of_calibrated_scores() {
    for case in goldens("performance")["estimates"].as_array().unwrap() {
        let classes = case["classes"].as_u64().unwrap() as usize;
        let scores = sample(&case["scores"]);
        let (baseline, counts) = counted(&scores, classes);
        let expected = ExpectedOfCounts::of(&baseline, &counts).unwrap();
        assert_eq!(expected.rows as usize * classes, scores.len());
        near("accuracy", Some(expected.accuracy), &case["accuracy"], 1e-9);
        near("realized accuracy", Some(expected.accuracy), &case["realized_accuracy"], 0.01);
        assert_eq!((expected.confusion.is_some(), expected.auc.is_some()), (classes == 2, classes == 2));
        let (Some(confusion), Some(auc)) = (expected.confusion, expected.auc) else { continue };
        let matrix: Vec<Vec<f64>> = serde_json::from_value(case["expected"].clone()).unwrap();
        for (ours, theirs) in confusion.rows().flatten().zip(matrix.iter().flatten()) {
            assert!((ours - theirs).abs() < 1e-6, "{ours} here, {theirs} there");
        }
        near("f1", confusion.f1_macro(), &case["expected_f1_macro"], 1e-9);
        near("realized f1", confusion.f1_macro(), &case["realized_f1_macro"], 0.01);
        println!("auc {} bound {}, {} there", auc.value, auc.bound, case["expected_auc"]);
        assert!(auc.bound < 0.01, "{}", auc.bound);
        near("auc", Some(auc.value), &case["expected_auc"], auc.bound);
        near("realized auc", Some(auc.value), &case["auc"], 0.01);
    }
}

#[test]
fn nothing_is_estimated_of_no_rows_or_of_a_model_without_scores() {
    let (baseline, _) = counted(&[0.2, 0.8, 0.7, 0.3], 2);
    assert_eq!(ExpectedOfCounts::of(&baseline, &Meter::new(&baseline).counts()), None);
    let numbers = NumberProfile::of(&[1.0, 2.0], Precision::Double);
    let regression = Baseline::new(2, Vec::new(), vec![Column::number("variable", numbers)]);
    let meter = Meter::new(&regression);
    let mut counts = meter.counts();
    meter.outputs[0].count(&mut counts.outputs[0], &[1.5], 0, 1);
    assert_eq!(ExpectedOfCounts::of(&regression, &counts), None);
}
