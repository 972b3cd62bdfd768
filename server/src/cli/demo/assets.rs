//! The demo's models, and what the libraries that trained them say of rows that they have not seen.

use crate::cli::failure::Failure;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;
use std::path::Path;

/// Three models and two stories about them.
pub struct Assets {
    /// The first version of `churn`.
    pub churn_v1: Bytes,
    /// The second.
    pub churn_v2: Bytes,
    /// The network.
    pub network: Bytes,
    /// What is known of `churn`.
    pub churn: Example,
    /// What is known of `digits`.
    pub digits: Example,
}

/// A model's held-out rows with its own library's answers.
#[derive(Debug, Clone, Deserialize)]
pub struct Example {
    /// Rows of features.
    pub rows: Vec<Vec<f64>>,
    /// Rows that it was trained on; none where that is not told.
    #[serde(default)]
    pub training: Vec<Vec<f64>>,
    /// What the columns are called.
    pub feature_names: Vec<String>,
    /// What the classes are called.
    pub classes: Vec<String>,
    /// The first version's answers.
    pub v1: Answers,
    /// The second version's, when there is one.
    pub v2: Option<Answers>,
    /// By version: `auc`, `accuracy`.
    pub metrics: serde_json::Map<String, Value>,
}

/// A library's answers, row by row.
#[derive(Debug, Clone, Deserialize)]
pub struct Answers {
    /// A probability per class.
    pub probabilities: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Story {
    churn: Example,
    digits: Example,
}

impl Assets {
    /// Those within the binary.
    pub fn embedded() -> Result<Self, Failure> {
        Self::of(|name| match name {
            "churn-v1.onnx" => Ok(Cow::Borrowed(include_bytes!("../../../demo/churn-v1.onnx").as_slice())),
            "churn-v2.onnx" => Ok(Cow::Borrowed(include_bytes!("../../../demo/churn-v2.onnx").as_slice())),
            "digits.onnx" => Ok(Cow::Borrowed(include_bytes!("../../../demo/digits.onnx").as_slice())),
            _ => Ok(Cow::Borrowed(include_bytes!("../../../demo/demo.json").as_slice())),
        })
    }

    /// Those of a folder.
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        Self::of(|name| {
            let path = folder.join(name);
            let bytes = std::fs::read(&path);
            bytes.map(Cow::Owned).map_err(|error| Failure::usage(format!("cannot read '{}': {error}", path.display())))
        })
    }

    fn of(file: impl Fn(&str) -> Result<Cow<'static, [u8]>, Failure>) -> Result<Self, Failure> {
        let bytes = |name| file(name).map(|bytes| Bytes::from(bytes.into_owned()));
        let story: Story = serde_json::from_slice(&file("demo.json")?)
            .map_err(|error| Failure::usage(format!("demo.json is not what it should be: {error}")))?;
        for example in [&story.churn, &story.digits] {
            example.check()?;
        }
        let is_table = |rows: &[Vec<f64>], width| !rows.is_empty() && rows.iter().all(|row| row.len() == width);
        if !is_table(&story.churn.training, story.churn.feature_names.len()) {
            return Err(Failure::usage("demo.json must have the rows that churn was trained on"));
        }
        Ok(Self {
            churn_v1: bytes("churn-v1.onnx")?,
            churn_v2: bytes("churn-v2.onnx")?,
            network: bytes("digits.onnx")?,
            churn: story.churn,
            digits: story.digits,
        })
    }
}

impl Example {
    fn check(&self) -> Result<(), Failure> {
        let answers = std::iter::once(&self.v1).chain(&self.v2);
        let complete = answers.into_iter().all(|answers| answers.probabilities.len() == self.rows.len());
        if self.rows.is_empty() || !complete {
            return Err(Failure::usage("demo.json must have rows, and an answer per row and version"));
        }
        Ok(())
    }

    /// What the library says of a row, by version.
    pub fn expected(&self, version: u64, row: usize) -> Option<&[f64]> {
        let answers = match version {
            1 => Some(&self.v1),
            2 => self.v2.as_ref(),
            _ => None,
        };
        answers?.probabilities.get(row).map(Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_within_the_binary_is_complete() {
        let assets = Assets::embedded().unwrap();
        assert!(assets.churn.v2.is_some());
        for example in [&assets.churn, &assets.digits] {
            assert!(example.rows.iter().all(|row| row.len() == example.feature_names.len()));
            assert!(example.v1.probabilities.iter().all(|row| row.len() == example.classes.len()));
        }
        assert!([assets.churn_v1, assets.churn_v2, assets.network].iter().all(|model| model.len() > 1000));
    }
}
