//! The child process of a run: what its exit code says, and that it keeps the limits that it is given.

use servoir_child::memory::{ENVIRONMENT, is_out_of_memory};
use servoir_studio::config::{Algorithm, TrainConfig};
use servoir_studio::event::Event;
use servoir_studio::job::{Job, Line, OUTCOME};
use servoir_studio::table::inspect::inspect;
use servoir_studio::task::Task;
use servoir_studio::worker::exit::{CANCELLED, DONE, FAILED, UNREADABLE_JOB};
use servoir_tests::environment;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

fn job(dataset: &Path, target: &str, output: &Path) -> Job {
    let config = TrainConfig {
        algorithm: Algorithm::GradientBoosting,
        target_column: Some(target.into()),
        ..TrainConfig::default()
    };
    Job {
        dataset: dataset.into(),
        format: inspect(dataset).expect("a table").format,
        task: Task::Classification,
        config,
        output: output.into(),
        threads: 1,
        memory_bytes_max: 2 << 30,
        nice: 5,
        script: None,
    }
}

fn digits(output: &Path) -> Job {
    job(&environment::fixtures().join("training/digits.csv"), "digit", output)
}

fn started(input: &str) -> Child {
    let mut command = Command::new(environment::binary());
    command.envs(ENVIRONMENT);
    command.arg("studio-worker").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("a process");
    writeln!(child.stdin.as_mut().expect("standard input"), "{input}").expect("a line");
    child
}

/// What a process said on both streams, and how it ended.
fn ended(mut child: Child) -> (Vec<Line>, String, ExitStatus) {
    // Its standard input stays open: that it ends has another reason.
    let (mut out, mut err) = (String::new(), String::new());
    child.stdout.take().expect("standard output").read_to_string(&mut out).expect("text");
    child.stderr.take().expect("standard error").read_to_string(&mut err).expect("text");
    let lines = out.lines().map(|line| serde_json::from_str(line).expect("a line")).collect();
    (lines, err, child.wait().expect("an end"))
}

fn json(job: &Job) -> String {
    serde_json::to_string(job).expect("JSON")
}

#[test]
fn the_exit_code_says_how_it_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut quick = digits(folder.path());
    quick.config.hyperparameters.insert("n_estimators".into(), 3.into());
    let (lines, err, status) = ended(started(&json(&quick)));
    assert_eq!(status.code(), Some(DONE.into()), "{err}");
    assert!(folder.path().join(OUTCOME).exists() && lines.len() > 5, "{lines:?}");

    let mut wrong = quick.clone();
    wrong.config.target_column = Some("figure".into());
    let (lines, err, status) = ended(started(&json(&wrong)));
    assert_eq!(status.code(), Some(FAILED.into()), "{err}");
    assert!(
        matches!(lines.last(), Some(Line::Event(Event::Failed { code, .. })) if code == "column-missing"),
        "{lines:?}"
    );

    let (lines, err, status) = ended(started("{}"));
    assert_eq!((status.code(), lines.len()), (Some(UNREADABLE_JOB.into()), 0));
    assert!(err.starts_with("error: no job: missing field"), "{err}");
}

#[test]
fn a_line_of_standard_input_ends_it_within_a_round() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut long = digits(folder.path());
    long.config.hyperparameters.insert("n_estimators".into(), 10_000.into());
    long.config.hyperparameters.insert("early_stopping_rounds".into(), 0.into());
    let mut child = started(&json(&long));
    let mut out = BufReader::new(child.stdout.take().expect("standard output"));
    let mut line = String::new();
    while !line.contains(r#""epoch":2,"#) {
        line.clear();
        assert!(out.read_line(&mut line).expect("a line") > 0, "it ended by itself");
    }
    writeln!(child.stdin.as_mut().expect("standard input"), "cancel").expect("a line");
    let last = out.lines().map(|line| line.expect("a line")).last().expect("lines");
    assert!(matches!(serde_json::from_str(&last), Ok(Line::Event(Event::Cancelled))), "{last}");
    assert_eq!(child.wait().expect("an end").code(), Some(CANCELLED.into()));
    assert!(!folder.path().join(OUTCOME).exists());
}

#[test]
fn more_memory_than_it_may_have_is_refused_and_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let table = folder.path().join("table.csv");
    let mut text = (0..40).map(|column| format!("c{column},")).collect::<String>() + "y\n";
    for row in 0..60_000u32 {
        (0..40).for_each(|column| write!(text, "{},", (row * 7 + column) % 1009).expect("text"));
        writeln!(text, "{}", row % 2).expect("text");
    }
    std::fs::write(&table, text).expect("written");
    let mut large = job(&table, "y", folder.path());
    // Enough to begin with; the columns and their matrices have more.
    large.memory_bytes_max = 48 << 20;
    let (_, err, status) = ended(started(&json(&large)));
    assert!(is_out_of_memory(status.signal(), &err), "{status:?}: {err}");
    assert!(!folder.path().join(OUTCOME).exists());
}
