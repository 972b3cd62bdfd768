//! Training by a script of the model's owner: started with nothing but what it needs to know, heard line by line, and
//! believed about nothing but the model file that it leaves.
//!
//! The script finds the rows at `SERVOIR_DATA_PATH`, the run's configuration as JSON at `SERVOIR_CONFIG_PATH`, and puts a
//! model (`model.onnx`, `model.ubj`, `model.json` or `model.txt`) into `SERVOIR_OUTPUT_PATH`. A line of its standard output
//! that is a JSON object with numbers is a round's metrics (`epoch` and `total_epochs` are taken out); one with `progress`
//! from 0 to 1 says how far it is; every other line is a line of the log.

use super::ended::Ended;
use super::files::{write_json, write_outcome};
use super::reporter::Reporter;
use super::stop::Stop;
use crate::event::{Event, Level, Phase};
use crate::job::{Job, Outcome, Rows, Script};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Names that a model may have, in the order in which they are looked for.
const MODELS: [&str; 4] = ["model.onnx", "model.ubj", "model.json", "model.txt"];
/// The configuration's file, beside the script.
const CONFIG: &str = "servoir-config.json";
/// The most bytes of a line that are read as one.
const LINE_BYTES_MAX: u64 = 64 << 10;
/// The most metrics of a round.
const METRICS_MAX: usize = 64;
/// The most characters of a metric's name.
const NAME_CHARS_MAX: usize = 128;

/// Runs the script to its end; the outcome is in the job's output folder then.
///
/// # Errors
/// Why there is no model: `runner-missing`, `script-failed`, `no-model`.
pub fn run(job: &Job, script: &Script, stop: &Stop, out: impl Write + Send) -> Result<(), Ended> {
    let mut reporter = Reporter::new(out, stop.clone());
    reporter.phase(Phase::DataValidation, "preparing the script")?;
    write_json(&script.folder, CONFIG, &job.config)?;
    let results = script.folder.join("output");
    std::fs::create_dir(&results).map_err(Ended::unwritable)?;
    let mut child = start(job, script, &results)?;
    reporter.phase(Phase::AlgorithmSearch, "the script is running")?;
    let heard = listen(&mut child, &mut reporter);
    if heard.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().map_err(Ended::unwritable)?;
    let metrics = heard?;
    if !status.success() {
        let message = format!("the script ended with {status}; its last words are in the log");
        return Err(Ended::Failed { code: "script-failed", message });
    }
    reporter.phase(Phase::ArtifactUpload, "keeping the model")?;
    let model = MODELS.into_iter().find(|name| results.join(name).is_file()).ok_or_else(|| {
        let message = format!("the script left no model in SERVOIR_OUTPUT_PATH: none of {}", MODELS.join(", "));
        Ended::Failed { code: "no-model", message }
    })?;
    std::fs::rename(results.join(model), job.output.join(model)).map_err(Ended::unwritable)?;
    let outcome = Outcome {
        algorithm: None,
        model: model.to_owned(),
        hyperparameters: job.config.hyperparameters.clone(),
        metrics,
        leaderboard: Vec::new(),
        features: Vec::new(),
        classes: Vec::new(),
        rows: Rows { train: 0, validation: 0, test: 0 },
        stage_seconds: reporter.finish(),
        search_cut_short: false,
    };
    write_outcome(&job.output, &outcome)
}

fn start(job: &Job, script: &Script, results: &Path) -> Result<Child, Ended> {
    let missing = |reason: String| Ended::Failed { code: "runner-missing", message: reason };
    let (program, arguments) =
        script.command.split_first().ok_or_else(|| missing("there is no runner for scripts".to_owned()))?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .arg(script.folder.join(&script.file))
        .current_dir(&script.folder)
        .env_clear()
        .envs(["PATH", "LANG", "TZ"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .env("TMPDIR", &script.folder)
        .env("HOME", &script.folder)
        .env("SERVOIR_DATA_PATH", &job.dataset)
        .env("SERVOIR_CONFIG_PATH", script.folder.join(CONFIG))
        .env("SERVOIR_OUTPUT_PATH", results)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command.spawn().map_err(|error| missing(format!("the runner '{program}' cannot be started: {error}")))
}

/// Passes on what the script says, until it says nothing any more. Its last metrics.
fn listen<W: Write + Send>(child: &mut Child, reporter: &mut Reporter<W>) -> Result<Map<String, Value>, Ended> {
    let Some(output) = child.stdout.take() else { return Ok(Map::new()) };
    let mut output = BufReader::new(output);
    let (mut last, mut rounds) = (Map::new(), 0);
    loop {
        let mut line = Vec::new();
        let read = (&mut output).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).map_err(Ended::unwritable)?;
        if read == 0 {
            return Ok(last);
        }
        match Said::of(&line, rounds + 1) {
            Said::Round { epoch, total_epochs, metrics } => {
                rounds = epoch;
                last = metrics.iter().map(|(name, number)| (name.clone(), (*number).into())).collect();
                reporter.event(Event::Metrics { epoch, total_epochs, candidate: None, metrics })?;
            }
            Said::Progress(done, message) => reporter.progress(done, &message)?,
            Said::Nothing => {}
            Said::Words(words) => reporter.log(Level::Info, &words)?,
        }
    }
}

/// What a line of the script says.
#[derive(Debug, PartialEq)]
enum Said {
    Round { epoch: u64, total_epochs: u64, metrics: BTreeMap<String, f64> },
    Progress(f64, String),
    Words(String),
    Nothing,
}

impl Said {
    /// Reads a line; a round that does not say which it is is the `next`.
    fn of(line: &[u8], next: u64) -> Self {
        let text = String::from_utf8_lossy(line);
        let text = text.trim();
        if text.is_empty() {
            return Self::Nothing;
        }
        let Ok(Value::Object(mut object)) = serde_json::from_str(text) else { return Self::Words(text.to_owned()) };
        if let Some(done) = object.get("progress").and_then(Value::as_f64) {
            let message = object.get("message").and_then(Value::as_str).unwrap_or("the script is running");
            return Self::Progress(done, message.to_owned());
        }
        let epoch = object.remove("epoch").and_then(|epoch| epoch.as_u64()).unwrap_or(next);
        let total = object.remove("total_epochs").and_then(|total| total.as_u64()).unwrap_or(epoch);
        let numbers = match object.remove("metrics") {
            Some(Value::Object(metrics)) => metrics,
            _ => object,
        };
        let named = numbers.into_iter().filter(|(name, _)| name.chars().count() <= NAME_CHARS_MAX);
        let metrics: BTreeMap<_, _> =
            named.filter_map(|(name, value)| Some((name, value.as_f64()?))).take(METRICS_MAX).collect();
        match metrics.is_empty() {
            true => Self::Words(text.to_owned()),
            false => Self::Round { epoch, total_epochs: total.max(epoch), metrics },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_rounds_progress_or_words() {
        let round = |epoch, total_epochs, loss| Said::Round {
            epoch,
            total_epochs,
            metrics: BTreeMap::from([("loss".to_owned(), loss)]),
        };
        for (line, said) in [
            (r#"{"epoch": 2, "total_epochs": 9, "loss": 0.5}"#, round(2, 9, 0.5)),
            (r#"{"epoch": 2, "metrics": {"loss": 0.5, "note": "x"}}"#, round(2, 2, 0.5)),
            (r#"{"loss": 1}"#, round(7, 7, 1.0)),
            (r#"{"progress": 0.5, "message": "half"}"#, Said::Progress(0.5, "half".into())),
            ("  reading\n", Said::Words("reading".into())),
            (r#"{"note": "x"}"#, Said::Words(r#"{"note": "x"}"#.into())),
            ("[1]", Said::Words("[1]".into())),
            ("\n", Said::Nothing),
        ] {
            assert_eq!(Said::of(line.as_bytes(), 7), said, "{line}");
        }
    }
}
