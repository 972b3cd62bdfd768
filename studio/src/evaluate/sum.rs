//! Sums that keep what a plain sum of many numbers loses.

/// The sum, with the rounding errors of its additions gathered and added at the end (Neumaier's form of Kahan's).
pub(super) fn sum(numbers: impl IntoIterator<Item = f64>) -> f64 {
    let (mut total, mut lost) = (0.0_f64, 0.0_f64);
    for number in numbers {
        let next = total + number;
        lost += if total.abs() >= number.abs() { (total - next) + number } else { (number - next) + total };
        total = next;
    }
    // After an overflow the lost part is not a number; the total says what happened.
    if total.is_finite() { total + lost } else { total }
}

/// The mean; not a number when there is none.
pub(super) fn mean(numbers: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = numbers.len() as f64;
    sum(numbers) / count
}

/// The number, unless it is infinite or none.
pub(super) fn finite(number: f64) -> Option<f64> {
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_small_beside_the_total_is_not_lost() {
        let cases: [(&[f64], f64); 5] = [
            (&[], 0.0),
            (&[1.0, 1e100, 1.0, -1e100], 2.0),
            (&[0.1; 10], 1.0),
            (&[1e308, 1e308, -1e308], f64::INFINITY),
            (&[-1e308, -1e308], f64::NEG_INFINITY),
        ];
        for (numbers, expected) in cases {
            assert_eq!(sum(numbers.iter().copied()), expected, "{numbers:?}");
        }
        assert_eq!(finite(mean([].into_iter())), None);
    }
}
