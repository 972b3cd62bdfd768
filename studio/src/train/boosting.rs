//! Gradient boosting: trees that each correct those before, until the validation rows gain nothing any more.

use super::error::TrainError;
use super::hyperparameters::Hyperparameters;
use super::learner::{Learned, Learner, Listener, Material, Part, Round};
use super::model::{Model, Sums, Trees};
use crate::prepare::matrix::Matrix;
use crate::prepare::target::Truth;
use hessboost::config::{TrainingParams, TreeMethod};
use hessboost::data::DMatrix;
use hessboost::metric::EvalMetric;
use hessboost::objective::{Multiclass, Objective, RegLoss};
use hessboost::training::{RoundEval, Trainer};
use serde_json::{Map, Value};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;

/// Gradient boosting with these settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Boosting(pub Hyperparameters);

/// The names of the two parts in metrics.
const PARTS: [&str; 2] = ["train", "validation"];

impl Learner for Boosting {
    fn hyperparameters(&self) -> Map<String, Value> {
        self.0.map()
    }

    fn learn(&self, material: &Material<'_>, listener: &mut Listener<'_>) -> Result<Learned, TrainError> {
        let (params, sums) = self.params(material)?;
        let train = dataset(material.train, None)?;
        let validation = dataset(material.validation, None)?;
        let rounds_max = self.0.integer("n_estimators");
        let mut trainer = Trainer::new(&params, &train, rounds_max).eval(&train, PARTS[0]).eval(&validation, PARTS[1]);
        if let Some(patience) = NonZeroUsize::new(self.0.integer("early_stopping_rounds")) {
            trainer = trainer.early_stopping_rounds(patience);
        }
        let mut is_cancelled = false;
        let hook = |eval: RoundEval<'_>| {
            let flow = listener(round(&eval, rounds_max));
            is_cancelled |= flow.is_break();
            flow
        };
        let result = trainer.on_round(hook).train()?;
        if is_cancelled {
            return Err(TrainError::Cancelled);
        }
        let kept = result.model.best_iteration().map_or(result.model.num_boost_rounds(), |best| best + 1);
        let booster = result.model.slice(..kept, 1)?;
        Ok(Learned { model: Model::Trees(Box::new(Trees::new(booster, sums)?)), rounds: kept as u64 })
    }
}

impl Boosting {
    fn params(&self, material: &Material<'_>) -> Result<(TrainingParams, Sums), TrainError> {
        let (objective, metric, sums) = match material.classes {
            0 => (Objective::SquaredError(RegLoss::default()), EvalMetric::Rmse, Sums::Number),
            2 => (Objective::BinaryLogistic(RegLoss::default()), EvalMetric::LogLoss, Sums::Logit),
            classes => (Objective::Softprob(Multiclass::new(classes)?), EvalMetric::MLogLoss, Sums::Logits),
        };
        let params = TrainingParams::builder()
            .objective(objective)
            .eval_metric(metric)
            .tree_method(TreeMethod::Hist)
            .nthread(material.threads.get())
            .seed(material.seed)
            .eta(self.0.number("learning_rate"))
            .max_depth(self.0.integer("max_depth"))
            .min_child_weight(self.0.number("min_child_weight"))
            .subsample(self.0.number("subsample"))
            .colsample_bytree(self.0.number("colsample_bytree"))
            .lambda(self.0.number("reg_lambda"))
            .alpha(self.0.number("reg_alpha"))
            .gamma(self.0.number("gamma"))
            .max_bin(self.0.integer("max_bin"))
            .build()?;
        Ok((params, sums))
    }
}

fn round(eval: &RoundEval<'_>, rounds_max: usize) -> Round {
    let named = |name: &str| if name.contains("logloss") { "logloss".to_owned() } else { name.to_owned() };
    let scores = eval.scores().filter(|(_, _, value)| value.is_finite());
    Round {
        round: eval.iteration() as u64 + 1,
        rounds_max: rounds_max as u64,
        metrics: scores.map(|(part, name, value)| (format!("{part}_{}", named(name)), value)).collect(),
    }
}

/// A part as the trees' library takes it. `labels` stand in for the truth.
pub fn dataset(part: &Part, labels: Option<(&[f32], usize)>) -> Result<DMatrix, TrainError> {
    let matrix = matrix(&part.matrix)?;
    match labels {
        Some((labels, width)) => Ok(matrix.with_label_matrix(labels, width)?),
        None => Ok(matrix.with_labels(&numbers(&part.truth))?),
    }
}

fn matrix(matrix: &Matrix) -> Result<DMatrix, TrainError> {
    Ok(DMatrix::from_dense_shared(matrix.values.clone(), matrix.rows(), matrix.columns, f32::NAN)?)
}

/// What is true as 32-bit numbers: classes are their positions.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // targets were checked, classes are few
pub fn numbers(truth: &Truth) -> Vec<f32> {
    match truth {
        Truth::Classes(of) => of.iter().map(|&class| class as f32).collect(),
        Truth::Numbers(of) => of.iter().map(|&number| number as f32).collect(),
    }
}

/// Whether a listener goes on.
pub fn go_on(flow: ControlFlow<()>) -> Result<(), TrainError> {
    if flow.is_break() { Err(TrainError::Cancelled) } else { Ok(()) }
}
