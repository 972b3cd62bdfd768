//! Histograms as numpy makes them: edges of equal width, the last bin closed.

/// `numpy.linspace(first, last, bins + 1)`.
pub fn edges(first: f64, last: f64, bins: usize) -> Vec<f64> {
    let step = (last - first) / bins as f64;
    (0..bins).map(|bin| bin as f64 * step + first).chain([last]).collect()
}

/// How many values are between each pair of neighbouring edges; those outside are in no bin.
pub fn histogram(sorted: &[f64], edges: &[f64]) -> Vec<u64> {
    let Some(last) = edges.len().checked_sub(1) else { return Vec::new() };
    let below = |index: usize| match index == last {
        true => sorted.partition_point(|value| *value <= edges[index]),
        false => sorted.partition_point(|value| *value < edges[index]),
    };
    let mut lower = below(0);
    (1..=last)
        .map(|index| {
            let upper = below(index);
            let count = upper - lower;
            lower = upper;
            count as u64
        })
        .collect()
}

/// Edges by Sturges's rule (1926): `log2(n) + 1` bins, rounded up. `numpy.histogram_bin_edges(values, "sturges")` of `count`
/// floats.
pub fn sturges(min: f64, max: f64, count: u64) -> Vec<f64> {
    by_width(min, max, (max - min) / ((count as f64).log2() + 1.0))
}

/// Edges by Doane's rule (1976), which has more bins the more skewed the values are: `"doane"` of numpy. The skewness is
/// `None` of values that have none.
pub fn doane(min: f64, max: f64, count: u64, skewness: Option<f64>) -> Vec<f64> {
    let n = count as f64;
    let spread = (6.0 * (n - 2.0) / ((n + 1.0) * (n + 3.0))).sqrt();
    let width = match skewness {
        Some(skewness) if count > 2 => (max - min) / (1.0 + n.log2() + (1.0 + skewness.abs() / spread).log2()),
        _ => 0.0,
    };
    by_width(min, max, width)
}

/// No rule comes near this for a count that can be; it bounds what numbers at the ends of their range make of one.
const BINS_MAX: f64 = 256.0;

fn by_width(min: f64, max: f64, width: f64) -> Vec<f64> {
    if min == max {
        return vec![min - 0.5, max + 0.5];
    }
    let range = max - min;
    if !range.is_finite() {
        return vec![min, max];
    }
    let bins = if width > 0.0 { (range / width).ceil() } else { 1.0 };
    edges(min, max, bins.clamp(1.0, BINS_MAX) as usize)
}
