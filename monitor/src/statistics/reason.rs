//! Why a statistic was not computed: a sentence, where a number would be NaN or mislead.

/// Why a statistic was not computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub enum Reason {
    /// There is nothing to compare with.
    #[error("the baseline has no values")]
    BaselineEmpty,
    /// There is nothing to compare.
    #[error("the window has no values: all are missing")]
    WindowEmpty,
    /// Too little to tell anything.
    #[error("the window has {rows} values, fewer than the {needed} that are needed")]
    TooFew {
        /// How many there are.
        rows: u64,
        /// How many there should be.
        needed: u64,
    },
    /// One value has no distribution to compare.
    #[error("the baseline has one value only")]
    Constant,
    /// A test of one category has no degree of freedom.
    #[error("there is one category only")]
    OneCategory,
    /// Sums of the values are beyond the largest number.
    #[error("the values are too large to be added up")]
    Overflow,
    /// A convention that works on raw values, and none are kept.
    #[error("this convention needs raw values, and no sample is recorded")]
    NoSample,
    /// The statistic is of numbers.
    #[error("the statistic is defined for numbers only")]
    NumbersOnly,
    /// The statistic is of categories.
    #[error("the statistic is defined for categories only")]
    CategoriesOnly,
    /// The convention does not have the statistic.
    #[error("the convention does not have this statistic")]
    NotInConvention,
}
