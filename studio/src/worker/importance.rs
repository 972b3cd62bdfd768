//! How much the model relies on each feature.

use super::candidates::Found;
use super::ended::Ended;
use super::study::Study;
use crate::evaluate::{Encoding, Importance, Method, Permutation, ShapSum};
use crate::prepare::matrix::Matrix;
use crate::train::learner::Part;
use crate::train::model::{Model, Trees};
use crate::train::score;

/// How often each feature is shuffled.
const REPEATS: usize = 3;

/// The most rows that are asked about for each method, and the least, where there are as many.
const ROWS: std::ops::RangeInclusive<usize> = 50..=5_000;

/// How many visits of a tree by a row all shuffles together may cost.
const VISITS_MAX: usize = 300_000_000;

/// How many visits of a leaf by a row the SHAP values may cost.
const LEAF_VISITS_MAX: usize = 100_000_000;

/// Importance by every method that the model has, of the rows of a part.
pub fn importance(study: &Study<'_>, found: &Found, part: &Part) -> Result<Importance, Ended> {
    let features: Vec<String> = study.features.iter().map(|feature| feature.name.clone()).collect();
    let sources = found.prepared.pipeline.sources();
    let encoding = Encoding { features: &features, sources: &sources };
    let mut importance = Importance::new();
    let visits = match &found.model {
        Model::Trees(trees) => {
            by_splits(trees, &encoding, &mut importance);
            importance.insert(Method::Shap, shap(trees, encoding, &part.matrix)?);
            trees.booster.num_trees()
        }
        Model::Linear(_) => 1,
    };
    let rows = VISITS_MAX / (visits * features.len() * REPEATS).max(1);
    let chosen = every(part, rows.clamp(*ROWS.start(), *ROWS.end()));
    let mut failure = None;
    let shuffles = Permutation { seed: study.job.config.validation.seed, repeats: REPEATS };
    let ranking = shuffles.ranking(&encoding, &chosen.matrix.values, &mut |values| {
        let shuffled = Part {
            matrix: Matrix { columns: chosen.matrix.columns, values: values.to_vec().into() },
            truth: chosen.truth.clone(),
        };
        // The less it errs, the better it is.
        match found.model.judge(&shuffled, &study.target.classes) {
            Ok(predictions) => -score::score(&predictions),
            Err(error) => {
                failure = Some(error);
                f64::NAN
            }
        }
    });
    importance.insert(Method::Permutation, ranking);
    failure.map_or(Ok(importance), |error| Err(error.into()))
}

#[allow(clippy::cast_precision_loss)] // numbers of splits
fn by_splits(trees: &Trees, encoding: &Encoding<'_>, importance: &mut Importance) {
    let mut gains = vec![0.0; encoding.sources.len()];
    let mut splits = vec![0.0; encoding.sources.len()];
    for node in trees.booster.trees().iter().flat_map(|tree| tree.nodes()).filter(|node| !node.is_leaf()) {
        gains[node.split_feature as usize] += f64::from(node.split_gain);
        splits[node.split_feature as usize] += 1.0;
    }
    importance.insert(Method::Gain, encoding.ranking(&gains));
    importance.insert(Method::Split, encoding.ranking(&splits));
}

fn shap(trees: &Trees, encoding: Encoding<'_>, matrix: &Matrix) -> Result<crate::evaluate::Ranking, Ended> {
    let leaves: usize = trees.booster.trees().iter().map(|tree| tree.num_leaves()).sum();
    let cost = leaves * trees.booster.n_outputs();
    let rows = (LEAF_VISITS_MAX / cost.max(1)).clamp(*ROWS.start(), *ROWS.end());
    let matrix = every_row(matrix, rows);
    let width = trees.booster.n_outputs() * (encoding.sources.len() + 1);
    let mut sum = ShapSum::new(encoding);
    trees.contributions(&matrix)?.chunks_exact(width).for_each(|row| sum.add(row));
    Ok(sum.finish())
}

/// At most so many rows, evenly from all of them.
fn every(part: &Part, rows_max: usize) -> Part {
    let places = places(part.matrix.rows(), rows_max);
    Part { matrix: every_row(&part.matrix, rows_max), truth: part.truth.select(&places) }
}

fn every_row(matrix: &Matrix, rows_max: usize) -> Matrix {
    let places = places(matrix.rows(), rows_max);
    let row = |place: usize| &matrix.values[place * matrix.columns..][..matrix.columns];
    Matrix { columns: matrix.columns, values: places.into_iter().flat_map(row).copied().collect::<Vec<_>>().into() }
}

fn places(rows: usize, rows_max: usize) -> Vec<usize> {
    (0..rows).step_by(rows.div_ceil(rows_max).max(1)).collect()
}
