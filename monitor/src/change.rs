//! When a stream of numbers, such as the errors of predictions, has changed its mean: ADWIN (Bifet and Gavaldà, 2007, "Learning
//! from Time-Changing Data with Adaptive Windowing", SIAM SDM).

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Buckets of one size before two of them become one of twice the size: `M` of the paper.
const BUCKETS_PER_SIZE: usize = 5;

/// The window is examined after so many values.
const CLOCK: u64 = 32;

/// A part of the window is compared from so many values on.
const PART_MIN: u64 = 5;

/// A window that keeps of a stream what has the same mean as its latest values.
///
/// Memory grows with the logarithm of the window: at most six buckets of 24 bytes for each doubling, 10 kB for 2^64 values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adwin {
    delta: f64,
    seen: u64,
    /// By size: row `i` has buckets of `2^i` values, the oldest first.
    rows: Vec<VecDeque<Bucket>>,
    total: Bucket,
}

/// Count, mean and sum of squared differences from it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Bucket {
    count: u64,
    mean: f64,
    squares: f64,
}

/// The mean has changed: what was before is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Change {
    /// The mean of what was forgotten.
    pub before: f64,
    /// The mean of what is left.
    pub after: f64,
    /// How many values are left: about so many values ago it changed.
    pub width: u64,
}

impl Bucket {
    fn and(self, other: Self) -> Self {
        let count = self.count + other.count;
        if count == 0 {
            return self;
        }
        let (n, m, all) = (self.count as f64, other.count as f64, count as f64);
        let difference = other.mean - self.mean;
        Self {
            count,
            mean: self.mean + difference * m / all,
            squares: self.squares + other.squares + difference * difference * n * m / all,
        }
    }

    /// What is left of it when an older part is taken away.
    fn without(self, part: Self) -> Self {
        let count = self.count - part.count;
        if count == 0 {
            return Self::default();
        }
        let (n, m, all) = (count as f64, part.count as f64, self.count as f64);
        let mean = self.mean + (self.mean - part.mean) * m / n;
        let difference = mean - part.mean;
        Self { count, mean, squares: (self.squares - part.squares - difference * difference * n * m / all).max(0.0) }
    }
}

impl Adwin {
    /// A window over a stream of numbers from 0 to 1, or of a spread about that. When nothing changes, a look at it finds a change
    /// with a probability of at most `delta`; 0.002 is usual.
    pub fn new(delta: f64) -> Self {
        Self { delta: delta.clamp(1e-12, 1.0), seen: 0, rows: Vec::new(), total: Bucket::default() }
    }

    /// Adds a value, unless it is not finite, and looks for a change after every 32.
    pub fn add(&mut self, value: f64) -> Option<Change> {
        if !value.is_finite() {
            return None;
        }
        self.seen += 1;
        let bucket = Bucket { count: 1, mean: value, squares: 0.0 };
        self.total = self.total.and(bucket);
        self.insert(bucket);
        if self.seen.is_multiple_of(CLOCK) { self.cut() } else { None }
    }

    /// How many values are in the window.
    pub fn width(&self) -> u64 {
        self.total.count
    }

    /// The mean of the window.
    pub fn mean(&self) -> Option<f64> {
        (self.total.count > 0).then_some(self.total.mean)
    }

    fn insert(&mut self, bucket: Bucket) {
        let mut carried = bucket;
        for row in 0.. {
            if row == self.rows.len() {
                self.rows.push(VecDeque::with_capacity(BUCKETS_PER_SIZE + 1));
            }
            let buckets = &mut self.rows[row];
            buckets.push_back(carried);
            if buckets.len() <= BUCKETS_PER_SIZE {
                return;
            }
            let (oldest, next) = (buckets.pop_front(), buckets.pop_front());
            carried = oldest.unwrap_or_default().and(next.unwrap_or_default());
        }
    }

    /// Drops the oldest buckets for as long as some cut shows two means.
    fn cut(&mut self) -> Option<Change> {
        let mut dropped = Bucket::default();
        while self.has_changed() {
            let row = self.rows.iter().rposition(|row| !row.is_empty())?;
            let oldest = self.rows[row].pop_front()?;
            self.total = self.total.without(oldest);
            dropped = dropped.and(oldest);
        }
        (dropped.count > 0).then_some(Change { before: dropped.mean, after: self.total.mean, width: self.total.count })
    }

    /// Whether the means of an older and a newer part differ by more than theorem 3.2 allows, with the variance of the window.
    fn has_changed(&self) -> bool {
        let width = self.total.count as f64;
        let variance = self.total.squares / width;
        let confidence = (2.0 * width.ln() / self.delta).ln();
        let mut older = Bucket::default();
        for bucket in self.rows.iter().rev().flatten() {
            older = older.and(*bucket);
            if older.count + PART_MIN > self.total.count {
                return false;
            }
            if older.count < PART_MIN {
                continue;
            }
            let newer = self.total.without(older);
            let inverse = 1.0 / older.count as f64 + 1.0 / newer.count as f64;
            let allowed = (2.0 * inverse * variance * confidence).sqrt() + 2.0 / 3.0 * inverse * confidence;
            if (older.mean - newer.mean).abs() > allowed {
                return true;
            }
        }
        false
    }
}
