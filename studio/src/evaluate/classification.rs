//! The evaluation of a classifier.

use super::Summary;
use super::calibration::{Calibration, calibration};
use super::confusion::{Margins, confusion};
use super::curve::{Averaged, Curve, points_max};
use super::misclassified::{Misclassified, surest};
use super::paired::Paired;
use super::precision_recall::{PrecisionRecallMean, precision_recall};
use super::ranked::Ranked;
use super::report::{Report, report};
use super::roc::{RocMean, roc};
use super::scores::{Parts, summary};
use serde::{Deserialize, Serialize};

/// The most classes that an evaluation is made for: a confusion matrix of a million counts.
pub const CLASSES_MAX: usize = 1_000;

/// What a classifier's answers to one split are worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Classification {
    /// How many rows there were.
    pub rows: u64,
    /// In the order of everything here that is by class.
    pub classes: Vec<String>,
    /// The numbers that stand for the whole.
    pub summary: Summary,
    /// Precision, recall and F1.
    pub report: Report,
    /// How many rows of each true class (outer) were given each class (inner).
    pub confusion: Vec<Vec<u64>>,
    /// The ROC curve of each class against all others.
    pub roc: Vec<Curve>,
    /// The mean over the classes that have one.
    pub roc_mean: Averaged,
    /// Precision over recall of each class against all others.
    pub precision_recall: Vec<Curve>,
    /// The mean over the classes.
    pub precision_recall_mean: Averaged,
    /// Whether the probabilities of each class are what they say.
    pub calibration: Vec<Calibration>,
    /// The same of the probability of the predicted class.
    pub confidence: Calibration,
    /// The surest of the wrong answers.
    pub misclassified: Vec<Misclassified>,
    /// Which rows were right.
    pub paired: Paired,
}

/// Answers of a classifier beside the truth.
pub(super) struct Scored<'a> {
    pub classes: &'a [String],
    pub truth: &'a [u32],
    pub probabilities: &'a [f64],
    pub rows: &'a [u64],
}

impl<'a> Scored<'a> {
    /// Each row's probabilities, one per class.
    pub fn probabilities(&self) -> impl ExactSizeIterator<Item = &'a [f64]> {
        self.probabilities.chunks_exact(self.classes.len().max(1))
    }

    /// The class that each row is given: the first of the most probable.
    fn predicted(&self) -> Vec<u32> {
        let most_probable = |row: &[f64]| {
            let best = row.iter().enumerate().fold(0, |best, (class, p)| if *p > row[best] { class } else { best });
            best as u32
        };
        self.probabilities().map(most_probable).collect()
    }

    /// Each row's probability of a class, and whether it is of it.
    fn one_against_all(&self, class: usize) -> Vec<(f64, bool)> {
        let rows = self.truth.iter().zip(self.probabilities());
        rows.map(|(&truth, probabilities)| (probabilities[class], truth as usize == class)).collect()
    }

    pub fn evaluate(&self) -> Classification {
        let predicted = self.predicted();
        let pairs = || self.truth.iter().copied().zip(predicted.iter().copied());
        let confusion =
            confusion(self.classes.len(), pairs().map(|(truth, predicted)| (truth as usize, predicted as usize)));
        let margins = Margins::of(&confusion);
        let report = report(&margins);
        let curves = self.curves();
        let confident: Vec<(f64, bool)> = pairs()
            .zip(self.probabilities())
            .map(|((truth, predicted), probabilities)| (probabilities[predicted as usize], truth == predicted))
            .collect();
        let confidence = calibration(&confident, &Ranked::new(confident.iter().copied()).scores);
        let wrong =
            pairs().zip(self.rows).zip(&confident).filter(|(_, (_, right))| !right).map(
                |(((truth, predicted), &row), &(confidence, _))| Misclassified { row, truth, predicted, confidence },
            );
        let of_second = |curves: &[Curve], mean: &Averaged| match curves {
            [_, second] => second.area,
            _ => mean.area,
        };
        let summary = summary(&Parts {
            scored: self,
            margins: &margins,
            report: &report,
            roc_auc: of_second(&curves.roc, &curves.roc_mean),
            average_precision: of_second(&curves.precision_recall, &curves.precision_recall_mean),
            calibration_error: confidence.uniform.error,
        });
        Classification {
            rows: self.truth.len() as u64,
            classes: self.classes.to_vec(),
            summary,
            report,
            confusion,
            roc: curves.roc,
            roc_mean: curves.roc_mean,
            precision_recall: curves.precision_recall,
            precision_recall_mean: curves.precision_recall_mean,
            calibration: curves.calibration,
            confidence,
            misclassified: surest(wrong),
            paired: Paired::of_classes(self, confident.iter().map(|(_, right)| *right)),
        }
    }

    /// Everything that is made from the rows ranked by one class, class after class, so that one ranking is in memory.
    fn curves(&self) -> Curves {
        let points_max = points_max(self.classes.len());
        let (mut roc_mean, mut precision_recall_mean) = (RocMean::new(), PrecisionRecallMean::new());
        let (mut rocs, mut precision_recalls, mut calibrations) = (Vec::new(), Vec::new(), Vec::new());
        for class in 0..self.classes.len() {
            let rows = self.one_against_all(class);
            let ranked = Ranked::new(rows.iter().copied());
            let of_class = roc(&ranked, points_max);
            roc_mean.add(&ranked, of_class.area);
            rocs.push(of_class);
            let of_class = precision_recall(&ranked, points_max);
            precision_recall_mean.add(&ranked, of_class.area);
            precision_recalls.push(of_class);
            calibrations.push(calibration(&rows, &ranked.scores));
        }
        Curves {
            roc: rocs,
            roc_mean: roc_mean.finish(),
            precision_recall: precision_recalls,
            precision_recall_mean: precision_recall_mean.finish(),
            calibration: calibrations,
        }
    }
}

struct Curves {
    roc: Vec<Curve>,
    roc_mean: Averaged,
    precision_recall: Vec<Curve>,
    precision_recall_mean: Averaged,
    calibration: Vec<Calibration>,
}
