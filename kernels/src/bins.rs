//! Histograms of columns of single-precision numbers: which bin each value is in, how many are, and their sums.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use crate::Tier;

/// The most bins: one more than edges.
pub const BINS_MAX: usize = 64;

/// Ascending edges in the layouts that are searched. What is not there is infinite, so that every search takes the same
/// steps.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C, align(64))]
pub struct Edges {
    /// Ascending.
    sorted: [f32; BINS_MAX],
    /// As a tree: the children of entry `i` are `2 i` and `2 i + 1`, the root is 1.
    tree: [f32; BINS_MAX],
    /// Every eighth of those that ascend.
    every_eighth: [f32; 8],
    /// The number that sums are taken from.
    pivot: f64,
    /// What the processor has.
    tier: Tier,
}

/// What fell into one bin.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bin {
    /// How many values.
    pub count: u64,
    /// The sum of their differences from the pivot.
    pub sum: f64,
}

/// What was counted of a column.
#[derive(Debug, Clone, PartialEq)]
pub struct Tally {
    /// By bins: bin 0 holds what is below the first edge, bin `i` what is from edge `i - 1` on and below edge `i`.
    pub bins: [Bin; BINS_MAX],
    /// How many NaN.
    pub nulls: u64,
    /// How many infinities, which are in no bin.
    pub infinite: u64,
    /// The sum of the squares of the differences from the pivot.
    pub squares: f64,
    /// The least finite value; infinity of none.
    pub min: f64,
    /// The greatest finite value; minus infinity of none.
    pub max: f64,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            bins: [Bin::default(); BINS_MAX],
            nulls: 0,
            infinite: 0,
            squares: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
        }
    }
}

impl Edges {
    /// Of ascending edges, of which the first 63 are taken. An edge that is no number of single precision becomes the next
    /// greater one, which is not above the same values.
    pub fn new(edges: &[f64], pivot: f64) -> Self {
        let mut sorted = [f32::INFINITY; BINS_MAX];
        for (place, edge) in sorted.iter_mut().zip(edges.iter().take(BINS_MAX - 1)) {
            let nearest = *edge as f32;
            *place = if f64::from(nearest) < *edge { nearest.next_up() } else { nearest };
        }
        let mut tree = [f32::INFINITY; BINS_MAX];
        let mut ascending = sorted.iter();
        fill(&mut tree, 1, &mut ascending);
        let every_eighth = std::array::from_fn(|index| sorted[8 * index + 7]);
        Self { sorted, tree, every_eighth, pivot, tier: Tier::best() }
    }

    /// The same on a tier, or on the best that the processor has below it.
    #[must_use]
    pub fn on(self, tier: Tier) -> Self {
        Self { tier: tier.min(Tier::best()), ..self }
    }

    /// The edges in ascending order, infinite where there is none.
    pub(crate) fn ascending(&self) -> &[f32; BINS_MAX] {
        &self.sorted
    }

    /// The number that sums are taken from.
    pub(crate) fn pivot(&self) -> f64 {
        self.pivot
    }

    /// How many edges are not above a finite value.
    #[inline(always)]
    fn bin(&self, value: f32) -> usize {
        let mut place = 1;
        for _ in 0..BINS_MAX.ilog2() {
            place = 2 * place + usize::from(value >= self.tree[place % BINS_MAX]);
        }
        place % BINS_MAX
    }
}

/// Fills the tree below `place` in its own order.
fn fill<'a>(tree: &mut [f32; BINS_MAX], place: usize, ascending: &mut impl Iterator<Item = &'a f32>) {
    if place < BINS_MAX {
        fill(tree, 2 * place, ascending);
        tree[place] = ascending.next().copied().unwrap_or(f32::INFINITY);
        fill(tree, 2 * place + 1, ascending);
    }
}

impl Tally {
    /// Counts one column of a row-major matrix, `values[row * width + column]` of every row, with what the processor has.
    /// Counts, extremes and the sums of bins are the same on every tier; the sum of squares is to rounding.
    #[inline]
    pub fn add(&mut self, edges: &Edges, values: &[f32], (column, width): (usize, usize)) {
        let width = width.max(1);
        match edges.tier {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the tier is not above what the processor has.
            Tier::Avx512 if values.len() >= avx512::ROWS_MIN * width => unsafe {
                avx512::add(self, edges, values, (column, width));
            },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the tier is not above what the processor has.
            Tier::Avx512 | Tier::Avx2 => unsafe { avx2::add(self, edges, values, (column, width)) },
            _ => self.add_scalar(edges, values, (column, width)),
        }
    }

    /// With no more than the language itself.
    fn add_scalar(&mut self, edges: &Edges, values: &[f32], place: (usize, usize)) {
        self.add_each(edges, values, place, |edges, value| edges.bin(value));
    }

    /// Counts one value after the other.
    #[inline(always)]
    fn add_each(
        &mut self,
        edges: &Edges,
        values: &[f32],
        (column, width): (usize, usize),
        bin: impl Fn(&Edges, f32) -> usize,
    ) {
        let (mut squares, mut min, mut max) = (self.squares, self.min, self.max);
        let mut index = column;
        while let Some(&value) = values.get(index) {
            index += width;
            if !value.is_finite() {
                self.nulls += u64::from(value.is_nan());
                self.infinite += u64::from(!value.is_nan());
                continue;
            }
            let wide = f64::from(value);
            let difference = wide - edges.pivot;
            squares += difference * difference;
            if wide < min || wide > max {
                // Rare after the first few: a branch costs less than two selections each time.
                (min, max) = (min.min(wide), max.max(wide));
            }
            let bin = &mut self.bins[bin(edges, value) % BINS_MAX];
            bin.count += 1;
            bin.sum += difference;
        }
        (self.squares, self.min, self.max) = (squares, min, max);
    }
}
