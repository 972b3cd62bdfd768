//! What came of a run, for a person: the leaderboard, the numbers of the test rows, and which class is taken for which.

use crate::cli::answer::{cell, items};
use crate::cli::output::printable;
use crate::cli::session::rendered;
use crate::cli::table::Table;
use serde_json::Value;

/// The most classes whose confusion fits on a screen.
const CLASSES_SHOWN_MAX: usize = 12;
/// The most characters of a class's name in a heading.
const CLASS_CHARS_MAX: usize = 12;

/// Everything as text.
pub fn text(details: &Value, summary: &Value, confusion: Option<&Value>) -> String {
    let mut text = leaderboard(details);
    text += "\n";
    text += &numbers(summary);
    if let Some(confusion) = confusion {
        text += "\n";
        text += &matrix(confusion);
    }
    text
}

fn leaderboard(details: &Value) -> String {
    let mut table = Table::new(["CANDIDATE", "SCORE", "TRAINING S", "PREDICTION US/ROW", "ROUNDS"]);
    for candidate in items(details, "leaderboard") {
        let number = |key: &str, digits: usize| candidate[key].as_f64().map_or("-".into(), |n| format!("{n:.digits$}"));
        let (score, training) = (number("score", 5), number("training_seconds", 2));
        let prediction = number("prediction_micros_per_row", 2);
        table.row([cell(candidate, "/name"), score, training, prediction, cell(candidate, "/rounds")]);
    }
    rendered(&table)
}

fn numbers(summary: &Value) -> String {
    let mut table = Table::new(["TEST ROWS", "VALUE"]);
    for (name, value) in summary["metrics"].as_object().into_iter().flatten() {
        if let Some(value) = value.as_f64() {
            table.row([name.clone(), format!("{value:.5}")]);
        }
    }
    rendered(&table)
}

/// Rows are what is true, columns what was predicted; right answers are on the diagonal.
fn matrix(confusion: &Value) -> String {
    let labels: Vec<String> = items(confusion, "labels").iter().map(|label| short(&cell(label, ""))).collect();
    if labels.is_empty() || labels.len() > CLASSES_SHOWN_MAX {
        return format!("{} classes; GET …/performance/confusion-matrix has them all\n", labels.len());
    }
    let rows: Vec<Vec<String>> = items(confusion, "matrix")
        .iter()
        .map(|row| row.as_array().into_iter().flatten().map(count).collect())
        .collect();
    let first = labels.iter().map(|label| label.chars().count()).max().unwrap_or(0).max("TRUE \\ SAID".len());
    let width = rows.iter().flatten().chain(&labels).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let mut text = format!("{:<first$}", "TRUE \\ SAID");
    for label in &labels {
        text += &format!("  {label:>width$}");
    }
    for (label, row) in labels.iter().zip(&rows) {
        text += &format!("\n{label:<first$}");
        for cell in row {
            text += &format!("  {cell:>width$}");
        }
    }
    text + "\n"
}

/// A count: rows are whole, whatever the JSON says.
fn count(cell: &Value) -> String {
    cell.as_f64().map_or_else(|| cell.to_string(), |count| format!("{count:.0}"))
}

fn short(label: &str) -> String {
    let label = printable(label);
    match label.chars().count() > CLASS_CHARS_MAX {
        true => label.chars().take(CLASS_CHARS_MAX - 1).chain(['…']).collect(),
        false => label,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_confusion_is_a_square_that_a_person_can_read() {
        let confusion = json!({"labels": ["no", "a very long class"], "matrix": [[90.0, 3.0], [12.0, 1044.0]]});
        let expected = "TRUE \\ SAID             no  a very long…\n\
                        no                      90             3\n\
                        a very long…            12          1044\n";
        assert_eq!(matrix(&confusion), expected);
        assert!(matrix(&json!({"labels": vec!["x"; 13], "matrix": []})).starts_with("13 classes"));
    }
}
