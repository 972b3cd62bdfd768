//! Blocks of rows with AVX2.

use super::blocks::{ROWS, run};
use super::lanes::{Lanes, add_each, search_each};
use super::layout::{Layout, position};
use super::slices::ABREAST;
use super::{Feature, Sum};
use std::arch::x86_64::{
    __m128i, __m256i, _CMP_LT_OQ, _mm_loadl_epi64, _mm256_add_epi8, _mm256_add_epi32, _mm256_add_ps, _mm256_and_si256,
    _mm256_andnot_si256, _mm256_castps_si256, _mm256_cmp_ps, _mm256_cmpeq_epi8, _mm256_cvtepu8_epi32,
    _mm256_i32gather_ps, _mm256_loadu_ps, _mm256_loadu_si256, _mm256_min_epu8, _mm256_movemask_epi8, _mm256_or_si256,
    _mm256_set1_epi32, _mm256_set1_epi64x, _mm256_setr_epi64x, _mm256_setzero_ps, _mm256_setzero_si256,
    _mm256_shuffle_epi8, _mm256_storeu_ps, _mm256_storeu_si256, _mm256_sub_epi8,
};

/// # Safety
/// The processor must have AVX2, BMI1 and BMI2.
#[target_feature(enable = "avx2,bmi1,bmi2")]
pub unsafe fn many_rows<X: Feature, T: Sum>(layout: &Layout<X, T>, rows: &[X], out: &mut [T]) {
    run(Avx2, layout, rows, out);
}

/// Only made where the instructions are known to be there.
#[derive(Clone, Copy)]
struct Avx2;

impl Lanes for Avx2 {
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
        // SAFETY: this is inlined into `many_rows` alone; the array is twice 32 bytes.
        unsafe {
            let most = _mm256_set1_epi32(most.cast_signed());
            let half = |first: usize| {
                let ranks = _mm256_loadu_si256(ranks.as_ptr().add(first).cast::<__m256i>());
                _mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_min_epu8(ranks, most), ranks)).cast_unsigned()
            };
            u64::from(half(0)) | u64::from(half(ROWS / 2)) << 32
        }
    }

    #[inline(always)]
    fn choose(self, turn: &[u64; ABREAST], left: &[u64; ABREAST], right: &mut [u64; ABREAST]) {
        // SAFETY: as above; each is twice 32 bytes.
        unsafe {
            for first in [0, ABREAST / 2] {
                let load = |words: *const u64| _mm256_loadu_si256(words.add(first).cast::<__m256i>());
                let (turn, left, old) = (load(turn.as_ptr()), load(left.as_ptr()), load(right.as_ptr()));
                let chosen = _mm256_or_si256(_mm256_and_si256(turn, left), _mm256_andnot_si256(turn, old));
                _mm256_storeu_si256(right.as_mut_ptr().add(first).cast::<__m256i>(), chosen);
            }
        }
    }

    #[inline(always)]
    fn numbers<const BITS: usize>(self, planes: &[u64; BITS]) -> [u8; ROWS] {
        let mut numbers = [0; ROWS];
        // SAFETY: as above.
        unsafe {
            // Each of a word's four bytes, eight times, and the bit of each row in its byte.
            let bytes = _mm256_setr_epi64x(0, 0x0101_0101_0101_0101, 0x0202_0202_0202_0202, 0x0303_0303_0303_0303);
            let bits = _mm256_set1_epi64x(0x8040_2010_0804_0201u64.cast_signed());
            for (half, numbers) in numbers.chunks_exact_mut(ROWS / 2).enumerate() {
                let mut sum = _mm256_setzero_si256();
                for plane in planes.iter().rev() {
                    #[allow(clippy::cast_possible_truncation)] // one half after the other
                    let word = _mm256_set1_epi32((plane >> (32 * half)) as i32);
                    let is_set = _mm256_cmpeq_epi8(_mm256_and_si256(_mm256_shuffle_epi8(word, bytes), bits), bits);
                    // Twice what there is, and one more where the bit is set, which is minus one here.
                    sum = _mm256_sub_epi8(_mm256_add_epi8(sum, sum), is_set);
                }
                _mm256_storeu_si256(numbers.as_mut_ptr().cast::<__m256i>(), sum);
            }
        }
        numbers
    }

    #[inline(always)]
    unsafe fn add<T: Sum>(self, table: &[T], numbers: &[u8; ROWS], sums: &mut [T; ROWS]) {
        match T::as_f32(table, sums) {
            // SAFETY: as above; the caller knows the rest.
            Some((table, sums)) => unsafe { add_gathered(table, numbers, sums) },
            // SAFETY: the caller knows it.
            None => unsafe { add_each(table, numbers, sums) },
        }
    }
}

/// Searches 8 values at a time.
///
/// # Safety
/// As [`many_rows`]; there are at least 64 values.
#[inline(always)]
unsafe fn search(thresholds: &[f32], values: &[f32]) -> [u32; ROWS] {
    let mut below = [0; ROWS];
    for (below, values) in below.chunks_exact_mut(32).zip(values.chunks_exact(32)) {
        // SAFETY: these are 32; what is below and the size that is left are never more than the thresholds together.
        unsafe {
            let mut x = [_mm256_setzero_ps(); 4];
            for (part, x) in x.iter_mut().enumerate() {
                *x = _mm256_loadu_ps(values.as_ptr().add(8 * part));
            }
            let mut at = [_mm256_setzero_si256(); 4];
            let mut size = position(thresholds.len()).cast_signed();
            while size > 0 {
                let half = (size + 1) / 2;
                let first = thresholds.as_ptr().add(half as usize - 1);
                for (at, x) in at.iter_mut().zip(x) {
                    let is_below = _mm256_cmp_ps::<_CMP_LT_OQ>(_mm256_i32gather_ps::<4>(first, *at), x);
                    let step = _mm256_and_si256(_mm256_castps_si256(is_below), _mm256_set1_epi32(half));
                    *at = _mm256_add_epi32(*at, step);
                }
                size -= half;
            }
            for (part, at) in at.iter().enumerate() {
                _mm256_storeu_si256(below.as_mut_ptr().add(8 * part).cast::<__m256i>(), *at);
            }
        }
    }
    below
}

/// Adds 8 values at a time.
///
/// # Safety
/// As [`many_rows`]; every number must be below the length of the table.
#[inline(always)]
unsafe fn add_gathered(table: &[f32], numbers: &[u8; ROWS], sums: &mut [f32; ROWS]) {
    for first in (0..ROWS).step_by(8) {
        // SAFETY: numbers and sums are 64; the caller knows the rest.
        unsafe {
            let numbers = _mm256_cvtepu8_epi32(_mm_loadl_epi64(numbers.as_ptr().add(first).cast::<__m128i>()));
            let values = _mm256_i32gather_ps::<4>(table.as_ptr(), numbers);
            let sum = sums.as_mut_ptr().add(first);
            _mm256_storeu_ps(sum, _mm256_add_ps(_mm256_loadu_ps(sum), values));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Avx2;
    use crate::Tier;
    use crate::trees::lanes::properties;

    /// # Safety
    /// As [`super::many_rows`].
    #[target_feature(enable = "avx2,bmi1,bmi2")]
    unsafe fn hold() {
        properties::hold(Avx2);
    }

    #[test]
    fn lanes_do_what_they_say() {
        if Tier::best() >= Tier::Avx2 {
            // SAFETY: the tier is not above what the processor has.
            unsafe { hold() };
        }
    }
}
