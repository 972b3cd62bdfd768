//! What features are given in.

use crate::plain::Plain;
use std::cmp::Ordering;

/// Categories lie below this.
const CATEGORIES_MAX: f64 = 16_777_216.0;

/// A number that features are given in and compared as: what the library that trained the forest compares.
pub trait Feature: sealed::Sealed + Plain + PartialOrd + std::fmt::Debug {
    /// Infinity.
    const INFINITY: Self;
    /// Whether it stands for a missing value.
    fn is_nan(self) -> bool;
    /// The next number below; NaN, which nothing is at most, where there is none.
    fn below(self) -> Self;
    /// Itself, and zero in place of minus zero.
    fn with_one_zero(self) -> Self;
    /// An order of all numbers.
    fn total_cmp(&self, other: &Self) -> Ordering;
    /// The number with 64 bits.
    fn to_f64(self) -> f64;
    /// Numbers of 32 bits, when that is what they are: for instructions that have but one width.
    fn as_f32(numbers: &[Self]) -> Option<&[f32]>;

    /// The category that it stands for, cut to a whole number; none when it is negative, NaN or 2^24 and more.
    #[inline]
    fn category(self) -> Option<usize> {
        let x = self.to_f64();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // its range is looked at
        (0.0..CATEGORIES_MAX).contains(&x).then_some(x as usize)
    }
}

macro_rules! feature {
    ($number:ty, $as_f32:expr) => {
        impl Feature for $number {
            const INFINITY: Self = <$number>::INFINITY;

            #[inline]
            fn is_nan(self) -> bool {
                <$number>::is_nan(self)
            }

            #[inline]
            fn below(self) -> Self {
                if self == <$number>::NEG_INFINITY { <$number>::NAN } else { self.next_down() }
            }

            #[inline]
            fn with_one_zero(self) -> Self {
                self + 0.0
            }

            #[inline]
            fn total_cmp(&self, other: &Self) -> Ordering {
                <$number>::total_cmp(self, other)
            }

            #[inline]
            fn to_f64(self) -> f64 {
                self.into()
            }

            #[inline]
            fn as_f32(numbers: &[Self]) -> Option<&[f32]> {
                $as_f32(numbers)
            }
        }
    };
}

feature!(f32, Some);
feature!(f64, |_| None);

mod sealed {
    /// Kernels are written for two precisions.
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}
