//! Which candidates are trained, and in which order.

use super::boosting::Boosting;
use super::error::TrainError;
use super::forest::Forest;
use super::hyperparameters::Hyperparameters;
use super::learner::{Learner, Material};
use super::linear::Ridge;
use super::logistic::Logistic;
use crate::config::{Algorithm, TrainConfig};
use crate::prepare::pipeline::Form;
use crate::prepare::random::Random;
use crate::task::Task;
use serde_json::{Map, Value, json};

/// A learner with settings that is to be tried.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Such as `gradient_boosting-3`.
    pub name: String,
    /// The learner; never `auto`.
    pub algorithm: Algorithm,
    /// Its settings.
    pub settings: Hyperparameters,
}

impl Plan {
    /// What its matrix must be like.
    pub fn form(&self) -> Form {
        match self.algorithm {
            Algorithm::LogisticRegression | Algorithm::LinearRegression => Form::Linear,
            _ => Form::Trees,
        }
    }

    /// The learner for this material.
    pub fn learner(&self, material: &Material<'_>) -> Box<dyn Learner> {
        let settings = self.settings.clone();
        match self.algorithm {
            Algorithm::RandomForest => Box::new(Forest::new(settings, material)),
            Algorithm::LogisticRegression => Box::new(Logistic(settings)),
            Algorithm::LinearRegression => Box::new(Ridge(settings)),
            _ => Box::new(Boosting(settings)),
        }
    }
}

/// The candidates of a configuration: the named algorithm alone; of `auto` first each algorithm with its defaults, then
/// gradient boosting with settings drawn by the seed.
///
/// # Errors
/// A hyperparameter that is unknown or out of range; an algorithm that is not one of the task.
pub fn plans(config: &TrainConfig, task: Task) -> Result<Vec<Plan>, TrainError> {
    let settings = Hyperparameters::checked(config.algorithm, &config.hyperparameters)?;
    let linear = match task {
        Task::Classification => Algorithm::LogisticRegression,
        Task::Regression => Algorithm::LinearRegression,
    };
    match config.algorithm {
        Algorithm::Auto => {}
        algorithm @ (Algorithm::LogisticRegression | Algorithm::LinearRegression) if algorithm != linear => {
            let (own, other) = (name(algorithm), name(linear));
            return Err(TrainError::WrongTask(format!("{own} is not for this task; {other} is")));
        }
        algorithm => return Ok(vec![Plan { name: format!("{}-1", name(algorithm)), algorithm, settings }]),
    }
    let mut plans = Vec::new();
    for algorithm in [Algorithm::GradientBoosting, Algorithm::RandomForest, linear] {
        let settings = Hyperparameters::checked(algorithm, &Map::new())?;
        plans.push(Plan { name: format!("{}-1", name(algorithm)), algorithm, settings });
    }
    let mut random = Random::new(config.validation.seed, 3);
    for number in 2..config.search.candidates_max.max(1) {
        let algorithm = Algorithm::GradientBoosting;
        let settings = Hyperparameters::checked(algorithm, &drawn(&mut random))?;
        plans.push(Plan { name: format!("{}-{number}", name(algorithm)), algorithm, settings });
    }
    plans.truncate(config.search.candidates_max.max(1) as usize);
    Ok(plans)
}

/// Settings of gradient boosting from where good ones were found on many tables.
fn drawn(random: &mut Random) -> Map<String, Value> {
    let mut between = |least: f64, most: f64| least + (most - least) * random.unit();
    let rounded = |number: f64| (number * 1e4).round() / 1e4;
    let settings = json!({
        "n_estimators": 1000,
        "learning_rate": rounded(between(0.02f64.ln(), 0.2f64.ln()).exp()),
        "max_depth": between(3.0, 11.0).floor(),
        "min_child_weight": rounded(between(0.5f64.ln(), 20f64.ln()).exp()),
        "subsample": rounded(between(0.5, 1.0)),
        "colsample_bytree": rounded(between(0.5, 1.0)),
        "reg_lambda": rounded(between(0.05f64.ln(), 20f64.ln()).exp()),
        "reg_alpha": rounded(between(0.001f64.ln(), 2f64.ln()).exp()),
        "early_stopping_rounds": 30,
    });
    settings.as_object().cloned().unwrap_or_default()
}

/// An algorithm as the configuration names it.
pub fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Auto => "auto",
        Algorithm::GradientBoosting => "gradient_boosting",
        Algorithm::RandomForest => "random_forest",
        Algorithm::LogisticRegression => "logistic_regression",
        Algorithm::LinearRegression => "linear_regression",
    }
}
