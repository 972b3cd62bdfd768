//! What a model was trained for, and what that makes of the sums of its trees.

use super::lines::{Field, excerpt};
use crate::error::Unsupported;

/// What becomes of a row's sums.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Link {
    /// Nothing.
    Identity,
    /// `x²` with the sign of `x`: the model was trained on square roots.
    SignedSquare,
    /// `e^x`.
    Exponential,
    /// `1 / (1 + e^(-scale x))`, each for itself.
    Sigmoid {
        /// The training parameter `sigmoid`.
        scale: f64,
    },
    /// `ln(1 + e^x)`.
    LogOnePlusExp,
    /// `e^x / Σ e^x` over the row.
    Softmax,
}

/// What the values of a row stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Numbers.
    Values,
    /// One value, the probability of the second of two classes.
    Binary,
    /// A probability for each class.
    Classes,
}

/// What a model was trained for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Objective {
    /// What becomes of a row's sums.
    pub link: Link,
    /// What they stand for then.
    pub kind: Kind,
}

impl Objective {
    /// An objective of the user's own, which the file does not name: `predict` gives the sums.
    pub const NONE: Self = Self { link: Link::Identity, kind: Kind::Values };

    /// Reads the line `objective=NAME PARAMETER:VALUE…` of a model with so many outputs.
    ///
    /// # Errors
    /// When the objective is not known, or its parameters do not fit the model.
    pub fn read(field: Field<'_>, outputs: usize) -> Result<Self, Unsupported> {
        let name = field.text.split_ascii_whitespace().next().unwrap_or("");
        let values = |link| Self { link, kind: Kind::Values };
        let sigmoid = || Ok(Link::Sigmoid { scale: scale(field)? });
        let objective = match name {
            "regression" | "regression_l1" | "fair" | "quantile" if has_word(field, "sqrt") => {
                values(Link::SignedSquare)
            }
            "regression" | "regression_l1" | "fair" | "quantile" | "huber" | "mape" => values(Link::Identity),
            "poisson" | "gamma" | "tweedie" => values(Link::Exponential),
            "cross_entropy" | "xentropy" => values(Link::Sigmoid { scale: 1.0 }),
            "cross_entropy_lambda" | "xentlambda" => values(Link::LogOnePlusExp),
            "lambdarank" | "rank_xendcg" => values(Link::Identity),
            "binary" => Self { link: sigmoid()?, kind: Kind::Binary },
            "multiclass" => Self { link: Link::Softmax, kind: Kind::Classes },
            "multiclassova" => Self { link: sigmoid()?, kind: Kind::Classes },
            "none" | "null" | "custom" | "na" => return Ok(Self::NONE),
            other => {
                let found = format_args!("'{}' is not an objective of LightGBM 3 or 4", excerpt(other));
                return Err(field.unsupported(found, "save the model with a version of LightGBM that is supported"));
            }
        };
        let wanted = if objective.kind == Kind::Classes { parameter(field, "num_class")? } else { 1 };
        if wanted != outputs || (objective.kind == Kind::Classes && wanted < 2) {
            return Err(field.wrong(format_args!("{name} does not go with {outputs} trees per iteration")));
        }
        Ok(objective)
    }
}

fn has_word(field: Field<'_>, word: &str) -> bool {
    field.text.split_ascii_whitespace().any(|found| found == word)
}

/// The parameter `sigmoid`, as LightGBM itself demands it.
fn scale(field: Field<'_>) -> Result<f64, Unsupported> {
    let scale: f64 = parameter(field, "sigmoid")?;
    if scale > 0.0 { Ok(scale) } else { Err(field.wrong(format_args!("sigmoid:{scale} is not above 0"))) }
}

fn parameter<T: std::str::FromStr>(field: Field<'_>, name: &str) -> Result<T, Unsupported> {
    let mut parameters = field.text.split_ascii_whitespace().filter_map(|word| word.split_once(':'));
    let value = parameters.find(|(found, _)| *found == name).and_then(|(_, value)| value.parse().ok());
    value.ok_or_else(|| field.wrong(format_args!("it has no `{name}:NUMBER`")))
}
