//! The skewness of a stream, by the updates of Pébay (2008, Sandia report SAND2008-6212).

/// Sums of powers of the differences from the mean.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moments {
    count: u64,
    mean: f64,
    second: f64,
    third: f64,
}

impl Moments {
    /// Adds a value.
    pub fn add(&mut self, value: f64) {
        self.merge(&Self { count: 1, mean: value, second: 0.0, third: 0.0 });
    }

    /// Adds what others have seen.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        let (a, b) = (self.count as f64, other.count as f64);
        let total = a + b;
        let difference = other.mean - self.mean;
        let third = self.third
            + other.third
            + difference.powi(3) * a * b * (a - b) / (total * total)
            + 3.0 * difference * (a * other.second - b * self.second) / total;
        let second = self.second + other.second + difference * difference * a * b / total;
        *self = Self { count: self.count + other.count, mean: self.mean + difference * b / total, second, third };
    }

    /// Fisher's skewness, biased as numpy computes it; `None` of values that are all the same.
    pub fn skewness(&self) -> Option<f64> {
        let (count, variance) = (self.count as f64, self.second / self.count as f64);
        let skewness = self.third / count / variance.powf(1.5);
        skewness.is_finite().then_some(skewness)
    }
}
