//! Answers of a classifier beside the truth.

use super::CLASSES_MAX;

/// A confusion matrix: for each true class how often each class was answered.
#[derive(Debug, Clone, PartialEq)]
pub struct Confusion {
    classes: usize,
    /// Row after row, a row for each true class. Counts, or expected counts.
    cells: Vec<f64>,
}

impl Confusion {
    /// Of so many classes, at most [`CLASSES_MAX`].
    pub fn new(classes: usize) -> Self {
        let classes = classes.min(CLASSES_MAX);
        Self { classes, cells: vec![0.0; classes * classes] }
    }

    /// Counts the same answer several times; a class that is not of this matrix is not counted.
    #[allow(clippy::cast_precision_loss)] // below 2^53
    pub fn add_times(&mut self, truth: usize, answer: usize, times: u64) {
        self.add_weight(truth, answer, times as f64);
    }

    /// Adds a part of an answer.
    pub(super) fn add_weight(&mut self, truth: usize, answer: usize, weight: f64) {
        if truth < self.classes && answer < self.classes {
            self.cells[truth * self.classes + answer] += weight;
        }
    }

    fn cell(&self, truth: usize, answer: usize) -> f64 {
        self.cells[truth * self.classes + answer]
    }

    /// The rows of the matrix.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.cells.chunks_exact(self.classes.max(1))
    }

    /// The mean of the classes' F1, over the classes that are true or answered somewhere.
    pub fn f1_macro(&self) -> Option<f64> {
        let scores: Vec<f64> = self.f1_by_class().map(|(f1, _)| f1).collect();
        (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
    }

    /// The mean of the classes' F1, each as often as its class is true.
    pub fn f1_weighted(&self) -> Option<f64> {
        let count: f64 = self.cells.iter().sum();
        (count > 0.0).then(|| self.f1_by_class().map(|(f1, truths)| f1 * truths).sum::<f64>() / count)
    }

    /// F1, and how often the class is true, of the classes that are there.
    fn f1_by_class(&self) -> impl Iterator<Item = (f64, f64)> {
        (0..self.classes).filter_map(|class| {
            let truths: f64 = (0..self.classes).map(|answer| self.cell(class, answer)).sum();
            let answers: f64 = (0..self.classes).map(|truth| self.cell(truth, class)).sum();
            (truths + answers > 0.0).then(|| (2.0 * self.cell(class, class) / (truths + answers), truths))
        })
    }
}
