//! Link functions, in XGBoost's own form: `src/common/math.h` and `src/objective/regression_loss.h`.

/// The least distance of a probability from 0 and 1 when it is turned into a sum.
const PROBABILITY_EPS: f32 = 1e-6;
/// The largest number that is given to the exponential function in [`Link::Logistic`].
const EXPONENT_MAX: f32 = 88.7;

/// What leads from a sum to a prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// The sum itself.
    Identity,
    /// `1 / (1 + exp(-x))`.
    Logistic,
    /// `exp(x)`.
    Exponential,
    /// 1 above zero, else 0.
    Step,
}

impl Link {
    /// The prediction.
    #[inline]
    pub fn inverse(self, sum: f32) -> f32 {
        match self {
            Self::Identity => sum,
            Self::Logistic => {
                let exponent = if EXPONENT_MAX < -sum { EXPONENT_MAX } else { -sum };
                1.0 / (exponent.exp() + 1.0 + 1e-16)
            }
            Self::Exponential => sum.exp(),
            Self::Step => f32::from(u8::from(sum > 0.0)),
        }
    }

    /// The sum that leads to a prediction; NaN when none does.
    pub fn margin(self, prediction: f32) -> f32 {
        match self {
            Self::Identity | Self::Step => prediction,
            Self::Logistic if !(0.0..=1.0).contains(&prediction) => f32::NAN,
            Self::Logistic => {
                let bounded = prediction.clamp(PROBABILITY_EPS, 1.0 - PROBABILITY_EPS);
                -(1.0 / bounded - 1.0).ln()
            }
            Self::Exponential => prediction.ln(),
        }
    }
}

/// Turns sums into probabilities: exponentials are added in 64 bits.
pub fn softmax(row: &mut [f32]) {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut total = 0.0f64;
    for value in row.iter_mut() {
        *value = (*value - largest).exp();
        total += f64::from(*value);
    }
    #[allow(clippy::cast_possible_truncation)] // XGBoost divides by 32 bits
    let total = total as f32;
    for value in row {
        *value /= total;
    }
}

/// The position of the largest value, the first of several; 0 when the first is NaN.
pub fn index_of_max(row: &[f32]) -> i64 {
    let larger = |best: (i64, f32), next: (i64, f32)| if next.1 > best.1 { next } else { best };
    (0..).zip(row.iter().copied()).reduce(larger).map_or(0, |(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn margins_lead_to_their_predictions() {
        for link in [Link::Identity, Link::Logistic, Link::Exponential] {
            for prediction in [0.1f32, 0.5, 0.75] {
                assert!((link.inverse(link.margin(prediction)) - prediction).abs() < 1e-6, "{link:?} {prediction}");
            }
        }
        assert_eq!(Link::Logistic.margin(0.5), 0.0);
        assert!(Link::Logistic.margin(0.0).is_finite() && Link::Logistic.margin(1.0).is_finite());
        assert!(Link::Logistic.margin(1.5).is_nan() && Link::Exponential.margin(-1.0).is_nan());
    }

    #[test]
    fn extreme_sums_have_predictions() {
        let cases = [
            (Link::Logistic, f32::NEG_INFINITY, 1.0 / EXPONENT_MAX.exp()),
            (Link::Logistic, f32::INFINITY, 1.0),
            (Link::Exponential, f32::NEG_INFINITY, 0.0),
            (Link::Step, 0.0, 0.0),
            (Link::Step, f32::MIN_POSITIVE, 1.0),
        ];
        for (link, sum, wanted) in cases {
            assert_eq!(link.inverse(sum), wanted, "{link:?} {sum}");
        }
        assert!(Link::Logistic.inverse(f32::NAN).is_nan());
    }

    #[test]
    fn the_first_of_the_largest_wins() {
        let cases: [(&[f32], i64); 5] =
            [(&[1.0, 3.0, 3.0], 1), (&[2.0], 0), (&[f32::NAN, 1.0], 0), (&[0.0, f32::NAN, 1.0], 2), (&[], 0)];
        for (row, wanted) in cases {
            assert_eq!(index_of_max(row), wanted, "{row:?}");
        }
        let mut row = [1000.0, 1000.0];
        softmax(&mut row);
        assert_eq!(row, [0.5, 0.5]);
    }
}
