//! Why a table cannot be trained on.

/// Why a table cannot be trained on. Each is for a person, and names the column.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    /// The configuration names no target.
    #[error("the configuration has no target_column: say which column is to be predicted")]
    NoTarget,
    /// A column that the configuration names is not there.
    #[error("the dataset has no column '{0}'")]
    NoColumn(String),
    /// A column that the configuration names cannot be a feature.
    #[error("column '{column}' cannot be a feature: it {reason}; leave it out of feature_columns")]
    UnusableFeature {
        /// Its name.
        column: String,
        /// A half sentence.
        reason: String,
    },
    /// Nothing is left to predict from.
    #[error("no column can be a feature: {0}")]
    NoFeatures(String),
    /// The target is not one of its task.
    #[error("column '{column}' cannot be the target: {reason}")]
    UnusableTarget {
        /// Its name.
        column: String,
        /// A half sentence.
        reason: String,
    },
    /// The rows do not suffice.
    #[error("{0}")]
    TooFewRows(String),
    /// The shares of the parts are no shares.
    #[error("{0}")]
    BadSplit(String),
}

impl PrepareError {
    /// The code of a run that failed for it: stable, kebab-case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoTarget => "no-target",
            Self::NoColumn(_) => "column-missing",
            Self::UnusableFeature { .. } => "unusable-feature",
            Self::NoFeatures(_) => "no-features",
            Self::UnusableTarget { .. } => "unusable-target",
            Self::TooFewRows(_) => "too-few-rows",
            Self::BadSplit(_) => "invalid-config",
        }
    }
}
