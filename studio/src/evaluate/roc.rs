//! ROC curves: scikit-learn's `roc_curve` (collinear points dropped), `roc_auc_score`, and the macro average of its gallery.

use super::curve::{Averaged, Curve, POINTS_MAX, thinned};
use super::quantile::edges;
use super::ranked::{Ranked, Step};
use super::sum::mean;

/// The curve of one class, with at most `points_max` points. Not defined without rows of the class and of others.
pub(super) fn roc(ranked: &Ranked, points_max: usize) -> Curve {
    let (positives, negatives) = (ranked.positives(), ranked.negatives());
    if positives == 0 || negatives == 0 {
        return Curve { x: Vec::new(), y: Vec::new(), thresholds: Vec::new(), area: None };
    }
    let corners = corners(&ranked.steps);
    // The curve begins where no row is positive.
    let kept: Vec<Option<Step>> = thinned(corners.len() + 1, points_max)
        .map(|place| place.checked_sub(1).map(|corner| ranked.steps[corners[corner]]))
        .collect();
    let share = |count: Option<u64>, of: u64| count.map_or(0.0, |count| count as f64 / of as f64);
    Curve {
        x: kept.iter().map(|step| share(step.map(|step| step.false_positives), negatives)).collect(),
        y: kept.iter().map(|step| share(step.map(|step| step.true_positives), positives)).collect(),
        thresholds: kept.iter().map(|step| step.map(|step| step.threshold)).collect(),
        area: Some(area(&ranked.steps, positives, negatives)),
    }
}

/// The places of the steps that are not on a line with their neighbours.
fn corners(steps: &[Step]) -> Vec<usize> {
    let bends = |get: fn(&Step) -> u64, place: usize| {
        let [before, here, after] = [place - 1, place, place + 1].map(|place| get(&steps[place]));
        after - here != here - before
    };
    (0..steps.len())
        .filter(|&place| {
            place == 0
                || place + 1 == steps.len()
                || bends(|step| step.false_positives, place)
                || bends(|step| step.true_positives, place)
        })
        .collect()
}

/// The area under the curve by the trapezoidal rule, in whole numbers until the last division.
fn area(steps: &[Step], positives: u64, negatives: u64) -> f64 {
    let mut doubled = 0_u128;
    let (mut left, mut low) = (0, 0);
    for step in steps {
        let height = u128::from(low) + u128::from(step.true_positives);
        doubled += u128::from(step.false_positives - left) * height;
        (left, low) = (step.false_positives, step.true_positives);
    }
    doubled as f64 / (2.0 * positives as f64 * negatives as f64)
}

/// The sum of curves on evenly spaced false positive rates.
pub(super) struct RocMean {
    grid: Vec<f64>,
    heights: Vec<f64>,
    areas: Vec<f64>,
}

impl RocMean {
    pub fn new() -> Self {
        Self { grid: edges(0.0, 1.0, POINTS_MAX - 1), heights: vec![0.0; POINTS_MAX], areas: Vec::new() }
    }

    /// Adds a class's curve with all its steps; one that is not defined is left out.
    pub fn add(&mut self, ranked: &Ranked, area: Option<f64>) {
        let Some(area) = area else { return };
        self.areas.push(area);
        let (positives, negatives) = (ranked.positives() as f64, ranked.negatives() as f64);
        let point = |step: &Step| (step.false_positives as f64 / negatives, step.true_positives as f64 / positives);
        let mut at = (0.0, 0.0);
        let mut ahead = ranked.steps.iter().map(point).peekable();
        for (&x, height) in self.grid.iter().zip(&mut self.heights) {
            while let Some(next) = ahead.next_if(|next| next.0 <= x) {
                at = next;
            }
            *height += match ahead.peek() {
                Some(next) => (next.1 - at.1) / (next.0 - at.0) * (x - at.0) + at.1,
                None => at.1,
            };
        }
    }

    /// The mean over the classes that were added.
    pub fn finish(self) -> Averaged {
        if self.areas.is_empty() {
            return Averaged { x: Vec::new(), y: Vec::new(), area: None };
        }
        let classes = self.areas.len() as f64;
        Averaged {
            x: self.grid,
            y: self.heights.iter().map(|height| height / classes).collect(),
            area: Some(mean(self.areas.into_iter())),
        }
    }
}
