//! Numbers of sixteen bits.

use crate::plain::Plain;

/// A number of 16 bits (IEEE 754's binary16), as its bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(transparent)]
pub struct Half(pub u16);

impl Plain for Half {
    const NAME: &'static str = "f16";

    fn bits(self) -> u64 {
        self.0.into()
    }
}

impl From<Half> for f64 {
    fn from(half: Half) -> Self {
        let (sign, exponent, fraction) = (half.0 >> 15, half.0 >> 10 & 31, f64::from(half.0 & 1023));
        let size = match exponent {
            0 => fraction * 2f64.powi(-24),
            31 if fraction > 0.0 => f64::NAN,
            31 => f64::INFINITY,
            _ => (1024.0 + fraction) * 2f64.powi(i32::from(exponent) - 25),
        };
        if sign == 1 { -size } else { size }
    }
}

impl Half {
    /// The nearest to a number, and the even one of two that are as near.
    pub fn nearest(number: f64) -> Self {
        let sign = u16::from(number.is_sign_negative()) << 15;
        let size = number.abs();
        if size.is_nan() {
            return Self(sign | 0x7e00);
        }
        // The step between neighbours where the number is; beyond the last exponent there is none, and infinity is next.
        let exponent = (size.to_bits() >> 52) as i32 - 1023;
        let step = 2f64.powi(exponent.clamp(-14, 15) - 10);
        let steps = (size / step).round_ties_even();
        if steps * step >= 65_536.0 {
            return Self(sign | 0x7c00);
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at most 2048 steps
        let steps = steps as u16;
        // Counted from the first of its exponent; one too many is the first of the next.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // from 0 to 29
        let below = (exponent.clamp(-14, 15) + 14) as u16 * 1024;
        Self(sign | (below + steps))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_comes_back_and_numbers_between_go_to_the_nearest() {
        for bits in 0..0x7c00u16 {
            let here = f64::from(Half(bits));
            assert_eq!(Half::nearest(here), Half(bits));
            assert_eq!(Half::nearest(-here), Half(bits | 0x8000));
            let next = if bits == 0x7bff { 65_536.0 } else { f64::from(Half(bits + 1)) };
            assert!(here < next);
            let middle = f64::midpoint(here, next);
            assert_eq!(Half::nearest(middle), Half(bits + bits % 2), "the middle after {here}");
            assert_eq!(Half::nearest(middle.next_down()), Half(bits));
            assert_eq!(Half::nearest(middle.next_up()), Half(bits + 1));
        }
        assert_eq!(Half::nearest(f64::INFINITY), Half(0x7c00));
        assert_eq!(Half::nearest(1e300), Half(0x7c00));
        assert_eq!(Half::nearest(-1e-300), Half(0x8000));
        assert!(f64::from(Half::nearest(f64::NAN)).is_nan());
    }
}
