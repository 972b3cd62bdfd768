//! Learners beside those of scikit-learn and xgboost, on the same matrices with the same settings.

mod support;

use serde_json::{Map, Value, json};
use servoir_studio::config::{Algorithm, TrainConfig};
use servoir_studio::predictions::Predictions;
use servoir_studio::prepare::features::choose;
use servoir_studio::prepare::pipeline::Pipeline;
use servoir_studio::prepare::split::split;
use servoir_studio::prepare::target::{Target, Truth, read};
use servoir_studio::task::Task;
use servoir_studio::train::learner::{Learned, Material, Part};
use servoir_studio::train::score::score;
use servoir_studio::train::search::{name, plans};
use std::fmt::Write;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::Path;
use support::{Desk, SUBJECTS, Subject, python_with};

/// A model of ours, the rows that judge it, and the folder in which the oracle finds the same rows.
struct Trained {
    learned: Learned,
    validation: Part,
    target: Target,
    desk: Desk,
}

fn train(subject: Subject, algorithm: Algorithm, hyperparameters: Map<String, Value>) -> Trained {
    let desk = Desk::of(subject, algorithm);
    let table = desk.table();
    let mut config = TrainConfig { algorithm, hyperparameters, ..TrainConfig::default() };
    // More rows than usual judge: few tell little.
    config.validation.val_size = 0.4;
    let target = read(&table, Some(subject.target), subject.task).expect("a target");
    let features = choose(&table, subject.target, &[]).expect("features").list;
    let split = split(&target, &config.validation).expect("parts");
    let plan = &plans(&config, subject.task).expect("plans")[0];
    let rows = |places: &[usize]| places.iter().map(|&place| target.rows[place]).collect::<Vec<_>>();
    let pipeline = Pipeline::fit(&table, &features, &rows(&split.train), &config.preprocessing, plan.form());
    let part = |places: &[usize]| Part {
        matrix: pipeline.apply(&table, &features, &rows(places)),
        truth: target.truth.select(places),
    };
    let (train, validation) = (part(&split.train), part(&split.validation));
    write(&train, &desk.folder.path().join("train.csv"));
    write(&validation, &desk.folder.path().join("validation.csv"));
    let threads = NonZeroUsize::MIN;
    let material = Material { train: &train, validation: &validation, classes: target.classes.len(), seed: 3, threads };
    let learner = plan.learner(&material);
    let learned = learner.learn(&material, &mut |_| ControlFlow::Continue(())).expect("a model");
    if let Some(native) = learned.model.native().expect("a file") {
        std::fs::write(desk.folder.path().join("model.ubj"), native).expect("written");
    }
    let mut settings = learner.hyperparameters();
    if algorithm == Algorithm::GradientBoosting {
        settings.insert("is_classes".into(), (subject.task == Task::Classification).into());
    }
    python_with("learners.py", &[name(algorithm), &Value::Object(settings).to_string()], &[desk.folder.path()]);
    Trained { learned, validation, target, desk }
}

fn write(part: &Part, path: &Path) {
    let mut text = String::new();
    for (row, cells) in part.matrix.values.chunks_exact(part.matrix.columns).enumerate() {
        for cell in cells {
            let _ = if cell.is_nan() { write!(text, ",") } else { write!(text, "{cell},") };
        }
        let _ = match &part.truth {
            Truth::Classes(of) => writeln!(text, "{}", of[row]),
            Truth::Numbers(of) => writeln!(text, "{}", of[row]),
        };
    }
    std::fs::write(path, text).expect("written");
}

impl Trained {
    fn ours(&self) -> Vec<f64> {
        self.learned.model.predict(&self.validation.matrix).expect("answers")
    }

    fn theirs(&self, file: &str) -> Vec<f64> {
        let text = std::fs::read_to_string(self.desk.folder.path().join(file)).expect(file);
        text.split([',', '\n'])
            .filter(|field| !field.is_empty())
            .map(|field| field.parse().expect("a number"))
            .collect()
    }

    fn score(&self, answers: Vec<f64>) -> f64 {
        score(&match &self.validation.truth {
            Truth::Classes(truth) => Predictions::Classes {
                classes: self.target.classes.clone(),
                truth: truth.clone(),
                probabilities: answers,
            },
            Truth::Numbers(truth) => Predictions::Numbers { truth: truth.clone(), predicted: answers },
        })
    }
}

fn largest_difference(ours: &[f64], theirs: &[f64]) -> f64 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).map(|(ours, theirs)| (ours - theirs).abs()).fold(0.0, f64::max)
}

#[test]
fn linear_models_are_those_of_scikit_learn() {
    let cases = [
        (SUBJECTS[0], Algorithm::LogisticRegression, 1e-3),
        (SUBJECTS[1], Algorithm::LogisticRegression, 1e-3),
        (SUBJECTS[2], Algorithm::LogisticRegression, 1e-3),
        (SUBJECTS[3], Algorithm::LinearRegression, 1e-9),
    ];
    for (subject, algorithm, tolerance) in cases {
        // As many steps as it takes, as the oracle is given.
        let steps = [("max_iter".to_owned(), json!(5000))];
        let steps = steps.into_iter().filter(|_| algorithm == Algorithm::LogisticRegression).collect();
        let trained = train(subject, algorithm, steps);
        let difference = largest_difference(&trained.ours(), &trained.theirs("oracle.csv"));
        println!("{} {algorithm:?}: {difference:.2e}", subject.name);
        assert!(difference <= tolerance, "{} {algorithm:?}: {difference}", subject.name);
    }
}

#[test]
fn boosting_is_as_good_as_that_of_xgboost_with_the_same_settings() {
    for subject in SUBJECTS {
        let all = [("subsample".to_owned(), json!(1)), ("colsample_bytree".to_owned(), json!(1))].into_iter().collect();
        let trained = train(subject, Algorithm::GradientBoosting, all);
        let (ours, theirs) = (trained.score(trained.ours()), trained.score(trained.theirs("oracle.csv")));
        println!("{}: ours {ours:.5}, xgboost's {theirs:.5}", subject.name);
        assert!((ours - theirs).abs() <= theirs * 1e-3, "{}: {ours}, and xgboost {theirs}", subject.name);
    }
}

#[test]
fn xgboost_reads_the_native_file_and_says_the_same() {
    for subject in SUBJECTS {
        for algorithm in [Algorithm::GradientBoosting, Algorithm::RandomForest] {
            let trees = [("n_estimators".to_owned(), json!(25))].into_iter().collect();
            let trained = train(subject, algorithm, trees);
            let theirs = trained.theirs("native.csv");
            let ours = trained.ours();
            let is_second_of_two = trained.target.classes.len() == 2;
            let ours: Vec<f64> = if is_second_of_two { ours.chunks_exact(2).map(|row| row[1]).collect() } else { ours };
            let unit = ours.iter().fold(1.0, |most: f64, of| most.max(of.abs()));
            let difference = largest_difference(&ours, &theirs) / unit;
            println!("{} {algorithm:?}: {difference:.2e}", subject.name);
            assert!(difference <= 1e-6, "{} {algorithm:?}: {difference}", subject.name);
        }
    }
}
