//! Mean and deviation of numbers that pass by once.

/// Least, greatest, mean and deviation, by Welford's method (Technometrics 4, 1962): stable however large the numbers are
/// beside their differences.
#[derive(Debug, Clone, Copy)]
pub struct Moments {
    count: u64,
    mean: f64,
    squares: f64,
    min: f64,
    max: f64,
}

impl Default for Moments {
    fn default() -> Self {
        Self { count: 0, mean: 0.0, squares: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY }
    }
}

impl Moments {
    /// Another number.
    pub fn add(&mut self, value: f64) {
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (value - self.mean);
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// The least number.
    pub fn min(&self) -> Option<f64> {
        (self.count > 0).then_some(self.min)
    }

    /// The greatest number.
    pub fn max(&self) -> Option<f64> {
        (self.count > 0).then_some(self.max)
    }

    /// The mean; none where the sum leaves the range of numbers.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0 && self.mean.is_finite()).then_some(self.mean)
    }

    /// The deviation of a sample, with one less than the count as divisor.
    pub fn deviation(&self) -> Option<f64> {
        let deviation = (self.squares / self.count.checked_sub(1).filter(|&n| n > 0)? as f64).sqrt();
        deviation.is_finite().then_some(deviation)
    }
}
