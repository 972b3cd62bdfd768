//! The demo's last step: rows as in training, then rows that are not, and what the server says of both.

use super::assets::Example;
use super::tour::{Tour, indented, step};
use crate::cli::answer::{cell, items};
use crate::cli::client::registry_path;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::session::rendered;
use crate::cli::table::Table;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use std::time::Instant;

/// The feature whose measuring instrument is taken to have changed, by its place.
const CHANGED: usize = 21;
/// By how many of its standard deviations.
const BY: f64 = 1.0;
/// How often the rows of training are sent with that change.
const TIMES: usize = 3;
/// The columns that are shown.
const SHOWN: usize = 3;

impl Tour<'_> {
    /// Gives the live version a baseline, asks it for rows as in training and then for changed ones.
    ///
    /// # Errors
    /// When the server does not tell the one from the other.
    pub async fn drift(&self, name: &str, example: &Example) -> Result<(), Failure> {
        let began = Instant::now();
        let file = Part::bytes(csv(example).into_bytes()).file_name("training.csv");
        let form = Form::new().part("file", file);
        let made = self.client.upload(&registry_path(&["models", name, "baselines"]), form).await?;
        let rows = cell(&made, "/rows");
        step(&format!("profiled {rows} rows of training: what is normal for version 2"), began)?;

        self.ask(name, &example.training).await?;
        self.expect(name, "ok").await?;

        let (mut changed, column) = (example.training.clone(), CHANGED.min(example.feature_names.len() - 1));
        let by = BY * deviation(&changed, column);
        changed.iter_mut().for_each(|row| row[column] += by);
        for _ in 0..TIMES {
            self.ask(name, &changed).await?;
        }
        let feature = &example.feature_names[column];
        output::result(&format!("  '{feature}' now comes {by:.3} higher than it is, one standard deviation\n"))?;
        let report = self.expect(name, "alert").await?;
        output::result(&indented(&worst(&report)))
    }

    async fn ask(&self, name: &str, rows: &[Vec<f64>]) -> Result<(), Failure> {
        self.client.post(&["v1", "predict", name], &[], &json!({"instances": rows})).await?;
        Ok(())
    }

    async fn expect(&self, name: &str, expected: &str) -> Result<Value, Failure> {
        let began = Instant::now();
        let report = self.client.get(&registry_path(&["models", name, "drift"]), &[("window", "1h")]).await?;
        let status = cell(&report, "/overallStatus");
        let (rows, score) = (cell(&report, "/sampleSize"), report["driftScore"].as_f64().unwrap_or(f64::NAN));
        step(&format!("{rows} rows since then: {status}, drift score {score:.3}"), began)?;
        if status == expected {
            Ok(report)
        } else {
            Err(Failure::failed(format!("drift is '{status}', not '{expected}'")))
        }
    }
}

/// The rows of training as a table.
fn csv(example: &Example) -> String {
    let line = |cells: &[String]| format!("{}\n", cells.join(","));
    let rows = example.training.iter().map(|row| row.iter().map(f64::to_string).collect::<Vec<_>>());
    line(&example.feature_names) + &rows.map(|row| line(&row)).collect::<String>()
}

/// The standard deviation of a column.
fn deviation(rows: &[Vec<f64>], column: usize) -> f64 {
    let count = rows.len().max(1) as f64;
    let mean = rows.iter().map(|row| row[column]).sum::<f64>() / count;
    (rows.iter().map(|row| (row[column] - mean).powi(2)).sum::<f64>() / count).sqrt()
}

/// The columns that differ most.
fn worst(report: &Value) -> String {
    let features = items(report, "features").iter().map(|column| ("feature", column));
    let outputs = items(&report["predictionDrift"], "outputs").iter().map(|column| ("output", column));
    let mut columns: Vec<_> = features.chain(outputs).collect();
    let psi = |column: &Value| column["metrics"]["psi"]["value"].as_f64().unwrap_or(f64::NAN);
    columns.sort_by(|(_, a), (_, b)| psi(b).total_cmp(&psi(a)));
    let mut table = Table::new(["COLUMN", "KIND", "STATUS", "PSI"]);
    for (kind, column) in columns.into_iter().take(SHOWN) {
        let told =
            [cell(column, "/featureName"), kind.to_owned(), cell(column, "/status"), format!("{:.3}", psi(column))];
        table.row(told);
    }
    rendered(&table)
}
