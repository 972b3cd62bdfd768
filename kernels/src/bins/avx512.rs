//! Sixteen values at a time with AVX-512: six steps down a tree of edges that is in four registers.

use super::{BINS_MAX, Edges, Tally, avx2};
use std::arch::x86_64::{
    __m512, __m512i, _CMP_GE_OQ, _mm512_add_epi32, _mm512_add_pd, _mm512_castps512_ps256, _mm512_cmp_ps_mask,
    _mm512_cvtps_pd, _mm512_extractf32x8_ps, _mm512_fpclass_ps_mask, _mm512_i32gather_ps, _mm512_load_ps,
    _mm512_loadu_epi32, _mm512_mask_add_epi32, _mm512_max_ps, _mm512_min_ps, _mm512_mul_pd, _mm512_permutex2var_ps,
    _mm512_permutexvar_ps, _mm512_reduce_add_pd, _mm512_reduce_max_ps, _mm512_reduce_min_ps, _mm512_set1_epi32,
    _mm512_set1_pd, _mm512_set1_ps, _mm512_setzero_pd, _mm512_store_epi32, _mm512_store_pd, _mm512_sub_pd,
};

/// Values at a time.
pub const LANES: usize = 16;
/// NaN of both kinds and both infinities, as `vfpclassps` has them.
const NOT_FINITE: i32 = 0x99;

#[repr(align(64))]
struct Aligned<T>(T);

/// # Safety
/// The processor must have AVX2, BMI1, BMI2 and AVX-512 (F, BW, DQ, VL).
#[target_feature(enable = "avx2,bmi1,bmi2,avx512f,avx512bw,avx512dq,avx512vl")]
pub unsafe fn add(tally: &mut Tally, edges: &Edges, values: &[f32], (column, width): (usize, usize)) {
    let rows = values.len().saturating_sub(column).div_ceil(width);
    let reach = i32::try_from(width.saturating_mul(LANES)).ok();
    let (Some(reach), true) = (reach, rows >= LANES) else {
        // SAFETY: the processor has what is needed.
        return unsafe { avx2::add(tally, edges, values, (column, width)) };
    };
    let step = reach / LANES as i32;
    let offsets: [i32; LANES] = std::array::from_fn(|lane| lane as i32 * step);
    let (mut squares, mut least, mut greatest) =
        (_mm512_setzero_pd(), _mm512_set1_ps(f32::INFINITY), _mm512_set1_ps(f32::NEG_INFINITY));
    let pivot = _mm512_set1_pd(edges.pivot);
    // SAFETY: the tree has four times 16 entries, aligned to 64 bytes; the offsets are 16 numbers.
    let (tree, offsets) = unsafe { (Tree::load(edges), _mm512_loadu_epi32(offsets.as_ptr())) };
    let mut first = column;
    for _ in 0..rows / LANES {
        let begin = first;
        first += width * LANES;
        // SAFETY: `rows` values of the column are there, of which these are 16: the last is at `begin + 15 * width`.
        let sixteen = unsafe { _mm512_i32gather_ps::<4>(offsets, values.as_ptr().add(begin)) };
        if _mm512_fpclass_ps_mask::<NOT_FINITE>(sixteen) != 0 {
            let end = values.len().min(begin + (LANES - 1) * width + 1);
            // SAFETY: the processor has what is needed.
            unsafe { avx2::add(tally, edges, &values[..end], (begin, width)) };
            continue;
        }
        least = _mm512_min_ps(least, sixteen);
        greatest = _mm512_max_ps(greatest, sixteen);
        let low = _mm512_sub_pd(_mm512_cvtps_pd(_mm512_castps512_ps256(sixteen)), pivot);
        let high = _mm512_sub_pd(_mm512_cvtps_pd(_mm512_extractf32x8_ps::<1>(sixteen)), pivot);
        squares = _mm512_add_pd(squares, _mm512_add_pd(_mm512_mul_pd(low, low), _mm512_mul_pd(high, high)));
        let (mut places, mut differences) = (Aligned([0i32; LANES]), Aligned([0f64; LANES]));
        // SAFETY: both have room for 16, aligned to 64 bytes.
        unsafe {
            _mm512_store_epi32(places.0.as_mut_ptr(), tree.places(sixteen));
            _mm512_store_pd(differences.0.as_mut_ptr(), low);
            _mm512_store_pd(differences.0.as_mut_ptr().add(LANES / 2), high);
        }
        for (place, difference) in places.0.iter().zip(differences.0) {
            let bin = &mut tally.bins[*place as usize % BINS_MAX];
            bin.count += 1;
            bin.sum += difference;
        }
    }
    tally.squares += _mm512_reduce_add_pd(squares);
    tally.min = tally.min.min(f64::from(_mm512_reduce_min_ps(least)));
    tally.max = tally.max.max(f64::from(_mm512_reduce_max_ps(greatest)));
    // SAFETY: the processor has what is needed.
    unsafe { avx2::add(tally, edges, values, (first, width)) };
}

/// The tree's levels: four, one, and one in two registers.
#[derive(Clone, Copy)]
struct Tree {
    upper: __m512,
    fifth: __m512,
    sixth: [__m512; 2],
}

impl Tree {
    /// # Safety
    /// The processor must have AVX-512F.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn load(edges: &Edges) -> Self {
        let part = |index: usize| {
            // SAFETY: the tree has four times 16 entries, aligned to 64 bytes.
            unsafe { _mm512_load_ps(edges.tree.as_ptr().add(16 * index)) }
        };
        Self { upper: part(0), fifth: part(1), sixth: [part(2), part(3)] }
    }

    /// 64 and the bin of each value. A permutation takes the low bits of a place, which are where it is in its level.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn places(self, values: __m512) -> __m512i {
        let one = _mm512_set1_epi32(1);
        let down = |places: __m512i, edges: __m512| {
            let right = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(values, edges);
            let left = _mm512_add_epi32(places, places);
            _mm512_mask_add_epi32(left, right, left, one)
        };
        let mut places = one;
        for _ in 0..4 {
            places = down(places, _mm512_permutexvar_ps(places, self.upper));
        }
        places = down(places, _mm512_permutexvar_ps(places, self.fifth));
        down(places, _mm512_permutex2var_ps(self.sixth[0], places, self.sixth[1]))
    }
}
