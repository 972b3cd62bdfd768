//! Quantiles of sorted numbers, with numpy's default interpolation (`linear`), rounding for rounding.

/// The quantile at `share` (0 to 1) of numbers in rising order; none of no numbers.
pub(super) fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = last as f64 * share;
    let below = (place.floor() as usize).min(last);
    let (a, b) = (sorted[below], sorted[(below + 1).min(last)]);
    let part = place - place.floor();
    let gap = b - a;
    Some(if part >= 0.5 { b - gap * (1.0 - part) } else { a + gap * part })
}

/// `count` + 1 evenly spaced numbers from `from` to `to`, as numpy's `linspace` rounds them.
pub(super) fn edges(from: f64, to: f64, count: usize) -> Vec<f64> {
    let step = (to - from) / count as f64;
    let mut edges: Vec<f64> = (0..=count).map(|place| place as f64 * step + from).collect();
    edges[count] = to;
    edges
}
