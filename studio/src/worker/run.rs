//! A run from its table to its outcome, stage by stage.

use super::baseline::baseline;
use super::candidates::{Found, Search, compared};
use super::ended::Ended;
use super::files::{write, write_json, write_outcome};
use super::importance::importance;
use super::reporter::Reporter;
use super::stop::Stop;
use super::study::{PARTS, Study};
use crate::evaluate::evaluate;
use crate::event::{Level, Phase};
use crate::export::model::onnx;
use crate::job::{BASELINE, EVALUATION, IMPORTANCE, Job, MODEL_NATIVE, MODEL_ONNX, Outcome};
use crate::table::Table;
use crate::train::search::{Plan, plans};
use serde_json::{Map, Value};
use std::io::Write;

/// Does a job: reads its dataset, and what [`run_on`] says.
///
/// # Errors
/// Why there is no model.
pub fn run(job: &Job, stop: &Stop, out: impl Write + Send) -> Result<Outcome, Ended> {
    let mut reporter = Reporter::new(out, stop.clone());
    reporter.phase(Phase::DataValidation, "reading the dataset")?;
    let table = read(job)?;
    train(job, &table, reporter)
}

/// Does a job on a table that is there already; the files are in the job's output folder when it returns the outcome.
///
/// # Errors
/// Why there is no model.
pub fn run_on(table: &Table, job: &Job, stop: &Stop, out: impl Write + Send) -> Result<Outcome, Ended> {
    let mut reporter = Reporter::new(out, stop.clone());
    reporter.phase(Phase::DataValidation, "checking the dataset")?;
    train(job, table, reporter)
}

fn train<W: Write + Send>(job: &Job, table: &Table, mut reporter: Reporter<W>) -> Result<Outcome, Ended> {
    let plans = plans(&job.config, job.task)?;
    let study = Study::new(job, table)?;
    for remark in &study.remarks {
        reporter.log(Level::Warning, remark)?;
    }
    let rows = study.counts();
    let counted = format!("{} rows train, {} choose, {} judge", rows.train, rows.validation, rows.test);
    reporter.log(Level::Info, &format!("{} features; {counted}", study.features.len()))?;
    reporter.phase(Phase::Preprocessing, "preparing the features")?;
    let prepared = study.prepare(plans.first().map_or(crate::prepare::pipeline::Form::Trees, Plan::form))?;
    reporter.phase(Phase::AlgorithmSearch, "training")?;
    let found = Search::new(&study, &mut reporter, prepared).run(&plans)?;
    say_what_was_found(&study, &found, &mut reporter)?;
    reporter.phase(Phase::Evaluation, "evaluating the model")?;
    let metrics = evaluated(&study, &found, &mut reporter)?;
    reporter.phase(Phase::ArtifactUpload, "writing the model")?;
    write_model(&study, &found)?;
    let outcome = Outcome {
        algorithm: Some(found.algorithm),
        model: MODEL_ONNX.to_owned(),
        hyperparameters: found.best.hyperparameters,
        metrics,
        leaderboard: found.leaderboard,
        features: study.features.iter().map(|feature| feature.name.clone()).collect(),
        classes: study.target.classes.clone(),
        rows,
        stage_seconds: reporter.finish(),
        search_cut_short: found.cut_short,
    };
    write_outcome(&job.output, &outcome)?;
    Ok(outcome)
}

fn say_what_was_found<W: Write + Send>(
    study: &Study<'_>,
    found: &Found,
    reporter: &mut Reporter<W>,
) -> Result<(), Ended> {
    let (best, compared) = (&found.best, compared(&study.material(&found.prepared)));
    reporter
        .log(Level::Info, &format!("{} is best: {compared} {:.6} of the validation rows", best.name, best.score))?;
    let baseline = found.leaderboard.iter().find(|candidate| candidate.algorithm.is_none());
    match baseline.filter(|baseline| baseline.score <= best.score) {
        Some(baseline) => reporter.log(
            Level::Warning,
            &format!(
                "no candidate is better than one that says the same of every row ({compared} {:.6}): \
                 the features may say nothing about the target",
                baseline.score
            ),
        ),
        None => Ok(()),
    }
}

/// Evaluates the model on each part and writes what that says; tells the numbers of the test rows.
fn evaluated<W: Write + Send>(
    study: &Study<'_>,
    found: &Found,
    reporter: &mut Reporter<W>,
) -> Result<Map<String, Value>, Ended> {
    let folder = &study.job.output;
    let mut metrics = Map::new();
    for (at, name) in PARTS.into_iter().enumerate() {
        let part = study.part(&found.prepared.pipeline, at);
        let rows: Vec<u64> = study.rows(at).into_iter().map(|row| row as u64).collect();
        let evaluation = evaluate(&found.model.judge(&part, &study.target.classes)?, &rows);
        write_json(folder, &format!("{EVALUATION}-{name}.json"), &evaluation)?;
        if name == "test" {
            let numbers =
                evaluation.summary().iter().filter_map(|(name, number)| Some((name.clone(), (*number)?.into())));
            metrics.extend(numbers);
            reporter.progress(0.5, "finding out what the model relies on")?;
            write_json(folder, IMPORTANCE, &importance(study, found, &part)?)?;
        }
    }
    let answers = found.model.predict(&found.prepared.train.matrix)?;
    write(folder, BASELINE, &baseline(study, &answers).to_json())?;
    Ok(metrics)
}

fn write_model(study: &Study<'_>, found: &Found) -> Result<(), Ended> {
    let folder = &study.job.output;
    let file = onnx(&study.features, &found.prepared.pipeline, &found.model, &study.target);
    write(folder, MODEL_ONNX, &file)?;
    if let Some(native) = found.model.native()? {
        write(folder, MODEL_NATIVE, &native)?;
    }
    Ok(())
}

/// Reads the columns that the configuration asks for.
fn read(job: &Job) -> Result<Table, Ended> {
    let config = &job.config;
    let named = (!config.feature_columns.is_empty()).then(|| {
        let mut names = config.feature_columns.clone();
        names.extend(config.target_column.clone());
        names
    });
    Table::read(&job.dataset, &job.format, named.as_deref())
        .map_err(|error| Ended::Failed { code: "unreadable-dataset", message: error.to_string() })
}
