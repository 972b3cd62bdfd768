//! The settings of each learner: names, ranges, defaults. Names are those of XGBoost's and scikit-learn's Python packages.

use super::error::TrainError;
use crate::config::Algorithm;
use serde_json::{Map, Number, Value};
use std::fmt::Write;

/// A setting of a learner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Setting {
    /// Its name.
    pub name: &'static str,
    /// Whether it must be whole.
    pub is_integer: bool,
    /// The smallest value.
    pub least: f64,
    /// The largest value.
    pub most: f64,
    /// What it is when nobody sets it; none where that depends on the data.
    pub default: Option<f64>,
}

const fn integer(name: &'static str, least: f64, most: f64, default: f64) -> Setting {
    Setting { name, is_integer: true, least, most, default: Some(default) }
}

const fn number(name: &'static str, least: f64, most: f64, default: f64) -> Setting {
    Setting { name, is_integer: false, least, most, default: Some(default) }
}

const GRADIENT_BOOSTING: &[Setting] = &[
    integer("n_estimators", 1.0, 10_000.0, 500.0),
    number("learning_rate", 0.001, 1.0, 0.1),
    integer("max_depth", 1.0, 16.0, 6.0),
    number("min_child_weight", 0.0, 1e6, 1.0),
    number("subsample", 0.05, 1.0, 0.8),
    number("colsample_bytree", 0.05, 1.0, 0.8),
    number("reg_lambda", 0.0, 1e6, 1.0),
    number("reg_alpha", 0.0, 1e6, 0.0),
    number("gamma", 0.0, 1e6, 0.0),
    integer("max_bin", 16.0, 1024.0, 256.0),
    // 0: all of n_estimators are kept.
    integer("early_stopping_rounds", 0.0, 1000.0, 20.0),
];

const RANDOM_FOREST: &[Setting] = &[
    integer("n_estimators", 1.0, 2_000.0, 100.0),
    integer("max_depth", 1.0, 64.0, 32.0),
    // Rows in a leaf.
    number("min_child_weight", 1.0, 1e6, 1.0),
    // The share of rows that a tree sees; a bootstrap sample sees 63.2 % of them.
    number("subsample", 0.05, 1.0, 0.632),
    // The share of columns that a split sees: of classifiers the square root of their number, of regressions all.
    Setting { name: "colsample_bynode", is_integer: false, least: 0.001, most: 1.0, default: None },
    integer("max_bin", 16.0, 1024.0, 256.0),
];

const LOGISTIC_REGRESSION: &[Setting] = &[number("C", 1e-6, 1e6, 1.0), integer("max_iter", 1.0, 10_000.0, 100.0)];

const LINEAR_REGRESSION: &[Setting] = &[number("l2", 1e-6, 1e9, 1.0)];

/// The settings of an algorithm. A search chooses them itself and has none.
pub fn settings(algorithm: Algorithm) -> &'static [Setting] {
    match algorithm {
        Algorithm::Auto => &[],
        Algorithm::GradientBoosting => GRADIENT_BOOSTING,
        Algorithm::RandomForest => RANDOM_FOREST,
        Algorithm::LogisticRegression => LOGISTIC_REGRESSION,
        Algorithm::LinearRegression => LINEAR_REGRESSION,
    }
}

/// Settings that are of their algorithm and in range, defaults filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Hyperparameters(Map<String, Value>);

impl Hyperparameters {
    /// Checks what was given and fills in the defaults.
    ///
    /// # Errors
    /// An unknown name, or a value that is no number or out of range; the message lists what there is.
    pub fn checked(algorithm: Algorithm, given: &Map<String, Value>) -> Result<Self, TrainError> {
        let mut checked = Map::new();
        for (name, value) in given {
            let value = check(algorithm, name, value).map_err(TrainError::Hyperparameter)?;
            checked.insert(name.clone(), value);
        }
        for setting in settings(algorithm) {
            if let (None, Some(default)) = (given.get(setting.name), setting.default) {
                checked.insert(setting.name.into(), setting.value(default));
            }
        }
        Ok(Self(checked))
    }

    /// A setting's value; of one that depends on the data, when it was given.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name).and_then(Value::as_f64)
    }

    /// A setting that has a default.
    pub fn number(&self, name: &str) -> f64 {
        self.get(name).unwrap_or_default()
    }

    /// A whole setting that has a default.
    pub fn integer(&self, name: &str) -> usize {
        self.0.get(name).and_then(Value::as_u64).and_then(|whole| usize::try_from(whole).ok()).unwrap_or_default()
    }

    /// All of them.
    pub fn map(&self) -> Map<String, Value> {
        self.0.clone()
    }
}

/// One setting of an algorithm, as it is used.
///
/// # Errors
/// What is wrong with it: the algorithm has none of this name, or it is no number, or out of range.
pub fn check(algorithm: Algorithm, name: &str, value: &Value) -> Result<Value, String> {
    let settings = settings(algorithm);
    match settings.iter().find(|setting| setting.name == name) {
        Some(setting) => setting.check(value),
        None if algorithm == Algorithm::Auto => Err(format!(
            "hyperparameters.{name} is set, and algorithm auto chooses hyperparameters itself; name the algorithm"
        )),
        None => Err(format!("'{name}' is no hyperparameter of this algorithm; it has {}", list(settings))),
    }
}

impl Setting {
    fn check(&self, value: &Value) -> Result<Value, String> {
        let wanted = || {
            let kind = if self.is_integer { "an integer" } else { "a number" };
            format!("hyperparameters.{} must be {kind} from {} to {}, not {value}", self.name, self.least, self.most)
        };
        let number = value.as_f64().filter(|number| (self.least..=self.most).contains(number));
        match number.filter(|number| !self.is_integer || number.fract() == 0.0) {
            Some(number) => Ok(self.value(number)),
            None => Err(wanted()),
        }
    }

    /// As JSON: whole settings without a fraction.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within the ranges above
    fn value(&self, number: f64) -> Value {
        if self.is_integer {
            Value::from(number as u64)
        } else {
            Number::from_f64(number).map_or(Value::Null, Value::Number)
        }
    }
}

fn list(settings: &[Setting]) -> String {
    let mut list = String::new();
    for (at, setting) in settings.iter().enumerate() {
        let separator = if at == 0 { "" } else { ", " };
        let _ = write!(list, "{separator}{} ({} to {})", setting.name, setting.least, setting.most);
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_are_checked_by_name_kind_and_range_and_completed() {
        let check =
            |algorithm, given: Value| Hyperparameters::checked(algorithm, given.as_object().expect("an object"));
        let made = check(Algorithm::GradientBoosting, json!({"max_depth": 3.0, "learning_rate": 1})).expect("valid");
        assert_eq!(made.map()["max_depth"], json!(3));
        assert_eq!(made.map()["learning_rate"], json!(1.0));
        assert_eq!(made.map()["n_estimators"], json!(500));
        assert_eq!(made.map().len(), GRADIENT_BOOSTING.len());
        let refused = [
            (Algorithm::GradientBoosting, json!({"max_dept": 3}), "it has n_estimators (1 to 10000), learning_rate"),
            (
                Algorithm::GradientBoosting,
                json!({"max_depth": 2.5}),
                "max_depth must be an integer from 1 to 16, not 2.5",
            ),
            (Algorithm::GradientBoosting, json!({"subsample": 0}), "subsample must be a number from 0.05 to 1, not 0"),
            (
                Algorithm::RandomForest,
                json!({"n_estimators": "many"}),
                "must be an integer from 1 to 2000, not \"many\"",
            ),
            (Algorithm::LogisticRegression, json!({"l2": 1}), "it has C (0.000001 to 1000000)"),
            (Algorithm::Auto, json!({"l2": 1}), "algorithm auto chooses hyperparameters itself"),
        ];
        for (algorithm, given, reason) in refused {
            let error = check(algorithm, given).expect_err(reason).to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    #[test]
    fn every_default_is_in_its_range() {
        for algorithm in [
            Algorithm::GradientBoosting,
            Algorithm::RandomForest,
            Algorithm::LogisticRegression,
            Algorithm::LinearRegression,
        ] {
            let defaults = Hyperparameters::checked(algorithm, &Map::new()).expect("defaults");
            assert_eq!(Hyperparameters::checked(algorithm, &defaults.map()).as_ref(), Ok(&defaults));
        }
    }
}
