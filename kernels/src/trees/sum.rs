//! What leaves are added in.

use super::Feature;
use crate::plain::Plain;

/// A number that leaves are kept and added in: what the library that trained the forest adds in.
pub trait Sum: sealed::Sealed + Plain + PartialEq + std::fmt::Debug + std::ops::AddAssign {
    /// `coefficient * x`, in this precision.
    fn times(self, x: impl Feature) -> Self;
    /// Whether it is neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// A table and sums of 32 bits, when that is what they are: for instructions that have but one width.
    fn as_f32<'a, const N: usize>(table: &'a [Self], sums: &'a mut [Self; N]) -> Option<(&'a [f32], &'a mut [f32; N])>;
}

impl Sum for f32 {
    #[allow(clippy::cast_possible_truncation)] // a feature of 32 bits, or one that is added to sums of 32 bits
    #[inline]
    fn times(self, x: impl Feature) -> Self {
        self * x.to_f64() as Self
    }

    #[inline]
    fn is_finite(self) -> bool {
        Self::is_finite(self)
    }

    fn as_f32<'a, const N: usize>(table: &'a [Self], sums: &'a mut [Self; N]) -> Option<(&'a [f32], &'a mut [f32; N])> {
        Some((table, sums))
    }
}

impl Sum for f64 {
    #[inline]
    fn times(self, x: impl Feature) -> Self {
        self * x.to_f64()
    }

    #[inline]
    fn is_finite(self) -> bool {
        Self::is_finite(self)
    }

    fn as_f32<'a, const N: usize>(_: &'a [Self], _: &'a mut [Self; N]) -> Option<(&'a [f32], &'a mut [f32; N])> {
        None
    }
}

mod sealed {
    /// Kernels are written for two precisions.
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}
