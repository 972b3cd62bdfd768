//! The numbers of a run over its epochs, in bounded memory: when there are too many points, every second one goes.

use super::frame::METRICS_MAX;
use std::collections::{BTreeMap, BTreeSet};

/// The most points that are kept.
const POINTS_MAX: usize = 512;

/// Numbers by name over epochs. The first and the last point are always there.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    points: Vec<Point>,
    last: Option<Point>,
    names: BTreeSet<String>,
    /// One of so many points is kept.
    stride: u64,
    seen: u64,
}

#[derive(Debug, Clone, PartialEq)]
struct Point {
    epoch: u64,
    values: BTreeMap<String, f64>,
}

/// Points as arrays of equal length; what a point lacks is `None`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Arrays {
    /// The points' epochs.
    pub epochs: Vec<u64>,
    /// By name.
    pub metrics: BTreeMap<String, Vec<Option<f64>>>,
}

impl Default for Series {
    fn default() -> Self {
        Self { points: Vec::new(), last: None, names: BTreeSet::new(), stride: 1, seen: 0 }
    }
}

impl Series {
    /// Takes the next point. Names beyond the first [`METRICS_MAX`] are left out.
    pub fn push(&mut self, epoch: u64, values: &BTreeMap<String, f64>) {
        for name in values.keys() {
            if self.names.len() < METRICS_MAX && !self.names.contains(name) {
                self.names.insert(name.clone());
            }
        }
        let known = values.iter().filter(|(name, _)| self.names.contains(*name));
        let point = Point { epoch, values: known.map(|(name, value)| (name.clone(), *value)).collect() };
        if self.seen.is_multiple_of(self.stride) {
            self.points.push(point.clone());
            if self.points.len() > POINTS_MAX {
                let mut index = 0;
                self.points.retain(|_| {
                    index += 1;
                    index % 2 == 1
                });
                self.stride *= 2;
            }
        }
        self.seen += 1;
        self.last = Some(point);
    }

    /// The epoch of the last point.
    pub fn last_epoch(&self) -> Option<u64> {
        self.last.as_ref().map(|point| point.epoch)
    }

    /// At most `resolution` points, the first and the last among them, evenly between; of one metric, or of all.
    pub fn arrays(&self, resolution: usize, only: Option<&str>) -> Arrays {
        let mut points: Vec<&Point> = self.points.iter().collect();
        if let Some(last) = self.last.as_ref().filter(|last| points.last() != Some(last)) {
            points.push(last);
        }
        let mut arrays = Arrays::default();
        for index in evenly(points.len(), resolution.max(1)) {
            let point = points[index];
            arrays.epochs.push(point.epoch);
            for name in self.names.iter().filter(|name| only.is_none_or(|only| only == *name)) {
                arrays.metrics.entry(name.clone()).or_default().push(point.values.get(name).copied());
            }
        }
        arrays
    }
}

/// At most `wanted` of the indices below `len`, the last and (from two on) the first among them.
fn evenly(len: usize, wanted: usize) -> Vec<usize> {
    match (len, wanted) {
        (0, _) => Vec::new(),
        (_, _) if len <= wanted => (0..len).collect(),
        (_, 1) => vec![len - 1],
        _ => (0..wanted).map(|place| place * (len - 1) / (wanted - 1)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_point_stay_however_many_there_are() {
        for (count, resolution) in [(1, 50), (2, 2), (10, 50), (512, 50), (513, 50), (100_000, 50), (100_000, 1)] {
            let mut series = Series::default();
            for epoch in 1..=count {
                series.push(epoch, &BTreeMap::from([("loss".to_owned(), epoch as f64)]));
            }
            let arrays = series.arrays(resolution, None);
            assert!(series.points.len() <= POINTS_MAX && arrays.epochs.len() <= resolution, "{count}");
            assert_eq!(arrays.epochs.last(), Some(&count));
            assert!(resolution == 1 || arrays.epochs.first() == Some(&1), "{count}");
            assert!(arrays.epochs.is_sorted_by(|a, b| a < b), "{:?}", arrays.epochs);
            let losses: Vec<_> = arrays.epochs.iter().map(|epoch| Some(*epoch as f64)).collect();
            assert_eq!(arrays.metrics["loss"], losses);
        }
    }

    #[test]
    fn what_a_point_lacks_is_null_and_names_are_bounded() {
        let mut series = Series::default();
        series.push(1, &BTreeMap::from([("a".to_owned(), 1.0)]));
        series.push(2, &BTreeMap::from([("b".to_owned(), 2.0)]));
        let arrays = series.arrays(10, None);
        assert_eq!(arrays.metrics["a"], [Some(1.0), None]);
        assert_eq!(arrays.metrics["b"], [None, Some(2.0)]);
        assert_eq!(series.arrays(10, Some("b")).metrics.len(), 1);
        for number in 0..1000 {
            series.push(3 + number, &BTreeMap::from([(format!("m{number}"), 0.0)]));
        }
        assert_eq!(series.arrays(10, None).metrics.len(), METRICS_MAX);
    }
}
