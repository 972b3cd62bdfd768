//! A curve over thresholds, and how it is thinned without losing its ends.

use serde::{Deserialize, Serialize};

/// The most points of one curve that are stored.
pub const POINTS_MAX: usize = 1_000;
/// The most points that the curves of all classes together have, so that many classes do not make many points.
pub const POINTS_ALL_MAX: usize = 20_000;
/// No curve has fewer points for want of room.
const POINTS_MIN: usize = 20;

/// A curve of one class against all others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// The false positive rate, or the recall; empty when the curve is not defined.
    pub x: Vec<f64>,
    /// The true positive rate, or the precision.
    pub y: Vec<f64>,
    /// The least score that counts as positive at this point; none where no score does.
    pub thresholds: Vec<Option<f64>>,
    /// What the curve stands for in one number, of all rows and not of the points that are kept: the area under a ROC
    /// curve, the average precision of the other; none when it is not defined.
    pub area: Option<f64>,
}

/// The mean of the classes' curves, on points of `x` that are evenly spaced from 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Averaged {
    /// The false positive rate, or the recall; empty when the curve is not defined.
    pub x: Vec<f64>,
    /// The mean of the classes' values there.
    pub y: Vec<f64>,
    /// The mean of the classes' areas.
    pub area: Option<f64>,
}

/// How many points each of so many curves may keep.
pub(super) fn points_max(curves: usize) -> usize {
    (POINTS_ALL_MAX / curves.max(1)).clamp(POINTS_MIN, POINTS_MAX)
}

/// The places of at most `max` of `count` points, evenly spaced, the first and the last among them.
pub fn thinned(count: usize, max: usize) -> impl Iterator<Item = usize> {
    let kept = count.min(max);
    (0..kept).map(move |place| if kept < 2 { 0 } else { place * (count - 1) / (kept - 1) })
}

impl Curve {
    /// The curve with at most so many points.
    pub fn thinned(&self, max: usize) -> Self {
        let places: Vec<usize> = thinned(self.x.len(), max).collect();
        Self {
            x: places.iter().map(|&place| self.x[place]).collect(),
            y: places.iter().map(|&place| self.y[place]).collect(),
            thresholds: places.iter().map(|&place| self.thresholds[place]).collect(),
            area: self.area,
        }
    }
}

impl Averaged {
    /// The curve with at most so many points.
    pub fn thinned(&self, max: usize) -> Self {
        let places: Vec<usize> = thinned(self.x.len(), max).collect();
        Self {
            x: places.iter().map(|&place| self.x[place]).collect(),
            y: places.iter().map(|&place| self.y[place]).collect(),
            area: self.area,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_both_ends_and_the_order() {
        for (count, max, expected) in [
            (0, 5, vec![]),
            (1, 5, vec![0]),
            (3, 5, vec![0, 1, 2]),
            (5, 5, vec![0, 1, 2, 3, 4]),
            (10, 4, vec![0, 3, 6, 9]),
            (1_000_000, 2, vec![0, 999_999]),
        ] {
            assert_eq!(thinned(count, max).collect::<Vec<_>>(), expected, "{count} points to {max}");
        }
    }

    #[test]
    fn the_points_of_all_classes_are_bounded() {
        for (curves, expected) in [(0, 1_000), (2, 1_000), (20, 1_000), (100, 200), (1_000, 20)] {
            assert_eq!(points_max(curves), expected, "{curves} curves");
        }
    }
}
