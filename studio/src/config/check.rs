//! Whether a configuration can be meant.

use super::{Algorithm, TrainConfig};
use crate::task::Task;
use crate::train::hyperparameters;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;

/// The most columns of a dataset.
const COLUMNS_MAX: usize = 10_000;
/// The most characters in a column's name.
const COLUMN_CHARS_MAX: usize = 256;
/// The most hyperparameters, and the most characters in the name or the text of one.
const HYPERPARAMETERS_MAX: usize = 64;
const HYPERPARAMETER_CHARS_MAX: usize = 256;
/// The share of rows that judge, and that of those that choose.
const PART_SIZES: RangeInclusive<f64> = 0.01..=0.5;
/// The share of rows that both may have together: the rest trains.
const PARTS_SIZE_MAX: f64 = 0.9;
/// Seeds that every client's numbers hold exactly: up to 2⁵³ − 1.
const SEEDS: RangeInclusive<u64> = 0..=(1 << 53) - 1;
/// How many candidates a search may have, and how many seconds.
const CANDIDATES: RangeInclusive<u32> = 1..=1000;
const SEARCH_SECONDS: RangeInclusive<u64> = 1..=86_400;

/// Why a configuration is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // each message says it
pub enum ConfigError {
    /// Values out of their range: a JSON pointer into the configuration, and what is wrong there.
    #[error("{} values are out of their range", .0.len())]
    OutOfRange(Vec<(String, String)>),
    #[error("the target column '{0}' is among the features: a model would be told what it is to find out")]
    TargetAmongFeatures(String),
    #[error("{algorithm} cannot learn {task}; it is for {other}")]
    WrongTask { algorithm: &'static str, task: &'static str, other: &'static str },
}

impl TrainConfig {
    /// Checks everything that can be checked without a dataset.
    ///
    /// # Errors
    /// Every value that is out of its range; else what contradicts itself, or the task, where that is known.
    pub fn check(&self, task: Option<Task>) -> Result<(), ConfigError> {
        let mut found = Ranges::default();
        self.check_columns(&mut found);
        self.check_hyperparameters(&mut found);
        let validation = &self.validation;
        found.within("/validation/test_size", validation.test_size, &PART_SIZES);
        found.within("/validation/val_size", validation.val_size, &PART_SIZES);
        let both = validation.test_size + validation.val_size;
        let are_in_range = PART_SIZES.contains(&validation.test_size) && PART_SIZES.contains(&validation.val_size);
        if are_in_range && both > PARTS_SIZE_MAX {
            let detail = format!("with test_size it comes to {both}; {PARTS_SIZE_MAX} is the most, the rest trains");
            found.0.push(("/validation/val_size".to_owned(), detail));
        }
        found.within("/validation/seed", validation.seed, &SEEDS);
        found.within("/search/candidates_max", self.search.candidates_max, &CANDIDATES);
        found.within("/search/seconds_max", self.search.seconds_max, &SEARCH_SECONDS);
        if !found.0.is_empty() {
            return Err(ConfigError::OutOfRange(found.0));
        }
        if let Some(target) = self.target_column.as_ref().filter(|target| self.feature_columns.contains(target)) {
            return Err(ConfigError::TargetAmongFeatures(target.clone()));
        }
        match (self.algorithm, task) {
            (Algorithm::LogisticRegression, Some(Task::Regression)) => Err(ConfigError::WrongTask {
                algorithm: "logistic_regression",
                task: "regression",
                other: "classification",
            }),
            (Algorithm::LinearRegression, Some(Task::Classification)) => Err(ConfigError::WrongTask {
                algorithm: "linear_regression",
                task: "classification",
                other: "regression",
            }),
            _ => Ok(()),
        }
    }

    fn check_columns(&self, found: &mut Ranges) {
        if let Some(target) = &self.target_column {
            found.column("/target_column", target);
        }
        if self.feature_columns.len() > COLUMNS_MAX {
            let detail = format!("has {} columns; {COLUMNS_MAX} are allowed", self.feature_columns.len());
            return found.0.push(("/feature_columns".to_owned(), detail));
        }
        let mut seen = BTreeSet::new();
        for (index, column) in self.feature_columns.iter().enumerate() {
            let pointer = format!("/feature_columns/{index}");
            found.column(&pointer, column);
            if !seen.insert(column) {
                found.0.push((pointer, format!("'{column}' is given twice")));
            }
        }
    }

    fn check_hyperparameters(&self, found: &mut Ranges) {
        if self.hyperparameters.len() > HYPERPARAMETERS_MAX {
            let detail = format!("has {} entries; {HYPERPARAMETERS_MAX} are allowed", self.hyperparameters.len());
            return found.0.push(("/hyperparameters".to_owned(), detail));
        }
        for (name, value) in &self.hyperparameters {
            let pointer = format!("/hyperparameters/{}", name.replace('~', "~0").replace('/', "~1"));
            let is_short = |text: &str| text.chars().count() <= HYPERPARAMETER_CHARS_MAX;
            let is_plain = match value {
                Value::Number(_) | Value::Bool(_) => true,
                Value::String(text) => is_short(text),
                _ => false,
            };
            if !is_plain || !is_short(name) {
                let detail = format!(
                    "a hyperparameter is a number, a truth value or a text, and neither it nor its name has more than \
                     {HYPERPARAMETER_CHARS_MAX} characters"
                );
                found.0.push((pointer, detail));
            } else if self.algorithm != Algorithm::Auto
                && let Err(detail) = hyperparameters::check(self.algorithm, name, value)
            {
                // With no algorithm named they may be those of the model's own script.
                found.0.push((pointer, detail));
            }
        }
    }
}

/// Values out of their range: where, and what is wrong.
#[derive(Default)]
struct Ranges(Vec<(String, String)>);

impl Ranges {
    fn within<T: PartialOrd + Display>(&mut self, pointer: &str, value: T, range: &RangeInclusive<T>) {
        if !range.contains(&value) {
            let (least, most) = (range.start(), range.end());
            self.0.push((pointer.to_owned(), format!("{value} is out of range; it goes from {least} to {most}")));
        }
    }

    fn column(&mut self, pointer: &str, name: &str) {
        let length = name.chars().count();
        if length == 0 || length > COLUMN_CHARS_MAX {
            let detail = format!("a column's name has 1 to {COLUMN_CHARS_MAX} characters, this one has {length}");
            self.0.push((pointer.to_owned(), detail));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refused(config: Value, task: Option<Task>) -> ConfigError {
        serde_json::from_value::<TrainConfig>(config).unwrap().check(task).unwrap_err()
    }

    #[test]
    fn every_value_out_of_its_range_is_named() {
        let many: serde_json::Map<String, Value> = (0..65).map(|index| (index.to_string(), json!(1))).collect();
        let cases = [
            (json!({"target_column": ""}), vec!["/target_column"]),
            (json!({"target_column": "ё".repeat(257)}), vec!["/target_column"]),
            (json!({"feature_columns": ["a", "b", "a", ""]}), vec!["/feature_columns/2", "/feature_columns/3"]),
            (json!({"feature_columns": vec!["a"; 10_001]}), vec!["/feature_columns"]),
            (
                json!({"hyperparameters": {"a/b": null, "c": [1], "d": 1}}),
                vec!["/hyperparameters/a~1b", "/hyperparameters/c"],
            ),
            (json!({"hyperparameters": many}), vec!["/hyperparameters"]),
            (
                json!({"algorithm": "random_forest", "hyperparameters": {"max_depth": 65, "max_dept": 3, "n_estimators": 5}}),
                vec!["/hyperparameters/max_dept", "/hyperparameters/max_depth"],
            ),
            (json!({"validation": {"seed": 1_u64 << 53}}), vec!["/validation/seed"]),
            (
                json!({"validation": {"test_size": 0.0, "val_size": 0.51}}),
                vec!["/validation/test_size", "/validation/val_size"],
            ),
            (json!({"validation": {"test_size": 0.5, "val_size": 0.5}}), vec!["/validation/val_size"]),
            (
                json!({"search": {"candidates_max": 0, "seconds_max": 86_401}}),
                vec!["/search/candidates_max", "/search/seconds_max"],
            ),
        ];
        for (config, expected) in cases {
            let ConfigError::OutOfRange(found) = refused(config.clone(), None) else { panic!("{config}") };
            assert_eq!(found.iter().map(|(pointer, _)| pointer.as_str()).collect::<Vec<_>>(), expected, "{config}");
        }
    }

    #[test]
    fn what_contradicts_itself_is_refused_and_the_rest_is_not() {
        let config = json!({"target_column": "y", "feature_columns": ["x", "y"]});
        assert_eq!(refused(config, None), ConfigError::TargetAmongFeatures("y".to_owned()));
        for (algorithm, task) in
            [("logistic_regression", Task::Regression), ("linear_regression", Task::Classification)]
        {
            let error = refused(json!({"algorithm": algorithm}), Some(task));
            assert!(matches!(error, ConfigError::WrongTask { .. }), "{error:?}");
        }
        for config in [
            json!({}),
            json!({"algorithm": "linear_regression", "target_column": "y", "feature_columns": ["x", "z"]}),
            json!({"hyperparameters": {"a": 1, "b": true, "c": "text"}, "validation": {"test_size": 0.5, "val_size": 0.4}}),
        ] {
            let config: TrainConfig = serde_json::from_value(config).unwrap();
            assert_eq!(config.check(None), Ok(()));
            assert_eq!(config.check(Some(Task::Regression)), Ok(()));
        }
    }
}
