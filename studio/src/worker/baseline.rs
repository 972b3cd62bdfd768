//! The baseline: what the training rows were like, and what the model said of them. Later traffic is compared with it.

use super::study::Study;
use crate::table::{MISSING, Values};
use crate::train::score::first_of_largest;
use servoir_monitor::{Baseline, CategoryProfile, Column, NumberProfile, Precision};

/// The most classes whose probabilities are profiled, each alone.
const CLASSES_MAX: usize = 50;

/// Profiles the training rows and the model's answers to them, row after row. Outputs are `label`, `confidence` (the
/// probability of the label) and `probabilities.<class>`, or `variable`.
pub fn baseline(study: &Study<'_>, answers: &[f64]) -> Baseline {
    let rows = study.rows(0);
    let of_feature = |name: &str, column: usize| match &study.table.columns[column].values {
        Values::Numbers(numbers) => number(name, rows.iter().map(|&row| numbers[row])),
        Values::Texts { codes, texts } => {
            let text = |code: u32| (code != MISSING).then(|| texts[code as usize].as_str());
            Column::category(name, CategoryProfile::of(rows.iter().map(|&row| text(codes[row]))))
        }
    };
    let features = study.features.iter().map(|feature| of_feature(&feature.name, feature.column)).collect();
    Baseline::new(rows.len() as u64, features, outputs(&study.target.classes, answers))
}

fn outputs(classes: &[String], answers: &[f64]) -> Vec<Column> {
    if classes.is_empty() {
        return vec![number("variable", answers.iter().copied())];
    }
    let rows = || answers.chunks_exact(classes.len());
    let labels = rows().map(|row| Some(classes[first_of_largest(row)].as_str()));
    let mut outputs = vec![
        Column::category("label", CategoryProfile::of(labels)),
        number("confidence", rows().map(|row| row[first_of_largest(row)])),
    ];
    for (class, name) in classes.iter().enumerate().take(CLASSES_MAX) {
        outputs.push(number(&format!("probabilities.{name}"), rows().map(|row| row[class])));
    }
    outputs
}

/// Numbers as the model takes and gives them: in single precision.
fn number(name: &str, values: impl Iterator<Item = f64>) -> Column {
    let values: Vec<f64> = values.collect();
    Column::number(name, NumberProfile::of(&values, Precision::Single))
}
