//! Statistics of two sorted samples of finite numbers.

/// The finite numbers of a sample, ascending.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sample(Vec<f64>);

impl Sample {
    /// What is finite of `values`; the rest is left out, as every convention does.
    pub fn new(values: &[f64]) -> Self {
        let finite = values.iter().copied().filter(|value| value.is_finite());
        let mut sorted: Vec<f64> = finite.map(|value| value + 0.0).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        Self(sorted)
    }

    /// The numbers, ascending.
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// The least and the greatest number.
    pub fn range(&self) -> Option<(f64, f64)> {
        Some((*self.0.first()?, *self.0.last()?))
    }

    /// Each distinct number with how often it is there, ascending.
    pub fn counted(&self) -> impl Iterator<Item = (f64, u64)> {
        self.0.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as u64))
    }
}

/// The mean.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The standard deviation, with `n` below the fraction.
pub fn std(values: &[f64]) -> f64 {
    let mean = mean(values);
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
}

/// Fisher's skewness, biased; `None` of values that are all the same.
pub fn skewness(values: &[f64]) -> Option<f64> {
    let (mean, std) = (mean(values), std(values));
    let skewness = values.iter().map(|value| ((value - mean) / std).powi(3)).sum::<f64>() / values.len() as f64;
    skewness.is_finite().then_some(skewness)
}

/// Calls `visit(here, next, below_a, below_b)` for each distinct value of either sample, ascending, with the next one and how
/// many values of each sample are not above it.
fn walk(a: &[f64], b: &[f64], mut visit: impl FnMut(f64, Option<f64>, usize, usize)) {
    let (mut i, mut j) = (0, 0);
    let least = |i: usize, j: usize| match (a.get(i), b.get(j)) {
        (Some(x), Some(y)) => Some(x.min(*y)),
        (x, y) => x.or(y).copied(),
    };
    let mut here = least(0, 0);
    while let Some(value) = here {
        while a.get(i).is_some_and(|x| *x == value) {
            i += 1;
        }
        while b.get(j).is_some_and(|y| *y == value) {
            j += 1;
        }
        here = least(i, j);
        visit(value, here, i, j);
    }
}

/// The Kolmogorov-Smirnov statistic: the largest difference of the two distribution functions, 0 to 1.
pub fn kolmogorov_smirnov(a: &[f64], b: &[f64]) -> f64 {
    let (n, m) = (a.len() as f64, b.len() as f64);
    let mut largest = 0.0f64;
    walk(a, b, |_, _, i, j| largest = largest.max((i as f64 / n - j as f64 / m).abs()));
    largest
}

/// The first Wasserstein distance: the area between the two distribution functions, in the values' unit.
pub fn wasserstein(a: &[f64], b: &[f64]) -> f64 {
    let (n, m) = (a.len() as f64, b.len() as f64);
    let mut area = 0.0;
    walk(a, b, |here, next, i, j| {
        area += next.map_or(0.0, |next| (next - here) * (i as f64 / n - j as f64 / m).abs());
    });
    area
}
