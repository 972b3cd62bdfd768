//! The steps of the demo, each through the server's own HTTP interfaces.

use super::assets::{Assets, Example};
use super::heading;
use super::load::{CONNECTIONS, Load, Tally};
use crate::cli::answer::cell;
use crate::cli::client::{Client, registry_path};
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::cli::session::rendered;
use crate::cli::table::Table;
use bytes::Bytes;
use indicatif::HumanBytes;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use servoir_types::Secret;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How far a probability may be from what the model's own library says.
pub const TOLERANCE: f64 = 1e-6;
/// How long the load goes on before and after the swap.
const LOAD_BESIDE_SWAP: Duration = Duration::from_millis(1500);

/// The way through the demo.
pub struct Tour<'a> {
    /// Calls the demo's server.
    pub client: &'a Client,
    /// What is shown.
    pub assets: &'a Assets,
    /// With which the load calls too.
    pub key: &'a Secret,
}

impl Tour<'_> {
    /// Every step in turn; a step that does not come out as it should ends the tour.
    pub async fn run(&self) -> Result<(), Failure> {
        let Assets { churn, digits, .. } = self.assets;
        let count = churn.feature_names.len();
        heading(&format!("1  Register 'churn', an XGBoost classifier of {count} features, and upload version 1"))?;
        self.register("churn", "xgboost", churn).await?;
        self.upload("churn", &self.assets.churn_v1, churn, 1).await?;
        self.deploy("churn", 1).await?;

        heading("2  Ask it about rows that it has not seen in training, beside XGBoost's own answers")?;
        self.compare("churn", "XGBOOST", churn, 1).await?;

        heading(&format!("3  Swap version 2 in while {CONNECTIONS} connections predict without pause"))?;
        self.upload("churn", &self.assets.churn_v2, churn, 2).await?;
        self.swap("churn", churn).await?;
        self.compare("churn", "XGBOOST", churn, 2).await?;

        heading("4  Serve a neural network for handwritten digits beside it")?;
        self.register("digits", "sklearn", digits).await?;
        self.upload("digits", &self.assets.network, digits, 1).await?;
        self.deploy("digits", 1).await?;
        self.compare("digits", "SCIKIT-LEARN", digits, 1).await?;

        heading("5  Say what rows looked like in training, and see when they no longer do")?;
        self.drift("churn", churn).await
    }

    async fn register(&self, name: &str, framework: &str, example: &Example) -> Result<(), Failure> {
        let classes = example.classes.join(", ");
        let body = json!({
            "name": name, "framework": framework, "tags": ["demo"],
            "description": format!("{} features; classes: {classes}", example.feature_names.len()),
        });
        let began = Instant::now();
        let created = self.client.change(&["models"], Some(&body)).await?;
        step(&format!("registered {name} as {}", cell(&created, "/id")), began)
    }

    async fn upload(&self, name: &str, model: &Bytes, example: &Example, version: u64) -> Result<(), Failure> {
        let metrics = example.metrics.get(&format!("v{version}")).cloned().unwrap_or_else(|| json!({}));
        let metadata = json!({"description": "made for the demo", "metrics": metrics}).to_string();
        let described = |error: reqwest::Error| Failure::failed(format!("cannot describe the upload: {error}"));
        let metadata = Part::text(metadata).mime_str("application/json").map_err(described)?;
        let bytes = model.len() as u64;
        let artifact = Part::stream_with_length(model.clone(), bytes).file_name(format!("{name}.onnx"));
        let form = Form::new().part("metadata", metadata).part("artifact", artifact);
        let began = Instant::now();
        let uploaded = self.client.upload(&registry_path(&["models", name, "versions"]), form).await?;
        if uploaded["version"].as_u64() != Some(version) {
            return Err(Failure::failed(format!("the upload became version {}, not {version}", uploaded["version"])));
        }
        let sha256: String = cell(&uploaded, "/sha256").chars().take(12).collect();
        let metrics = cell(&uploaded, "/metrics");
        step(&format!("uploaded version {version}: {}, SHA-256 {sha256}…, metrics {metrics}", HumanBytes(bytes)), began)
    }

    async fn deploy(&self, name: &str, version: u64) -> Result<(), Failure> {
        let began = Instant::now();
        let deployed = self.client.change(&["models", name, "deploy"], Some(&json!({"version": version}))).await?;
        let (engine, device) = (cell(&deployed, "/deployment/engine"), cell(&deployed, "/deployment/device"));
        step(&format!("version {version} is live on {engine} ({device})"), began)
    }

    /// Asks for all rows and shows the first rows' answers beside the library's own.
    async fn compare(&self, name: &str, library: &'static str, example: &Example, version: u64) -> Result<(), Failure> {
        let body = json!({"instances": example.rows});
        let answer = self.client.post(&["v1", "predict", name], &[], &body).await?;
        if answer["version"].as_u64() != Some(version) {
            return Err(Failure::failed(format!("version {} answered, not {version}", answer["version"])));
        }
        let mut table = Table::new(["ROW", "CLASS", "SERVOIR", library, "LARGEST DIFFERENCE"]);
        let mut largest = 0.0_f64;
        for row in 0..example.rows.len() {
            let (class, got, own, difference) = row_of(&answer, example, version, row)?;
            largest = worse(largest, difference);
            let cells = [format!("{got:.9}"), format!("{own:.9}"), shown(difference)];
            table.row([(row + 1).to_string(), class].into_iter().chain(cells));
        }
        output::result(&indented(&rendered(&table)))?;
        // A NaN is not within any tolerance.
        if largest <= TOLERANCE {
            return output::result(&format!("  all classes of all rows within {TOLERANCE:.0e}\n"));
        }
        Err(Failure::failed(format!(
            "answers of '{name}' differ from its own library's by {largest:e}, more than {TOLERANCE:e}"
        )))
    }

    async fn swap(&self, name: &str, example: &Example) -> Result<(), Failure> {
        let url = self.client.base();
        let load = Load::begin(url, self.key, name, &Arc::new(example.clone()))?;
        tokio::time::sleep(LOAD_BESIDE_SWAP).await;
        let (asked, began) = (load.elapsed(), Instant::now());
        let deployed = self.client.change(&["models", name, "deploy"], Some(&json!({"version": 2}))).await;
        let took = began.elapsed();
        tokio::time::sleep(LOAD_BESIDE_SWAP).await;
        let tally = load.end().await;
        deployed?;
        report(&tally, asked, took)
    }
}

/// The likeliest class of a row: its name, its probability here and at home, and the largest difference over all classes.
fn row_of(answer: &Value, example: &Example, version: u64, row: usize) -> Result<(String, f64, f64, f64), Failure> {
    let missing = || Failure::failed(format!("the answer has no probabilities for row {}", row + 1));
    let got = answer["probabilities"][row].as_array().ok_or_else(missing)?;
    let got: Vec<f64> = got.iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect();
    let own = example.expected(version, row).filter(|own| own.len() == got.len()).ok_or_else(missing)?;
    let differences = got.iter().zip(own).map(|(got, own)| (got - own).abs());
    let largest = differences.fold(0.0, worse);
    let likeliest = (0..own.len()).max_by(|&a, &b| own[a].total_cmp(&own[b])).ok_or_else(missing)?;
    let class = example.classes.get(likeliest).cloned().unwrap_or_else(|| likeliest.to_string());
    Ok((class, got[likeliest], own[likeliest], largest))
}

fn shown(difference: f64) -> String {
    if difference == 0.0 { "0".into() } else { format!("{difference:.1e}") }
}

/// The larger difference; NaN, which `max` would pass over, is the worst there is.
fn worse(one: f64, other: f64) -> f64 {
    if one.is_nan() || other.is_nan() { f64::NAN } else { one.max(other) }
}

fn report(tally: &Tally, asked: Duration, took: Duration) -> Result<(), Failure> {
    let of = |version: u64| tally.by_version.get(&version).copied().unwrap_or(0);
    let seconds = tally.elapsed.as_secs_f64();
    let per_second = tally.requests() as f64 / seconds;
    let first = tally.first_answer.get(&2).map(|at| at.saturating_sub(asked));
    let first = first.map_or("never".into(), |first| format!("{:.1} ms after that was asked for", milliseconds(first)));
    output::result(&format!(
        "  requests    {} in {seconds:.1} s ({per_second:.0} per second)\n  failed      {}\n  wrong       {}\n  \
           by version  {} from version 1, {} from version 2\n  swap        live in {:.1} ms; version 2 first answered {first}\n",
        tally.requests(),
        tally.failed,
        tally.wrong,
        of(1),
        of(2),
        milliseconds(took)
    ))?;
    if let Some(words) = &tally.first_failure {
        return Err(Failure::failed(format!("{} requests failed, the first with: {words}", tally.failed)));
    }
    if tally.wrong > 0 {
        return Err(Failure::failed(format!("{} answers were not what their version's model says", tally.wrong)));
    }
    if of(1) == 0 || of(2) == 0 {
        return Err(Failure::failed("one of the two versions answered nothing"));
    }
    Ok(())
}

/// What was done, and how long it took.
pub fn step(text: &str, began: Instant) -> Result<(), Failure> {
    output::result(&format!("  {} ({:.1} ms)\n", output::printable(text), milliseconds(began.elapsed())))
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// Text two characters further in.
pub fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_anywhere_in_a_row_shows() {
        let example = Assets::embedded().unwrap().digits;
        let own = example.expected(1, 0).unwrap().to_vec();
        let likeliest = (0..own.len()).max_by(|&a, &b| own[a].total_cmp(&own[b])).unwrap();
        let answer = |probabilities: &[f64]| json!({"probabilities": [probabilities]});
        let difference = |probabilities: &[f64]| row_of(&answer(probabilities), &example, 1, 0).map(|row| row.3);
        assert_eq!(difference(&own), Ok(0.0));
        let mut off = own.clone();
        let other = (likeliest + 1) % own.len();
        off[other] += 0.5;
        assert!((difference(&off).unwrap() - 0.5).abs() < 1e-9);
        off[other] = f64::NAN;
        assert!(difference(&off).unwrap().is_nan());
        assert!(difference(&own[1..]).is_err());
    }
}
