//! What the suites share: tables of the fixtures, jobs on them, and rows that no training has seen.

#![allow(dead_code)] // each suite uses its part

use servoir_studio::config::{Algorithm, TrainConfig};
use servoir_studio::event::Event;
use servoir_studio::job::{Candidate, Job, Line, Outcome};
use servoir_studio::prepare::random::Random;
use servoir_studio::table::inspect::inspect;
use servoir_studio::table::{Column, MISSING, Table, Values};
use servoir_studio::task::Task;
use servoir_studio::worker::{ended::Ended, run::run, stop::Stop};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A table of the fixtures, and what is to be learned from it.
#[derive(Debug, Clone, Copy)]
pub struct Subject {
    pub name: &'static str,
    pub target: &'static str,
    pub task: Task,
}

/// Two classes that are texts, three that are texts, ten that are integers, and a number.
pub const SUBJECTS: [Subject; 4] = [
    Subject { name: "tumours", target: "diagnosis", task: Task::Classification },
    Subject { name: "wines", target: "cultivar", task: Task::Classification },
    Subject { name: "digits", target: "digit", task: Task::Classification },
    Subject { name: "progression", target: "progression", task: Task::Regression },
];

/// The value of an environment variable that the set-up provides.
pub fn required(name: &str) -> PathBuf {
    let value = std::env::var_os(name);
    PathBuf::from(value.unwrap_or_else(|| panic!("{name} is not set: run the tests through `cargo xtask test`")))
}

/// A job that is to be done in a folder of its own.
pub struct Desk {
    pub job: Job,
    pub folder: TempDir,
}

impl Desk {
    /// A job on a table of the fixtures.
    pub fn of(subject: Subject, algorithm: Algorithm) -> Self {
        Self::of_file(
            &required("SERVOIR_TEST_FIXTURES").join("training").join(format!("{}.csv", subject.name)),
            subject,
            algorithm,
        )
    }

    /// A job on a table in a file.
    pub fn of_file(dataset: &Path, subject: Subject, algorithm: Algorithm) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = TrainConfig { algorithm, target_column: Some(subject.target.into()), ..TrainConfig::default() };
        let job = Job {
            dataset: dataset.into(),
            format: inspect(dataset).expect("a table").format,
            task: subject.task,
            config,
            output: folder.path().into(),
            threads: 1,
            memory_bytes_max: 4 << 30,
            nice: 10,
            script: None,
        };
        Self { job, folder }
    }

    /// Does the job; what it said beside what came out.
    pub fn run(&self) -> (Result<Outcome, Ended>, Vec<Line>) {
        let mut said = Vec::new();
        let done = run(&self.job, &Stop::default(), &mut said);
        (done, lines(&said))
    }

    /// Does a job that must end well.
    pub fn outcome(&self) -> Outcome {
        self.run().0.expect("a model")
    }

    pub fn file(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn table(&self) -> Table {
        Table::read(&self.job.dataset, &self.job.format, None).expect("a table")
    }
}

/// Lines of standard output.
pub fn lines(said: &[u8]) -> Vec<Line> {
    let said = std::str::from_utf8(said).expect("text");
    said.lines().map(|line| serde_json::from_str(line).expect("a line")).collect()
}

/// The events among lines.
pub fn events(lines: &[Line]) -> Vec<&Event> {
    lines.iter().filter_map(|line| if let Line::Event(event) = line { Some(event) } else { None }).collect()
}

/// The candidates among lines.
pub fn candidates(lines: &[Line]) -> Vec<&Candidate> {
    lines.iter().filter_map(|line| if let Line::Candidate(of) = line { Some(of) } else { None }).collect()
}

/// Rows made of a table's own values, a seventh of them taken out, and some that the table does not have.
pub fn probe(table: &Table, rows: usize) -> Table {
    let mut random = Random::new(7, 7);
    let columns = table.columns.iter().map(|column| {
        let values = match &column.values {
            Values::Numbers(of) => Values::Numbers(
                (0..rows)
                    .map(|_| match random.below(20) {
                        0..3 => f64::NAN,
                        3 => (random.unit() - 0.5) * 1e4,
                        _ => of[random.below(of.len())],
                    })
                    .collect(),
            ),
            Values::Texts { codes, texts } => {
                let mut texts = texts.clone();
                texts.push("never seen".into());
                let unseen = u32::try_from(texts.len() - 1).expect("few texts");
                let codes = (0..rows).map(|_| match random.below(20) {
                    0..3 => MISSING,
                    3 => unseen,
                    _ => codes[random.below(codes.len())],
                });
                Values::Texts { codes: codes.collect(), texts }
            }
        };
        Column { values, ..column.clone() }
    });
    Table { columns: columns.collect(), rows }
}

/// Writes a table as CSV, an empty field for what is missing.
pub fn write_csv(table: &Table, path: &Path) {
    let mut writer = csv::Writer::from_path(path).expect("a file");
    writer.write_record(table.columns.iter().map(|column| &column.name)).expect("a header");
    for row in 0..table.rows {
        let field = |column: &Column| match &column.values {
            Values::Numbers(of) if of[row].is_nan() => String::new(),
            Values::Numbers(of) => of[row].to_string(),
            Values::Texts { codes, .. } if codes[row] == MISSING => String::new(),
            Values::Texts { codes, texts } => texts[codes[row] as usize].clone(),
        };
        writer.write_record(table.columns.iter().map(field)).expect("a row");
    }
    writer.flush().expect("a file");
}

/// Runs a script of `python/studio` with the oracles' Python.
pub fn python(script: &str, files: &[&Path]) {
    python_with(script, &[], files);
}

/// Runs a script of `python/studio` with words and files for arguments.
pub fn python_with(script: &str, words: &[&str], files: &[&Path]) {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../python/studio");
    let mut command = Command::new(required("SERVOIR_TEST_PYTHON"));
    let done = command.arg(scripts.join(script)).args(words).args(files).output().expect("Python");
    assert!(done.status.success(), "{script}: {}", String::from_utf8_lossy(&done.stderr));
}
