//! Random forests: trees that each see a sample of the rows, and at each split a sample of the columns; their answers are
//! averaged (Breiman, 2001).
//!
//! A tree is one round of boosting with squared error and nothing held back: its leaves are then means. Of classes
//! that are told by ones and zeros the means are shares, and the gain in squared error is the gain in Gini's impurity.

use super::boosting::{dataset, go_on, numbers};
use super::error::TrainError;
use super::hyperparameters::Hyperparameters;
use super::learner::{Learned, Learner, Listener, Material, Part, Round};
use super::model::{Model, NODES_MAX, Sums, Trees, beside, too_many};
use super::score;
use crate::prepare::random::Random;
use crate::prepare::target::Truth;
use hessboost::config::{MultiStrategy, TrainingParams, TreeMethod};
use hessboost::objective::{Objective, RegLoss};
use hessboost::prelude::{BoostedModel, Iterations};
use hessboost::training::Trainer;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A random forest with these settings, for so many columns of a matrix and so many classes.
#[derive(Debug, Clone, PartialEq)]
pub struct Forest {
    settings: Hyperparameters,
    columns_share: f64,
}

impl Forest {
    /// A forest with these settings. The share of columns that is not among them comes from the material.
    #[allow(clippy::cast_precision_loss)] // numbers of columns
    pub fn new(settings: Hyperparameters, material: &Material<'_>) -> Self {
        let columns = material.train.matrix.columns.max(1) as f64;
        let usual = if material.classes == 0 { 1.0 } else { columns.sqrt().round() / columns };
        let columns_share = settings.get("colsample_bynode").unwrap_or(usual);
        Self { settings, columns_share }
    }
}

impl Learner for Forest {
    fn hyperparameters(&self) -> Map<String, Value> {
        let mut settings = self.settings.map();
        settings.insert("colsample_bynode".into(), json!(self.columns_share));
        settings
    }

    fn learn(&self, material: &Material<'_>, listener: &mut Listener<'_>) -> Result<Learned, TrainError> {
        let (labels, width) = labels(material.train, material.classes);
        let train = dataset(material.train, Some((&labels, width)))?;
        let trees = self.settings.integer("n_estimators");
        let mut seeds = Random::new(material.seed, 2);
        let mut judged = Judged::new(material);
        let mut forest = Vec::with_capacity(trees);
        let mut nodes = 0;
        for tree in 1..=trees {
            let params = self.params(material, seeds.next() >> 1)?;
            let booster = Trainer::new(&params, &train, 1).train()?.model;
            nodes += booster.trees().iter().map(|tree| tree.num_nodes()).sum::<usize>();
            if nodes > NODES_MAX {
                return Err(too_many(nodes));
            }
            let metrics = judged.add(&booster)?;
            forest.push(booster);
            go_on(listener(Round { round: tree as u64, rounds_max: trees as u64, metrics }))?;
        }
        let booster = BoostedModel::average(&forest)?;
        let sums = match material.classes {
            0 => Sums::Number,
            2 => Sums::Share,
            _ => Sums::Shares,
        };
        Ok(Learned { model: Model::Trees(Box::new(Trees::new(booster, sums)?)), rounds: trees as u64 })
    }
}

impl Forest {
    fn params(&self, material: &Material<'_>, seed: u64) -> Result<TrainingParams, TrainError> {
        let params = TrainingParams::builder()
            .objective(Objective::SquaredError(RegLoss::default()))
            .tree_method(TreeMethod::Hist)
            .multi_strategy(MultiStrategy::MultiOutputTree)
            .nthread(material.threads.get())
            .seed(seed)
            .eta(1.0)
            .lambda(0.0)
            .max_depth(self.settings.integer("max_depth"))
            .min_child_weight(self.settings.number("min_child_weight"))
            .subsample(self.settings.number("subsample"))
            .colsample_bynode(self.columns_share)
            .max_bin(self.settings.integer("max_bin"));
        // Numbers are told from their mean, shares from 0.
        Ok(if material.classes == 0 { params } else { params.base_score(0.0) }.build()?)
    }
}

/// What each tree is to come near, and how many numbers that is per row: 1 for the true class of several, 0 for the others;
/// for two classes whether it is the second; else the number.
fn labels(part: &Part, classes: usize) -> (Vec<f32>, usize) {
    match &part.truth {
        Truth::Classes(of) if classes > 2 => {
            let mut labels = vec![0.0; of.len() * classes];
            of.iter().enumerate().for_each(|(row, &class)| labels[row * classes + class as usize] = 1.0);
            (labels, classes)
        }
        truth => (numbers(truth), 1),
    }
}

/// The validation rows' answers of the trees so far, added up.
struct Judged<'a> {
    part: &'a Part,
    classes: usize,
    sums: Vec<f64>,
    trees: usize,
}

impl<'a> Judged<'a> {
    fn new(material: &Material<'a>) -> Self {
        Self { part: material.validation, classes: material.classes, sums: Vec::new(), trees: 0 }
    }

    /// The numbers of the forest with one tree more.
    #[allow(clippy::cast_precision_loss)] // numbers of trees
    fn add(&mut self, tree: &BoostedModel) -> Result<BTreeMap<String, f64>, TrainError> {
        let answers = tree.predict_margin_rows(&self.part.matrix.values, Iterations::Best)?;
        self.sums.resize(answers.as_slice().len(), 0.0);
        self.sums.iter_mut().zip(answers.as_slice()).for_each(|(sum, &answer)| *sum += f64::from(answer));
        self.trees += 1;
        let means = self.sums.iter().map(|sum| sum / self.trees as f64);
        let answers = match self.classes {
            2 => means.flat_map(|second| [1.0 - second, second]).collect(),
            _ => means.collect(),
        };
        let predictions = beside(&self.part.truth, answers, &vec![String::new(); self.classes]);
        let named = score::metrics(&predictions).into_iter();
        Ok(named.map(|(name, value)| (format!("validation_{}", name.replace('_', "")), value)).collect())
    }
}
