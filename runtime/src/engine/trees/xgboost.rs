//! XGBoost's files, in JSON and in UBJSON, of version 1.0 and later.
//!
//! A prediction is that of `Booster.predict` without arguments, bit for bit: it takes every tree, also those after
//! `best_iteration`, which scikit-learn's wrappers leave out.

mod booster;
mod document;
mod link;
mod nonfinite;
mod objective;
mod rows;
mod text;
mod tree;
mod ubjson;

use super::features::Matrix;
use super::model::{Features, Loaded, Model};
use super::signature;
use crate::error::Unsupported;
use booster::{Boosted, boosted};
use document::{Document, Sizes};
use objective::Objective;
use rows::ZeroForMissing;
use servoir_types::Datatype;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The longest file, in bytes.
const FILE_BYTES_MAX: u64 = 4 << 30;
/// The most columns of a row: memory is taken for each before the first tree is read.
const FEATURES_MAX: usize = 1 << 20;
/// The most values of a prediction.
const OUTPUTS_MAX: usize = 1 << 16;
/// The most bytes that a refusal quotes of a file.
const REASON_BYTES_MAX: usize = 400;

/// Reads a model that `save_model("….json")` wrote.
///
/// # Errors
/// What is wrong with the file, and where.
pub fn read_json(path: &Path) -> Result<Loaded, Unsupported> {
    model(json(bytes(path)?)?)
}

/// Reads a model that `save_model("….ubj")` wrote.
///
/// # Errors
/// What is wrong with the file, and where.
pub fn read_ubj(path: &Path) -> Result<Loaded, Unsupported> {
    model(ubj(&bytes(path)?)?)
}

fn json(mut bytes: Vec<u8>) -> Result<Document, Unsupported> {
    let read = match serde_json::from_slice(&bytes) {
        Err(_) if nonfinite::quote(&mut bytes) => serde_json::from_slice(&bytes),
        read => read,
    };
    read.map_err(broken)
}

fn ubj(bytes: &[u8]) -> Result<Document, Unsupported> {
    ubjson::from_slice(bytes).map_err(broken)
}

fn bytes(path: &Path) -> Result<Vec<u8>, Unsupported> {
    let unreadable = |error: std::io::Error| {
        Unsupported::new(format!("the file cannot be read: {error}"), "check that it exists and may be read")
    };
    let mut file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    if length > FILE_BYTES_MAX {
        return Err(broken(format!("it has {length} bytes, more than {} GiB", FILE_BYTES_MAX >> 30)));
    }
    let mut bytes = Vec::new();
    file.by_ref().take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn model(document: Document) -> Result<Loaded, Unsupported> {
    let learner = document.learner;
    let (features, outputs) = sizes(&learner.learner_model_param)?;
    let name = &learner.objective.name;
    let Some(objective) = Objective::of(name, outputs) else {
        let found =
            shortened(format!("this XGBoost file was trained for the objective {name:?}, which is not known here"));
        return Err(Unsupported::new(found, "train with an objective of XGBoost's own, up to version 3.2"));
    };
    let base = base(&learner.learner_model_param.base_score.0, outputs, objective)?;
    let names = names(learner.feature_names, features)?;
    let signature = signature::of(Datatype::Fp32, (features, names), objective.gives(outputs));
    let (features, forest): (Box<dyn Features<f32>>, _) = match boosted(learner.gradient_booster, features, base)? {
        Boosted::Trees(forest) => (Box::new(Matrix), forest),
        Boosted::Linear(forest) => (Box::new(ZeroForMissing), forest),
    };
    Ok(Loaded::Single(Model { signature, features, forest, outcome: Box::new(objective) }))
}

/// Columns of a row and values of a prediction.
fn sizes(sizes: &Sizes) -> Result<(usize, usize), Unsupported> {
    let features = sizes.num_feature.0;
    let targets = sizes.num_target.as_ref().map_or(1, |targets| targets.0);
    let outputs = targets.max(sizes.num_class.0).max(1);
    match (features, outputs) {
        (1..=FEATURES_MAX, 1..=OUTPUTS_MAX) => Ok((features, outputs)),
        _ => Err(broken(format!(
            "it has {features} features and {outputs} outputs, not 1 to {FEATURES_MAX} and 1 to {OUTPUTS_MAX}"
        ))),
    }
}

/// Where the sums begin.
fn base(base_score: &[f32], outputs: usize, objective: Objective) -> Result<Vec<f32>, Unsupported> {
    let scores = match base_score {
        [score] => vec![*score; outputs],
        scores if scores.len() == outputs => scores.to_vec(),
        scores => {
            return Err(broken(format!("base_score has {} numbers, and there are {outputs} outputs", scores.len())));
        }
    };
    let base: Vec<f32> = scores.iter().map(|score| objective.margin(*score)).collect();
    match scores.iter().zip(&base).find(|(score, margin)| !score.is_finite() || margin.is_nan()) {
        Some((score, _)) => Err(broken(format!("base_score is {score}, which is no prediction of its objective"))),
        None => Ok(base),
    }
}

/// The features' names; none where the file has none.
fn names(names: Vec<String>, features: usize) -> Result<Option<Vec<String>>, Unsupported> {
    match names.len() {
        0 => Ok(None),
        count if count == features => Ok(Some(names)),
        count => Err(broken(format!("feature_names has {count} elements, and there are {features} features"))),
    }
}

/// What is said of a file that cannot be used.
fn broken(reason: impl std::fmt::Display) -> Unsupported {
    Unsupported::new(
        shortened(format!("this XGBoost file is broken: {reason}")),
        "save the model again with Booster.save_model",
    )
}

/// A text that may quote the file, cut.
fn shortened(mut text: String) -> String {
    if text.len() > REASON_BYTES_MAX {
        text.truncate(text.floor_char_boundary(REASON_BYTES_MAX));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests;
