//! Statistics of two streams of numbers that were counted on the same grid, with how far they may be from those of the
//! numbers themselves.

use crate::baseline::NumberProfile;
use crate::counts::{Bin, NumberCounts};
use crate::grid::Grid;

/// Two streams, bin by bin.
pub struct Streamed<'a> {
    grid: &'a Grid,
    bins: Vec<Pair>,
    baseline: &'a [Bin],
    window: &'a [Bin],
}

/// What both distribution functions do within a bin.
struct Pair {
    /// Where they are before it.
    before: (f64, f64),
    /// By how much they rise.
    rise: (f64, f64),
    /// Whether it has room for more than one number; the two bins beyond the baseline's range are not asked.
    is_open: bool,
    /// The areas that they add within it.
    area: Area,
}

/// Nothing of the two bins beyond the baseline's range.
#[derive(Clone, Copy, Default)]
struct Area {
    width: f64,
    baseline: f64,
    window: f64,
}

impl<'a> Streamed<'a> {
    /// A window's counts, taken on the baseline's grid, beside its own.
    pub fn new(profile: &'a NumberProfile, window: &'a NumberCounts) -> Self {
        let grid = &profile.grid;
        let (n, m) = (profile.counts.count().max(1) as f64, window.count().max(1) as f64);
        let (baseline, window) = (profile.counts.bins(grid), window.bins(grid));
        let mut below = (0u64, 0u64);
        let mut bins = Vec::with_capacity(baseline.len());
        for (index, (a, b)) in baseline.iter().zip(window).enumerate() {
            let after = (below.0 + a.count, below.1 + b.count);
            let before = (below.0 as f64 / n, below.1 as f64 / m);
            let rise = (after.0 as f64 / n - before.0, after.1 as f64 / m - before.1);
            let area = area(grid, index, (a, n), (b, m));
            let is_open = area.width > 0.0 && profile.precision.above(grid.edges()[index - 1]) < grid.edges()[index];
            bins.push(Pair { before, rise, is_open, area });
            below = after;
        }
        Self { grid, bins, baseline, window }
    }

    /// Both in the bins that `edges`, some of the grid's own, make.
    pub fn coarsened(&self, edges: &[f64]) -> (Vec<u64>, Vec<u64>) {
        let mut counts = (vec![0; edges.len() + 1], vec![0; edges.len() + 1]);
        for (index, (a, b)) in self.baseline.iter().zip(self.window).enumerate() {
            let start = index.checked_sub(1).map(|edge| self.grid.edges()[edge]);
            let bin = start.map_or(0, |start| edges.partition_point(|edge| *edge <= start));
            counts.0[bin] += a.count;
            counts.1[bin] += b.count;
        }
        counts
    }

    /// The largest difference of the distribution functions at the edges. Between two edges the difference can be larger by at
    /// most the share of the baseline that lies there: the largest such share is the bound.
    pub fn kolmogorov_smirnov(&self) -> (f64, f64) {
        let gaps = self.bins.iter().map(|bin| (bin.before.0 - bin.before.1).abs());
        let open = self.bins.iter().filter(|bin| bin.is_open).map(|bin| bin.rise.0);
        (gaps.fold(0.0, f64::max), open.fold(0.0, f64::max))
    }

    /// The area between the distribution functions, and how far that of the values themselves may be from it.
    ///
    /// The area under each function within a bin is known exactly, from the bin's sum. Only where they cross within a bin is
    /// something to be guessed: there they are taken to be straight.
    pub fn wasserstein(&self) -> (f64, f64) {
        let (mut distance, mut bound) = (self.tails(), 0.0);
        for bin in &self.bins {
            let least = bin.signed_area().abs();
            let most = if bin.is_open { least + bin.missing_area() } else { least };
            let guess = bin.straight_area().clamp(least, most);
            distance += guess;
            bound += (guess - least).max(most - guess);
        }
        (distance, bound)
    }

    /// The area between the functions below the first edge and above the last: nothing of the baseline lies there, so that
    /// they cannot cross.
    fn tails(&self) -> f64 {
        let (Some(first), Some(last)) = (self.grid.edges().first(), self.grid.edges().last()) else { return 0.0 };
        let total = self.window.iter().map(|bin| bin.count).sum::<u64>().max(1) as f64;
        let (low, high) = (self.window[0], self.window[self.window.len() - 1]);
        let pivot = self.grid.pivot();
        let below = (low.count as f64 * (first - pivot) - low.sum).max(0.0);
        let above = (high.sum - high.count as f64 * (last - pivot)).max(0.0);
        (below + above) / total
    }

    /// `∫ sqrt(F(1-F))` of the baseline, from its value in the middle of each bin.
    pub fn spread(&self) -> f64 {
        let part = |bin: &Pair| {
            let middle = (bin.before.0 + bin.rise.0 / 2.0).clamp(0.0, 1.0);
            bin.area.width * (middle * (1.0 - middle)).sqrt()
        };
        self.bins.iter().map(part).sum()
    }
}

fn area(grid: &Grid, index: usize, (a, n): (&Bin, f64), (b, m): (&Bin, f64)) -> Area {
    let edges = grid.edges();
    if index == 0 || index == edges.len() {
        return Area::default();
    }
    let (start, end) = (edges[index - 1], edges[index]);
    let width = end - start;
    let under = |bin: &Bin, total: f64| {
        let area = (bin.count as f64 * (end - grid.pivot()) - bin.sum) / total;
        area.clamp(0.0, width * (bin.count as f64 / total))
    };
    Area { width, baseline: under(a, n), window: under(b, m) }
}

impl Pair {
    /// The area between the functions within the bin, where they are on different sides counted against each other.
    fn signed_area(&self) -> f64 {
        self.area.width * (self.before.0 - self.before.1) + (self.area.baseline - self.area.window)
    }

    /// The area between the functions when their difference is a straight line that crosses zero; else nothing.
    fn straight_area(&self) -> f64 {
        let start = self.before.0 - self.before.1;
        let end = start + self.rise.0 - self.rise.1;
        if start * end >= 0.0 {
            return 0.0;
        }
        self.area.width * (start * start + end * end) / (2.0 * (start.abs() + end.abs()))
    }

    /// By how much the area between the functions can be more than [`Self::signed_area`]: twice the smaller of the areas in
    /// which the baseline is above and below.
    fn missing_area(&self) -> f64 {
        let Area { width, baseline, window } = self.area;
        let (p, q) = self.rise;
        let start = self.before.0 - self.before.1;
        let end = start + p - q;
        let (mut above, mut below) = (f64::INFINITY, f64::INFINITY);
        // From where it starts, the one that is behind must rise first; to where it ends, likewise.
        if start >= 0.0 {
            below = below.min(window).min(width * (q - start).max(0.0));
        }
        if start <= 0.0 {
            above = above.min(baseline).min(width * (p + start).max(0.0));
        }
        if end >= 0.0 {
            below = below.min(width * p - baseline).min(width * (p - end).max(0.0));
        }
        if end <= 0.0 {
            above = above.min(width * q - window).min(width * (q + end).max(0.0));
        }
        let signed = self.signed_area();
        let smaller = if signed >= 0.0 { below.min(above - signed) } else { above.min(below + signed) };
        2.0 * smaller.max(0.0)
    }
}
