//! What can be wrong with a configuration, and where.

use std::fmt;
use std::path::PathBuf;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // each variant is what its name says
pub enum Origin {
    Default,
    /// Line and column count from 1; the column in characters.
    File {
        path: PathBuf,
        line: usize,
        column: usize,
    },
    Environment(String),
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line, column } => write!(f, "{}:{line}:{column}", path.display()),
            Self::Environment(name) => f.write_str(name),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // each message says it
pub enum ConfigError {
    #[error("cannot read the configuration file '{}': {reason}", path.display())]
    Unreadable { path: PathBuf, reason: String },
    #[error("the configuration file '{}' has {found} bytes; at most {max} are read", path.display())]
    TooLong { path: PathBuf, found: u64, max: u64 },
    #[error("{origin}: this is not TOML: {reason}")]
    Syntax { origin: Origin, reason: String },
    #[error("{origin}: unknown setting '{key}'{}", suggestion(nearest.as_deref()))]
    Unknown { origin: Origin, key: String, nearest: Option<String> },
    #[error("{origin}: '{key}' must be {expected}, got {got}")]
    Value { origin: Origin, key: String, expected: String, got: String },
    #[error("{first} and {second} both set '{key}'; keep one of them")]
    Twice { key: &'static str, first: String, second: String },
    #[error("{origin}: {rule}")]
    Rule { origin: Origin, rule: String },
}

fn suggestion(nearest: Option<&str>) -> String {
    nearest.map(|nearest| format!("; did you mean '{nearest}'?")).unwrap_or_default()
}

/// Everything that is wrong, at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// The candidate that `text` is most likely a misspelling of, when one is near enough.
pub(super) fn nearest(text: &str, candidates: impl Iterator<Item = String>) -> Option<String> {
    // A third of the letters wrong is still a misspelling; more is another word.
    let edits_max = (text.chars().count() / 3).max(2);
    let distances = candidates.map(|candidate| (strsim::damerau_levenshtein(text, &candidate), candidate));
    distances.filter(|(distance, _)| *distance <= edits_max).min().map(|(_, candidate)| candidate)
}
