//! An ensemble as its node describes it: trees of splits and leaves, whichever operator's lists they were in.

/// Trees, in the order in which their leaves are added.
#[derive(Debug, Default)]
pub struct Ensemble {
    /// The trees; never none.
    pub trees: Vec<Tree>,
    /// Targets of a regressor, classes of a classifier.
    pub targets: usize,
    /// Whether sums are divided by the number of trees.
    pub is_average: bool,
    /// Added to the sums: none, or one per target.
    pub base: Vec<f64>,
    /// What becomes of the sums.
    pub transform: Transform,
}

/// One tree, its nodes in any order, the root first.
#[derive(Debug)]
pub struct Tree {
    /// The nodes; children are positions in this list.
    pub nodes: Vec<Node>,
}

/// A node of a tree.
#[derive(Debug)]
pub enum Node {
    /// Sends a row on.
    Branch(Branch),
    /// Adds weights to targets: `(target, weight)`, by target, each once, at least one.
    Leaf(Vec<(usize, f64)>),
}

/// A test and where it leads.
#[derive(Debug)]
pub struct Branch {
    /// The column that is tested.
    pub feature: usize,
    /// What is tested.
    pub mode: Mode,
    /// Whether NaN passes every test.
    pub missing_is_true: bool,
    /// Where rows go that pass.
    pub when_true: usize,
    /// Where the others go.
    pub when_false: usize,
}

/// What a branch tests, `nodes_modes` of the operators.
#[derive(Debug, Clone, PartialEq)]
pub enum Mode {
    /// `x <= value`
    AtMost(f64),
    /// `x < value`
    Less(f64),
    /// `x >= value`
    AtLeast(f64),
    /// `x > value`
    Greater(f64),
    /// `x == value`
    Equal(f64),
    /// `x != value`
    NotEqual(f64),
}

/// `post_transform` of the operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transform {
    /// The sums as they are.
    #[default]
    None,
    /// The logistic function of each.
    Logistic,
    /// Softmax over the targets.
    Softmax,
    /// Softmax that leaves zeros zero.
    SoftmaxZero,
    /// The inverse of the normal distribution.
    Probit,
}

impl Transform {
    /// By its name in the attribute.
    pub fn named(name: &str) -> Result<Self, String> {
        Ok(match name {
            "NONE" => Self::None,
            "LOGISTIC" => Self::Logistic,
            "SOFTMAX" => Self::Softmax,
            "SOFTMAX_ZERO" => Self::SoftmaxZero,
            "PROBIT" => Self::Probit,
            other => return Err(format!("post_transform is '{other}', which no version of the operator has")),
        })
    }

    /// By its number in `TreeEnsemble`. ONNX and ONNX Runtime disagree about which of 1 and 2 is which.
    pub fn numbered(number: i64) -> Result<Self, String> {
        Ok(match number {
            0 => Self::None,
            1 | 2 => return Err(format!("post_transform {number} is not computed here: readers disagree about it")),
            3 => Self::SoftmaxZero,
            4 => Self::Probit,
            other => return Err(format!("post_transform is {other}, and the operator knows 0 to 4")),
        })
    }
}

/// The most targets or classes of an ensemble.
pub const TARGETS_MAX: usize = 1 << 16;

/// A number of targets that is one.
pub fn targets(declared: i64) -> Result<usize, String> {
    usize::try_from(declared)
        .ok()
        .filter(|targets| (1..=TARGETS_MAX).contains(targets))
        .ok_or_else(|| format!("it declares {declared} targets; 1 to {TARGETS_MAX} are computed here"))
}
