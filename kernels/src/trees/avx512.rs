//! Blocks of rows with AVX-512.

use super::blocks::{ROWS, run};
use super::lanes::{Lanes, add_each, search_each};
use super::layout::{Layout, position};
use super::slices::ABREAST;
use super::{Feature, Sum};
use std::arch::x86_64::{
    __m512, __m512i, _CMP_LT_OQ, _mm_loadu_si128, _mm512_add_ps, _mm512_cmp_ps_mask, _mm512_cmple_epu8_mask,
    _mm512_cvtepu8_epi32, _mm512_i32gather_ps, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_mask_add_epi32,
    _mm512_mask_blend_ps, _mm512_maskz_loadu_ps, _mm512_maskz_set1_epi8, _mm512_or_si512, _mm512_permutex2var_ps,
    _mm512_set1_epi32, _mm512_setzero_ps, _mm512_setzero_si512, _mm512_storeu_ps, _mm512_storeu_si512,
    _mm512_ternarylogic_epi64, _mm512_test_epi32_mask,
};

/// # Safety
/// The processor must have AVX-512 F, BW, DQ and VL.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2")]
pub unsafe fn many_rows<X: Feature, T: Sum>(layout: &Layout<X, T>, rows: &[X], out: &mut [T]) {
    run(Avx512, layout, rows, out);
}

/// Only made where the instructions are known to be there.
#[derive(Clone, Copy)]
struct Avx512;

impl Lanes for Avx512 {
    #[inline(always)]
    fn thresholds_below<X: Feature>(self, thresholds: &[X], values: &[X; ROWS]) -> [u32; ROWS] {
        match (X::as_f32(thresholds), X::as_f32(values)) {
            // SAFETY: this is inlined into `many_rows` alone.
            (Some(thresholds), Some(values)) => unsafe { search(thresholds, values) },
            _ => search_each(thresholds, values),
        }
    }

    #[inline(always)]
    fn at_most(self, ranks: &[u8; ROWS], most: u32) -> u64 {
        // SAFETY: this is inlined into `many_rows` alone; the array is 64 bytes.
        unsafe {
            let ranks = _mm512_loadu_si512(ranks.as_ptr().cast::<__m512i>());
            _mm512_cmple_epu8_mask(ranks, _mm512_set1_epi32(most.cast_signed()))
        }
    }

    #[inline(always)]
    fn choose(self, turn: &[u64; ABREAST], left: &[u64; ABREAST], right: &mut [u64; ABREAST]) {
        // SAFETY: as above; each is 64 bytes.
        unsafe {
            let load = |words: *const u64| _mm512_loadu_si512(words.cast::<__m512i>());
            let (turn, left, old) = (load(turn.as_ptr()), load(left.as_ptr()), load(right.as_ptr()));
            // The table of `turn ? left : old`.
            let chosen = _mm512_ternarylogic_epi64::<0b1100_1010>(turn, left, old);
            _mm512_storeu_si512(right.as_mut_ptr().cast::<__m512i>(), chosen);
        }
    }

    #[inline(always)]
    fn numbers<const BITS: usize>(self, planes: &[u64; BITS]) -> [u8; ROWS] {
        let mut numbers = [0; ROWS];
        // SAFETY: as above.
        unsafe {
            let mut sum = _mm512_setzero_si512();
            for (bit, plane) in planes.iter().enumerate() {
                sum = _mm512_or_si512(sum, _mm512_maskz_set1_epi8(*plane, (1u8 << bit).cast_signed()));
            }
            _mm512_storeu_si512(numbers.as_mut_ptr().cast::<__m512i>(), sum);
        }
        numbers
    }

    #[inline(always)]
    unsafe fn add<T: Sum>(self, table: &[T], numbers: &[u8; ROWS], sums: &mut [T; ROWS]) {
        match T::as_f32(table, sums) {
            // SAFETY: as above.
            Some((table, sums)) if table.len() <= 64 => unsafe { add_small(table, numbers, sums) },
            // SAFETY: the caller knows it.
            _ => unsafe { add_each(table, numbers, sums) },
        }
    }
}

/// Searches 16 values at a time.
///
/// # Safety
/// As [`many_rows`]; there are at least 64 values.
#[inline(always)]
unsafe fn search(thresholds: &[f32], values: &[f32]) -> [u32; ROWS] {
    let mut below = [0; ROWS];
    // SAFETY: values and counts are 64; what is below and the size that is left are never more than the thresholds together.
    unsafe {
        let mut x = [_mm512_setzero_ps(); 4];
        for (part, x) in x.iter_mut().enumerate() {
            *x = _mm512_loadu_ps(values.as_ptr().add(16 * part));
        }
        let mut at = [_mm512_setzero_si512(); 4];
        let mut size = position(thresholds.len()).cast_signed();
        while size > 0 {
            let half = (size + 1) / 2;
            let first = thresholds.as_ptr().add(half as usize - 1);
            for (at, x) in at.iter_mut().zip(x) {
                let is_below = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(_mm512_i32gather_ps::<4>(*at, first), x);
                *at = _mm512_mask_add_epi32(*at, is_below, *at, _mm512_set1_epi32(half));
            }
            size -= half;
        }
        for (part, at) in at.iter().enumerate() {
            _mm512_storeu_si512(below.as_mut_ptr().add(16 * part).cast::<__m512i>(), *at);
        }
    }
    below
}

/// Adds values of a table that fits four registers.
///
/// # Safety
/// As [`many_rows`]; the table has at most 64 values.
#[inline(always)]
unsafe fn add_small(table: &[f32], numbers: &[u8; ROWS], sums: &mut [f32; ROWS]) {
    // SAFETY: the masks leave out what is past the table's end; numbers and sums are 64.
    unsafe {
        let part = |part: usize| -> __m512 {
            let there = table.len().saturating_sub(16 * part).min(16);
            let mask = if table.len() == 64 { u16::MAX } else { ((1u32 << there) - 1) as u16 };
            _mm512_maskz_loadu_ps(mask, table.as_ptr().wrapping_add(16 * part))
        };
        let (a, b, c, d) = (part(0), part(1), part(2), part(3));
        for rows in (0..ROWS).step_by(16) {
            let number = _mm512_cvtepu8_epi32(_mm_loadu_si128(numbers.as_ptr().add(rows).cast()));
            let low = _mm512_permutex2var_ps(a, number, b);
            let high = _mm512_permutex2var_ps(c, number, d);
            let is_high = _mm512_test_epi32_mask(number, _mm512_set1_epi32(32));
            let sum = sums.as_mut_ptr().add(rows);
            _mm512_storeu_ps(sum, _mm512_add_ps(_mm512_loadu_ps(sum), _mm512_mask_blend_ps(is_high, low, high)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Avx512;
    use crate::Tier;
    use crate::trees::lanes::properties;

    /// # Safety
    /// As [`super::many_rows`].
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,bmi1,bmi2")]
    unsafe fn hold() {
        properties::hold(Avx512);
    }

    #[test]
    fn lanes_do_what_they_say() {
        if Tier::best() >= Tier::Avx512 {
            // SAFETY: the tier is not above what the processor has.
            unsafe { hold() };
        }
    }
}
