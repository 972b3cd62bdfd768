//! What stands before the trees.

use super::lines::{Section, broken, excerpt};
use super::objective::{Kind, Objective};
use crate::engine::trees::signature::{self, Gives};
use crate::error::Unsupported;
use servoir_types::{Datatype, Signature};
use std::collections::HashSet;

/// The keys that are read.
pub const KEYS: [&str; 8] = [
    "version",
    "num_class",
    "num_tree_per_iteration",
    "max_feature_idx",
    "feature_names",
    "objective",
    "average_output",
    "tree_sizes",
];

/// The most features of a model.
const FEATURES_MAX: usize = 1 << 20;

/// The most values of a prediction.
const OUTPUTS_MAX: usize = 1 << 16;

/// What is said about the whole model.
pub struct Header {
    /// Values of a prediction: trees that one round of training adds.
    pub outputs: usize,
    /// A name for each feature.
    pub names: Vec<String>,
    /// What the sums become.
    pub objective: Objective,
    /// Whether the trees' mean is taken and not their sum, as in random forests.
    pub is_mean: bool,
    /// How many trees there are.
    trees: Option<usize>,
}

impl Header {
    /// What the model takes and gives.
    pub fn signature(&self) -> Signature {
        let gives = match self.objective.kind {
            Kind::Values => Gives::Values(self.outputs),
            Kind::Binary => Gives::Classes(2),
            Kind::Classes => Gives::Classes(self.outputs),
        };
        let names = (!are_placeholders(&self.names)).then(|| self.names.clone());
        signature::of(Datatype::Fp64, (self.names.len(), names), gives)
    }

    /// Reads it.
    ///
    /// # Errors
    /// When something that predictions depend on is missing, broken or unknown.
    pub fn read(section: &Section<'_>) -> Result<Self, Unsupported> {
        let version = section.require("version")?;
        if !matches!(version.text, "v3" | "v4") {
            let found = format_args!("'{}' is not v3 or v4", excerpt(version.text));
            return Err(version.unsupported(found, "load it with LightGBM 3 or 4, and have it save the model again"));
        }
        let classes = section.require("num_class")?.at_most(OUTPUTS_MAX)?;
        let outputs = match section.get("num_tree_per_iteration") {
            Some(field) => field.at_most(OUTPUTS_MAX)?,
            None => classes,
        };
        if outputs == 0 {
            return Err(section.require("num_tree_per_iteration")?.wrong("it is 0"));
        }
        Ok(Self {
            outputs,
            names: names(section)?,
            objective: section.get("objective").map_or(Ok(Objective::NONE), |field| Objective::read(field, outputs))?,
            is_mean: section.get("average_output").is_some(),
            trees: section.get("tree_sizes").map(|field| field.text.split_ascii_whitespace().count()),
        })
    }

    /// Checks the number of trees that came, at the line where they ended.
    ///
    /// # Errors
    /// When there must be more or fewer.
    pub fn check_count(&self, trees: usize, line: usize) -> Result<(), Unsupported> {
        if let Some(declared) = self.trees.filter(|declared| *declared != trees) {
            return Err(broken(line, format_args!("{trees} trees came, and `tree_sizes` has {declared}")));
        }
        if !trees.is_multiple_of(self.outputs) {
            let outputs = self.outputs;
            return Err(broken(line, format_args!("{trees} trees came, not a multiple of {outputs}, one per output")));
        }
        Ok(())
    }
}

fn names(section: &Section<'_>) -> Result<Vec<String>, Unsupported> {
    let count = section.require("max_feature_idx")?.at_most(FEATURES_MAX - 1)? + 1;
    let field = section.require("feature_names")?;
    let found = field.text.split_ascii_whitespace().count();
    if found != count {
        return Err(field.wrong(format_args!("there are {found} names, and `max_feature_idx` says {count} features")));
    }
    let mut seen = HashSet::with_capacity(count);
    let again = field.text.split_ascii_whitespace().find(|name| !seen.insert(*name));
    if let Some(name) = again {
        return Err(field.wrong(format_args!("two features are called '{}'", excerpt(name))));
    }
    Ok(field.text.split_ascii_whitespace().map(str::to_owned).collect())
}

/// Whether the names are those that LightGBM gives to columns that have none.
fn are_placeholders(names: &[String]) -> bool {
    names.iter().enumerate().all(|(column, name)| *name == format!("Column_{column}"))
}
