//! A run from its job to the files of a version: what it says, what it leaves, that it is the same again, and how it ends
//! when it cannot be done.

mod support;

use serde_json::{Value, json};
use servoir_studio::config::{Algorithm, TrainConfig};
use servoir_studio::event::{Event, Level, Phase};
use servoir_studio::job::{BASELINE, IMPORTANCE, MODEL_NATIVE, MODEL_ONNX, OUTCOME, Outcome};
use servoir_studio::task::Task;
use servoir_studio::worker::ended::Ended;
use servoir_studio::worker::run::run;
use servoir_studio::worker::stop::Stop;
use std::io::Write;
use support::{Desk, SUBJECTS, Subject, candidates, events};

fn json_of(desk: &Desk, name: &str) -> Value {
    serde_json::from_slice(&desk.file(name)).expect(name)
}

fn search(desk: &mut Desk, candidates_max: u32) {
    desk.job.config.search.candidates_max = candidates_max;
}

#[test]
fn a_search_says_how_it_goes_and_leaves_every_file_of_a_version() {
    for subject in SUBJECTS {
        let mut desk = Desk::of(subject, Algorithm::Auto);
        search(&mut desk, 4);
        let (outcome, lines) = desk.run();
        let outcome = outcome.expect("a model");
        let events = events(&lines);
        let mut last = (Phase::DataValidation, 0.0);
        let mut phases = Vec::new();
        for event in &events {
            if let Event::Progress { phase, progress, .. } = event {
                assert!((*phase, *progress) >= last, "{last:?}, then {event:?}");
                last = (*phase, *progress);
                phases.push(*phase);
            }
        }
        phases.dedup();
        assert_eq!(phases.len(), 5, "{phases:?}");
        let rounds = |of: &str| {
            let of_candidate = events.iter().filter_map(|event| match event {
                Event::Metrics { epoch, candidate, metrics, .. } if candidate.as_deref() == Some(of) => {
                    Some((*epoch, metrics))
                }
                _ => None,
            });
            of_candidate.collect::<Vec<_>>()
        };
        let boosted = rounds("gradient_boosting-1");
        assert!(boosted.iter().map(|(epoch, _)| *epoch).eq(1..=boosted.len() as u64));
        let score = if subject.task == Task::Classification { "logloss" } else { "rmse" };
        for part in ["train", "validation"] {
            assert!(boosted[0].1.contains_key(&format!("{part}_{score}")), "{:?}", boosted[0]);
        }
        assert_eq!(rounds("random_forest-1").len(), 100);
        let said = candidates(&lines);
        assert_eq!(said.len(), 5, "four candidates and the baseline");
        let mut board = outcome.leaderboard.clone();
        assert!(board.windows(2).all(|pair| pair[0].score <= pair[1].score));
        assert!(
            board.iter().all(|candidate| candidate.training_seconds > 0.0 && candidate.prediction_micros_per_row > 0.0)
        );
        assert_eq!(board.last().expect("candidates").name, "baseline", "{board:#?}");
        let best = board.remove(0);
        assert_eq!((outcome.algorithm, &outcome.hyperparameters), (best.algorithm, &best.hyperparameters));
        check_files(&desk, &outcome, subject);
    }
}

fn check_files(desk: &Desk, outcome: &Outcome, subject: Subject) {
    let written: Outcome = serde_json::from_value(json_of(desk, OUTCOME)).expect("an outcome");
    assert_eq!(written.metrics, outcome.metrics);
    assert!(!desk.file(MODEL_ONNX).is_empty());
    let is_trees = matches!(outcome.algorithm, Some(Algorithm::GradientBoosting | Algorithm::RandomForest));
    assert_eq!(desk.folder.path().join(MODEL_NATIVE).exists(), is_trees);
    for split in ["train", "validation", "test"] {
        assert!(json_of(desk, &format!("evaluation-{split}.json")).is_object());
    }
    let importance = json_of(desk, IMPORTANCE);
    for (method, ranking) in importance.as_object().expect("methods") {
        let ranking = ranking.as_array().expect("features");
        assert_eq!(ranking.len(), outcome.features.len(), "{method}");
        let sum: f64 = ranking.iter().map(|share| share["importance"].as_f64().expect("a share")).sum();
        assert!((sum - 1.0).abs() < 1e-9, "{method}: {sum}");
    }
    let baseline = json_of(desk, BASELINE);
    let names = |of: &str| -> Vec<String> {
        baseline[of].as_array().expect(of).iter().map(|of| of["name"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(names("features"), outcome.features);
    assert_eq!(baseline["rows"], json!(outcome.rows.train));
    match subject.task {
        Task::Classification => assert_eq!(names("outputs")[..2], ["label", "confidence"]),
        Task::Regression => assert_eq!(names("outputs"), ["variable"]),
    }
    assert!(!desk.folder.path().join("outcome.json.unfinished").exists());
}

#[test]
fn the_same_data_configuration_and_seed_give_the_same_model_for_any_number_of_threads() {
    for (subject, algorithm) in [
        (SUBJECTS[0], Algorithm::GradientBoosting),
        (SUBJECTS[1], Algorithm::RandomForest),
        (SUBJECTS[2], Algorithm::LogisticRegression),
        (SUBJECTS[3], Algorithm::Auto),
    ] {
        let made = |threads: usize, seed: u64| {
            let mut desk = Desk::of(subject, algorithm);
            search(&mut desk, 5);
            desk.job.threads = threads;
            desk.job.config.validation.seed = seed;
            if algorithm == Algorithm::GradientBoosting {
                desk.job.config.hyperparameters =
                    [("subsample".to_owned(), json!(0.7)), ("colsample_bytree".to_owned(), json!(0.6))]
                        .into_iter()
                        .collect();
            }
            desk.outcome();
            [MODEL_ONNX, "evaluation-test.json", IMPORTANCE, BASELINE].map(|name| desk.file(name))
        };
        let first = made(1, 42);
        assert!(first == made(2, 42), "{} {algorithm:?}: two threads made something else", subject.name);
        assert!(first[0] != made(1, 43)[0], "{} {algorithm:?}: the seed changed nothing", subject.name);
    }
}

#[test]
fn columns_that_cannot_be_features_are_left_out_aloud() {
    let desk = Desk::of(SUBJECTS[0], Algorithm::GradientBoosting);
    let (outcome, lines) = desk.run();
    let outcome = outcome.expect("a model");
    let warnings: Vec<&str> = events(&lines)
        .into_iter()
        .filter_map(|event| match event {
            Event::Log { level: Level::Warning, message } => Some(message.as_str()),
            _ => None,
        })
        .collect();
    for column in ["patient", "seen", "clinic"] {
        assert!(!outcome.features.contains(&column.to_owned()));
        assert!(
            warnings.iter().any(|warning| warning.starts_with(&format!("column '{column}' is no feature"))),
            "{warnings:?}"
        );
    }
    assert!(warnings.iter().any(|warning| warning.ends_with("rows have no target and are not used")), "{warnings:?}");
    assert_eq!(outcome.classes, ["benign", "malignant"]);
    assert_eq!(outcome.rows.train + outcome.rows.validation + outcome.rows.test, 569 - missing_targets(&desk));
}

fn missing_targets(desk: &Desk) -> usize {
    let mut reader = csv::Reader::from_path(&desk.job.dataset).expect("a table");
    reader.records().filter(|record| record.as_ref().is_ok_and(|record| record.iter().next_back() == Some(""))).count()
}

#[test]
fn a_run_ends_within_a_round_when_somebody_asks() {
    /// Asks for the end when a line says so much.
    struct Asking<'a>(&'a Stop, &'static str, Vec<u8>);
    impl Write for Asking<'_> {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            if String::from_utf8_lossy(bytes).contains(self.1) {
                self.0.ask();
            }
            self.2.write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let cases = [
        (Algorithm::GradientBoosting, r#""epoch":3,"#),
        (Algorithm::RandomForest, r#""epoch":3,"#),
        (Algorithm::Auto, "random_forest-1"),
        (Algorithm::LogisticRegression, "training logistic_regression-1"),
        (Algorithm::GradientBoosting, "evaluating"),
    ];
    for (algorithm, moment) in cases {
        let desk = Desk::of(SUBJECTS[2], algorithm);
        let stop = Stop::default();
        let mut asking = Asking(&stop, moment, Vec::new());
        assert_eq!(run(&desk.job, &stop, &mut asking).expect_err("no model"), Ended::Cancelled, "{moment}");
        let lines = support::lines(&asking.2);
        let rounds = events(&lines).iter().filter(|event| matches!(event, Event::Metrics { .. })).count();
        if moment.contains("epoch") {
            assert_eq!(rounds, 3);
        }
        assert!(!desk.folder.path().join(OUTCOME).exists());
    }
}

#[test]
fn what_cannot_be_trained_is_said_with_the_column_and_the_way_out() {
    let with = |change: &dyn Fn(&mut TrainConfig)| {
        let mut desk = Desk::of(SUBJECTS[0], Algorithm::GradientBoosting);
        change(&mut desk.job.config);
        match desk.run().0 {
            Err(Ended::Failed { code, message }) => (code, message),
            other => panic!("{other:?}"),
        }
    };
    type Change = &'static dyn Fn(&mut TrainConfig);
    let cases: [(Change, &str, &str); 11] = [
        (&|config| config.target_column = None, "no-target", "target_column"),
        (&|config| config.target_column = Some("diagnoses".into()), "column-missing", "no column 'diagnoses'"),
        (&|config| config.target_column = Some("seen".into()), "unusable-target", "points in time"),
        (&|config| config.target_column = Some("clinic".into()), "unusable-target", "one class only"),
        (&|config| config.target_column = Some("patient".into()), "unusable-target", "has one row only"),
        (&|config| config.feature_columns = vec!["mean radius".into(), "seen".into()], "unusable-feature", "'seen'"),
        (&|config| config.feature_columns = vec!["patient".into()], "unusable-feature", "distinct texts"),
        (&|config| config.feature_columns = vec!["diagnosis".into()], "unusable-feature", "is the target"),
        (&|config| config.algorithm = Algorithm::LinearRegression, "invalid-config", "logistic_regression is"),
        (&|config| config.validation.test_size = 0.7, "invalid-config", "from 0.01 to 0.5"),
        (
            &|config| {
                config.hyperparameters.insert("max_depth".into(), json!(99));
            },
            "invalid-hyperparameter",
            "from 1 to 16, not 99",
        ),
    ];
    for (change, code, part) in cases {
        let (found, message) = with(change);
        assert_eq!(found, code, "{message}");
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn small_and_odd_tables_end_with_a_model_or_a_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = |count: usize, row: &dyn Fn(usize) -> String| (0..count).map(row).collect::<String>();
    let number = |at: usize| (at * 37 % 101) as f64 / 10.0;
    let classes = Task::Classification;
    let cases: [(&str, String, Task, Result<(), &str>); 8] = [
        ("few rows", rows(12, &|at| format!("{},{}\n", number(at), at % 2)), classes, Err("at least 20 are needed")),
        ("rare class", rows(60, &|at| format!("{},{}\n", number(at), usize::from(at < 2))), classes, Ok(())),
        ("twenty rows", rows(20, &|at| format!("{},{}\n", number(at), at % 2)), classes, Ok(())),
        (
            "noise and holes",
            rows(80, &|at| if at % 3 == 0 { format!(",{}\n", at % 2) } else { format!("{},{}\n", number(at), at % 2) }),
            classes,
            Ok(()),
        ),
        ("constant target", rows(40, &|at| format!("{},7.5\n", number(at))), Task::Regression, Ok(())),
        (
            "large numbers",
            rows(40, &|at| format!("{},{}\n", number(at) * 1e30, number(at) * 1e12)),
            Task::Regression,
            Ok(()),
        ),
        (
            "beyond 32 bits",
            rows(40, &|at| format!("{},{}\n", number(at), number(at) * 1e200)),
            Task::Regression,
            Err("beyond what 32 bits hold"),
        ),
        (
            "texts to predict",
            rows(40, &|at| format!("{},a{}\n", number(at), at % 2)),
            Task::Regression,
            Err("its values are not numbers"),
        ),
    ];
    for (name, rows, task, expected) in cases {
        let path = folder.path().join("table.csv");
        std::fs::write(&path, format!("x,y\n{rows}")).expect("written");
        let subject = Subject { name: "table", target: "y", task };
        let mut desk = Desk::of_file(&path, subject, Algorithm::Auto);
        search(&mut desk, 3);
        match (desk.run().0, expected) {
            (Ok(_), Ok(())) => {}
            (Err(Ended::Failed { message, .. }), Err(reason)) => assert!(message.contains(reason), "{name}: {message}"),
            (outcome, _) => panic!("{name}: {outcome:?}"),
        }
    }
}
