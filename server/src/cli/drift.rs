//! `servoir drift`: how what a model is asked differs from what it was trained on.

use super::answer::{cell, items};
use super::client::registry_path;
use super::failure::Failure;
use super::output::{BAD, GOOD, paint, printable, stdout_has_colours};
use super::session::Session;
use super::table::Table;
use serde_json::Value;

/// The longest bar, in characters; it stands for [`BAR_MAX`] and more.
const BAR_CHARS: usize = 20;
/// Twice the alert threshold of the population stability index.
const BAR_MAX: f64 = 0.4;

/// Flags of `servoir drift`.
#[derive(Debug, clap::Args)]
pub struct Drift {
    /// Model, by name or id
    name: String,
    /// How much of the traffic, up to now
    #[arg(long, value_name = "WINDOW", default_value = "1h", value_parser = ["1h", "6h", "1d", "7d"])]
    window: String,
    /// A version other than the one that answers
    #[arg(long, value_name = "NUMBER")]
    version: Option<u64>,
    #[command(flatten)]
    session: Session,
}

impl Drift {
    /// Asks for an analysis and shows it.
    pub async fn run(self) -> Result<(), Failure> {
        let client = self.session.client()?;
        let version = self.version.map(|version| version.to_string());
        let mut query = vec![("window", self.window.as_str())];
        query.extend(version.as_deref().map(|version| ("version", version)));
        let report = client.get(&registry_path(&["models", &self.name, "drift"]), &query).await?;
        self.session.show(&report, |report| shown(&self.name, report, stdout_has_colours()))
    }
}

/// An analysis for people.
fn shown(name: &str, report: &Value, colours: bool) -> String {
    let status = report["overallStatus"].as_str().unwrap_or("error");
    let coloured = match status {
        "ok" if colours => paint(status, GOOD),
        "alert" | "error" if colours => paint(status, BAD),
        _ => status.to_owned(),
    };
    let mut text = format!(
        "{} version {}, last {}: {coloured}, drift score {}, {} rows\n",
        printable(name),
        cell(report, "/version"),
        cell(report, "/window"),
        number(&report["driftScore"]),
        cell(report, "/sampleSize"),
    );
    if let Some(reason) = report["reason"].as_str() {
        text += &format!("{}\n", printable(reason));
    }
    let mut columns: Vec<(&str, &Value)> = items(report, "features").iter().map(|column| ("feature", column)).collect();
    columns.sort_by(|(_, a), (_, b)| psi(b).total_cmp(&psi(a)));
    columns.extend(items(&report["predictionDrift"], "outputs").iter().map(|column| ("output", column)));
    if !columns.is_empty() {
        text += &format!("\n{}", table(&columns, colours));
    }
    let quality = &report["dataQuality"];
    if quality.is_object() {
        text += &format!("\ndata quality: {}", printable(&cell(quality, "/status")));
        if let Some(worst) = quality["worstFeature"].as_str() {
            let percent = quality["worstShare"].as_f64().unwrap_or_default() * 100.0;
            text += &format!(", {percent:.1} % of '{}' unusable or unseen", printable(worst));
        }
        text.push('\n');
    }
    text
}

fn table(columns: &[(&str, &Value)], colours: bool) -> String {
    let mut table = Table::new(["COLUMN", "KIND", "STATUS", "PSI", ""]);
    for (kind, column) in columns {
        let psi = &column["metrics"]["psi"]["value"];
        let named = [cell(column, "/featureName"), (*kind).to_owned(), cell(column, "/status")];
        table.row(named.into_iter().chain([number(psi), bar(psi.as_f64())]));
    }
    table.render(colours)
}

/// For sorting: columns without one last.
fn psi(column: &Value) -> f64 {
    column["metrics"]["psi"]["value"].as_f64().unwrap_or(-1.0)
}

fn number(value: &Value) -> String {
    value.as_f64().map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"))
}

fn bar(value: Option<f64>) -> String {
    let share = (value.unwrap_or_default() / BAR_MAX).clamp(0.0, 1.0);
    "#".repeat((share * BAR_CHARS as f64).round() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn features_stand_by_how_much_they_differ() {
        let column = |name: &str, status: &str, psi: Value| json!({"featureName": name, "status": status, "metrics": {"psi": {"value": psi}}});
        let report = json!({
            "version": 2, "window": "1h", "overallStatus": "alert", "driftScore": 0.1525, "sampleSize": 1200, "reason": null,
            "features": [column("a", "ok", json!(0.005)), column("b", "alert", json!(0.3)), column("c", "no-data", json!(null))],
            "predictionDrift": {"outputs": [column("label", "ok", json!(0.0))]},
            "dataQuality": {"status": "warning", "worstShare": 0.025, "worstFeature": "b"},
        });
        let expected = "churn version 2, last 1h: alert, drift score 0.1525, 1200 rows\n\n\
            COLUMN  KIND     STATUS   PSI\n\
            b       feature  alert    0.3000  ###############\n\
            a       feature  ok       0.0050\n\
            c       feature  no-data  -\n\
            label   output   ok       0.0000\n\n\
            data quality: warning, 2.5 % of 'b' unusable or unseen\n";
        assert_eq!(shown("churn", &report, false), expected);
    }

    #[test]
    fn a_window_without_data_says_what_to_do() {
        let report = json!({"version": 1, "window": "6h", "overallStatus": "no-data", "driftScore": null, "sampleSize": 0,
            "reason": "make a baseline", "features": [], "predictionDrift": null, "dataQuality": null});
        let expected = "x version 1, last 6h: no-data, drift score -, 0 rows\nmake a baseline\n";
        assert_eq!(shown("x", &report, false), expected);
    }
}
