//! Which classes are taken for which.

/// How many rows of each true class (outer) were given each class (inner).
pub(super) fn confusion(classes: usize, rows: impl Iterator<Item = (usize, usize)>) -> Vec<Vec<u64>> {
    let mut counts = vec![vec![0; classes]; classes];
    for (truth, predicted) in rows {
        counts[truth][predicted] += 1;
    }
    counts
}

/// The sums of a confusion matrix that all scores are made from.
pub(super) struct Margins {
    /// Rows of each class that were given it.
    pub right: Vec<u64>,
    /// Rows of each class.
    pub truth: Vec<u64>,
    /// Rows that were given each class.
    pub predicted: Vec<u64>,
}

impl Margins {
    pub fn of(confusion: &[Vec<u64>]) -> Self {
        let classes = 0..confusion.len();
        Self {
            right: classes.clone().map(|class| confusion[class][class]).collect(),
            truth: confusion.iter().map(|row| row.iter().sum()).collect(),
            predicted: classes.map(|class| confusion.iter().map(|row| row[class]).sum()).collect(),
        }
    }

    /// All rows.
    pub fn rows(&self) -> u64 {
        self.truth.iter().sum()
    }

    /// Whether the class is among the true or the predicted ones.
    pub fn occurs(&self, class: usize) -> bool {
        self.truth[class] > 0 || self.predicted[class] > 0
    }
}
