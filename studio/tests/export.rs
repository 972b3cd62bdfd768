//! The exported file says what the learner says, in ONNX Runtime.

mod support;

use serde_json::json;
use servoir_studio::config::{Algorithm, EncodeCategoricals, HandleMissing, Preprocessing, ScaleFeatures, TrainConfig};
use servoir_studio::export::model::onnx;
use servoir_studio::prepare::features::choose;
use servoir_studio::prepare::pipeline::Pipeline;
use servoir_studio::prepare::split::split;
use servoir_studio::prepare::target::read;
use servoir_studio::table::Table;
use servoir_studio::task::Task;
use servoir_studio::train::learner::{Material, Part};
use servoir_studio::train::search::plans;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use support::{Desk, SUBJECTS, Subject, probe, python, write_csv};

/// Rows that are asked about, with missing and unseen values.
const ROWS: usize = 10_000;

/// How far a probability may be off, and a number in relation to those that the model was given.
const TOLERANCE: f64 = 1e-5;

fn config(algorithm: Algorithm, preprocessing: Preprocessing) -> TrainConfig {
    let mut config = TrainConfig { algorithm, preprocessing, ..TrainConfig::default() };
    // Small models have the same operators as large ones.
    if matches!(algorithm, Algorithm::GradientBoosting | Algorithm::RandomForest) {
        config.hyperparameters.insert("n_estimators".into(), json!(30));
    }
    config
}

/// Trains, exports, asks both. Tells the largest difference.
fn difference(subject: Subject, config: TrainConfig) -> f64 {
    difference_at(&Desk::of(subject, config.algorithm), subject, &config)
}

fn difference_at(desk: &Desk, subject: Subject, config: &TrainConfig) -> f64 {
    let table = desk.table();
    let target = read(&table, Some(subject.target), subject.task).expect("a target");
    let features = choose(&table, subject.target, &[]).expect("features").list;
    let split = split(&target, &config.validation).expect("parts");
    let plan = &plans(config, subject.task).expect("plans")[0];
    let rows = |places: &[usize]| places.iter().map(|&place| target.rows[place]).collect::<Vec<_>>();
    let pipeline = Pipeline::fit(&table, &features, &rows(&split.train), &config.preprocessing, plan.form());
    let part = |places: &[usize]| Part {
        matrix: pipeline.apply(&table, &features, &rows(places)),
        truth: target.truth.select(places),
    };
    let (train, validation) = (part(&split.train), part(&split.validation));
    let threads = NonZeroUsize::MIN;
    let material = Material { train: &train, validation: &validation, classes: target.classes.len(), seed: 3, threads };
    let learned = plan.learner(&material).learn(&material, &mut |_| ControlFlow::Continue(())).expect("a model");
    let asked = probe(&table, ROWS);
    let all: Vec<usize> = (0..ROWS).collect();
    let expected = learned.model.predict(&pipeline.apply(&asked, &features, &all)).expect("answers");
    let file = onnx(&features, &pipeline, &learned.model, &target);
    let [model, questions, answers] =
        ["model.onnx", "rows.csv", "answers.csv"].map(|name| desk.folder.path().join(name));
    std::fs::write(&model, file).expect("written");
    write_csv(
        &Table { columns: features.iter().map(|of| asked.columns[of.column].clone()).collect(), rows: ROWS },
        &questions,
    );
    python("onnx_answers.py", &[&model, &questions, &answers]);
    compare(&answers, &target.classes, &expected)
}

/// The largest difference; of numbers, in relation to the largest.
fn compare(answers: &std::path::Path, classes: &[String], expected: &[f64]) -> f64 {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(answers).expect("answers");
    let width = classes.len().max(1);
    let unit = if classes.is_empty() { expected.iter().fold(1.0, |most: f64, of| most.max(of.abs())) } else { 1.0 };
    let mut worst = 0.0f64;
    let mut rows = 0;
    for (record, expected) in reader.records().zip(expected.chunks_exact(width)) {
        let record = record.expect("a row");
        let numbers: Vec<f64> = record
            .iter()
            .skip(usize::from(!classes.is_empty()))
            .map(|field| field.parse().expect("a number"))
            .collect();
        assert_eq!(numbers.len(), width);
        for (number, expected) in numbers.iter().zip(expected) {
            let difference = (number - expected).abs() / unit;
            assert!(!difference.is_nan(), "row {rows}: {numbers:?}");
            worst = worst.max(difference);
        }
        if !classes.is_empty() {
            let label = classes.iter().position(|class| *class == record[0]).expect("a class");
            let largest = expected.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            assert!(expected[label] >= largest - 2.0 * TOLERANCE, "row {rows}: {record:?}, not {expected:?}");
        }
        rows += 1;
    }
    assert_eq!(rows, ROWS);
    worst
}

#[test]
fn onnx_runtime_says_what_each_learner_says_of_each_kind_of_target() {
    let mut wrong = Vec::new();
    for subject in SUBJECTS {
        let linear = match subject.task {
            Task::Classification => Algorithm::LogisticRegression,
            Task::Regression => Algorithm::LinearRegression,
        };
        for algorithm in [Algorithm::GradientBoosting, Algorithm::RandomForest, linear] {
            let difference = difference(subject, config(algorithm, Preprocessing::default()));
            println!("{} {algorithm:?}: {difference:.2e}", subject.name);
            if difference > TOLERANCE {
                wrong.push(format!("{} {algorithm:?}: {difference}", subject.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn onnx_runtime_says_what_the_learner_says_whatever_the_preparation_is() {
    use EncodeCategoricals::{OneHot, Ordinal};
    use HandleMissing::{DropRows, Mean, Median, Zero};
    use ScaleFeatures::{MinMax, None, Standard};
    let preparations = [
        (Median, MinMax, Ordinal),
        (Mean, Standard, OneHot),
        (Zero, None, Ordinal),
        (DropRows, None, OneHot),
        (HandleMissing::Auto, Standard, EncodeCategoricals::Auto),
    ];
    for (handle_missing, scale_features, encode_categoricals) in preparations {
        let preprocessing = Preprocessing { handle_missing, scale_features, encode_categoricals };
        for (subject, algorithm) in [
            (SUBJECTS[0], Algorithm::GradientBoosting),
            (SUBJECTS[0], Algorithm::LogisticRegression),
            (SUBJECTS[3], Algorithm::RandomForest),
        ] {
            let difference = difference(subject, config(algorithm, preprocessing.clone()));
            println!("{} {algorithm:?} {preprocessing:?}: {difference:.2e}", subject.name);
            assert!(difference <= TOLERANCE, "{} {algorithm:?} {preprocessing:?}: {difference}", subject.name);
        }
    }
}

#[test]
fn onnx_runtime_says_what_trees_without_a_split_say() {
    // No child is heavy enough: every tree is one leaf, and no leaf of two classes is below 0.
    let mut config = config(Algorithm::GradientBoosting, Preprocessing::default());
    config.hyperparameters.insert("min_child_weight".into(), json!(1e6));
    config.hyperparameters.insert("n_estimators".into(), json!(2));
    for subject in SUBJECTS {
        let difference = difference(subject, config.clone());
        assert!(difference <= TOLERANCE, "{}: {difference}", subject.name);
    }
    // The second class is the likelier one, and by so little that its logit is below one half.
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("table.csv");
    let rows: String = (0..200).map(|row| format!("{},{}\n", row * 37 % 101, u8::from(row % 20 < 11))).collect();
    std::fs::write(&path, format!("x,y\n{rows}")).expect("written");
    let subject = Subject { name: "table", target: "y", task: Task::Classification };
    let difference = difference_at(&Desk::of_file(&path, subject, config.algorithm), subject, &config);
    assert!(difference <= TOLERANCE, "{difference}");
}
