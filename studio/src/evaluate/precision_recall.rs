//! Precision over recall: scikit-learn's `precision_recall_curve` and `average_precision_score`.

use super::curve::{Averaged, Curve, POINTS_MAX, thinned};
use super::quantile::edges;
use super::ranked::{Ranked, Step};
use super::sum::{mean, sum};

/// The curve of one class, with at most `points_max` points, the lowest threshold first. Without a row of the class recall is 1
/// at every threshold, and the average precision 0.
pub(super) fn precision_recall(ranked: &Ranked, points_max: usize) -> Curve {
    let steps = &ranked.steps;
    if steps.is_empty() {
        return Curve { x: Vec::new(), y: Vec::new(), thresholds: Vec::new(), area: None };
    }
    let positives = ranked.positives();
    // The curve ends where no row is positive, with precision 1.
    let kept: Vec<Option<Step>> = thinned(steps.len() + 1, points_max)
        .map(|place| (steps.len() - place).checked_sub(1).map(|step| steps[step]))
        .collect();
    Curve {
        x: kept.iter().map(|step| step.map_or(0.0, |step| recall(&step, positives))).collect(),
        y: kept.iter().map(|step| step.map_or(1.0, |step| precision(&step))).collect(),
        thresholds: kept.iter().map(|step| step.map(|step| step.threshold)).collect(),
        area: Some(average_precision(steps, positives)),
    }
}

fn precision(step: &Step) -> f64 {
    step.true_positives as f64 / (step.true_positives + step.false_positives) as f64
}

fn recall(step: &Step, positives: u64) -> f64 {
    if positives == 0 { 1.0 } else { step.true_positives as f64 / positives as f64 }
}

fn average_precision(steps: &[Step], positives: u64) -> f64 {
    if positives == 0 {
        return 0.0;
    }
    let mut before = 0;
    let gained = steps.iter().map(|step| {
        let new = step.true_positives - before;
        before = step.true_positives;
        new as f64 * precision(step)
    });
    sum(gained) / positives as f64
}

/// The sum of curves on evenly spaced recalls. Between two thresholds a curve is a step: a recall has the precision of the
/// highest threshold that reaches it.
pub(super) struct PrecisionRecallMean {
    grid: Vec<f64>,
    heights: Vec<f64>,
    areas: Vec<f64>,
}

impl PrecisionRecallMean {
    pub fn new() -> Self {
        Self { grid: edges(0.0, 1.0, POINTS_MAX - 1), heights: vec![0.0; POINTS_MAX], areas: Vec::new() }
    }

    /// Adds a class's curve with all its steps.
    pub fn add(&mut self, ranked: &Ranked, area: Option<f64>) {
        let Some(area) = area else { return };
        self.areas.push(area);
        let positives = ranked.positives();
        let mut at = (0.0, 1.0);
        let mut ahead = ranked.steps.iter().map(|step| (recall(step, positives), precision(step)));
        for (&x, height) in self.grid.iter().zip(&mut self.heights) {
            while at.0 < x {
                // The last step's recall is 1, which no point of the grid is above.
                let Some(next) = ahead.next() else { break };
                at = next;
            }
            *height += at.1;
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
