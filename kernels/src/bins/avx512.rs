//! Sixteen values at a time with AVX-512: six steps down a tree of edges that is in four registers.

use super::{BINS_MAX, Edges, Tally, avx2};
use std::arch::x86_64::{
    __m512, __m512d, __m512i, _CMP_GE_OQ, _CMP_UNORD_Q, _mm_storeu_si128, _mm512_add_epi32, _mm512_add_pd,
    _mm512_castps512_ps256, _mm512_cmp_ps_mask, _mm512_cvtepi32_epi8, _mm512_cvtps_pd, _mm512_extractf32x8_ps,
    _mm512_fpclass_ps_mask, _mm512_i32gather_ps, _mm512_load_ps, _mm512_loadu_epi32, _mm512_mask_max_ps,
    _mm512_mask_min_ps, _mm512_maskz_compress_epi32, _mm512_maskz_compress_pd, _mm512_maskz_sub_pd, _mm512_movm_epi32,
    _mm512_mul_pd, _mm512_permutex2var_ps, _mm512_permutexvar_ps, _mm512_reduce_add_pd, _mm512_reduce_max_ps,
    _mm512_reduce_min_ps, _mm512_set1_epi32, _mm512_set1_pd, _mm512_set1_ps, _mm512_setzero_pd, _mm512_storeu_pd,
    _mm512_sub_epi32,
};
use std::mem::MaybeUninit;

/// With fewer rows, setting out costs more than it saves.
pub const ROWS_MIN: usize = 2 * LANES;
/// Values at a time.
const LANES: usize = 16;
/// Values whose bins are found before the first of them is counted, so that finding one waits for the counting of none.
const AHEAD: usize = 256;
/// NaN of both kinds and both infinities, as `vfpclassps` has them.
const NOT_FINITE: i32 = 0x99;

/// # Safety
/// The processor must have AVX2, BMI1, BMI2 and AVX-512 (F, BW, DQ, VL).
#[target_feature(enable = "avx2,bmi1,bmi2,avx512f,avx512bw,avx512dq,avx512vl")]
pub unsafe fn add(tally: &mut Tally, edges: &Edges, values: &[f32], (column, width): (usize, usize)) {
    let rows = values.len().saturating_sub(column).div_ceil(width);
    let (Ok(reach), true) = (i32::try_from(width.saturating_mul(LANES)), rows >= ROWS_MIN) else {
        // SAFETY: the processor has what is needed.
        return unsafe { avx2::add(tally, edges, values, (column, width)) };
    };
    let step = reach / LANES as i32;
    let offsets: [i32; LANES] = std::array::from_fn(|lane| lane as i32 * step);
    // SAFETY: the tree has four times 16 entries, aligned to 64 bytes; the offsets are 16 numbers.
    let (tree, offsets) = unsafe { (Tree::load(edges), _mm512_loadu_epi32(offsets.as_ptr())) };
    let mut moments = Moments::none();
    let mut found = Found::none();
    let mut first = column;
    for group in 0..rows / LANES {
        // SAFETY: `rows` values of the column are there, of which these are 16: the last is at `first + 15 * width`.
        let sixteen = unsafe { _mm512_i32gather_ps::<4>(offsets, values.as_ptr().add(first)) };
        first += width * LANES;
        let finite = !_mm512_fpclass_ps_mask::<NOT_FINITE>(sixteen);
        if finite != u16::MAX {
            let nulls = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(sixteen, sixteen);
            tally.nulls += u64::from(nulls.count_ones());
            tally.infinite += u64::from((!finite & !nulls).count_ones());
        }
        let differences = moments.add(sixteen, finite, edges.pivot);
        // SAFETY: there is room, as what is found is counted below before `AHEAD` are.
        unsafe { found.put(tree.places(sixteen), differences, finite) };
        if (group + 1) % (AHEAD / LANES) == 0 {
            found.count_into(tally);
        }
    }
    found.count_into(tally);
    moments.add_to(tally);
    // SAFETY: the processor has what is needed.
    unsafe { avx2::add(tally, edges, values, (first, width)) };
}

/// Extremes and squares, in as many parts as there are lanes.
struct Moments {
    squares: __m512d,
    least: __m512,
    greatest: __m512,
}

impl Moments {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn none() -> Self {
        let (least, greatest) = (_mm512_set1_ps(f32::INFINITY), _mm512_set1_ps(f32::NEG_INFINITY));
        Self { squares: _mm512_setzero_pd(), least, greatest }
    }

    /// Takes the finite of 16 values; their differences from the pivot, 0 for the others.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq")]
    fn add(&mut self, values: __m512, finite: u16, pivot: f64) -> [__m512d; 2] {
        self.least = _mm512_mask_min_ps(self.least, finite, self.least, values);
        self.greatest = _mm512_mask_max_ps(self.greatest, finite, self.greatest, values);
        let (pivot, [low_mask, high_mask]) = (_mm512_set1_pd(pivot), finite.to_le_bytes());
        let low = _mm512_cvtps_pd(_mm512_castps512_ps256(values));
        let low = _mm512_maskz_sub_pd(low_mask, low, pivot);
        let high = _mm512_cvtps_pd(_mm512_extractf32x8_ps::<1>(values));
        let high = _mm512_maskz_sub_pd(high_mask, high, pivot);
        let squares = _mm512_add_pd(_mm512_mul_pd(low, low), _mm512_mul_pd(high, high));
        self.squares = _mm512_add_pd(self.squares, squares);
        [low, high]
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn add_to(&self, tally: &mut Tally) {
        tally.squares += _mm512_reduce_add_pd(self.squares);
        tally.min = tally.min.min(f64::from(_mm512_reduce_min_ps(self.least)));
        tally.max = tally.max.max(f64::from(_mm512_reduce_max_ps(self.greatest)));
    }
}

/// Values whose bins are found, in their order.
#[repr(C, align(64))]
struct Found {
    /// First, so that eight of them are a line of the cache.
    differences: [MaybeUninit<f64>; AHEAD + LANES],
    places: [MaybeUninit<u8>; AHEAD + LANES],
    /// So many of both are set.
    count: usize,
}

impl Found {
    #[inline]
    fn none() -> Self {
        let (places, differences) = ([MaybeUninit::uninit(); AHEAD + LANES], [MaybeUninit::uninit(); AHEAD + LANES]);
        Self { places, differences, count: 0 }
    }

    /// Puts the finite ones of 16 values in.
    ///
    /// # Safety
    /// The processor must have AVX-512F, and at most `AHEAD` values may be in.
    #[inline]
    #[target_feature(enable = "avx512f")]
    unsafe fn put(&mut self, places: __m512i, [low, high]: [__m512d; 2], finite: u16) {
        let [low_mask, high_mask] = finite.to_le_bytes();
        let (places, low, high) = if finite == u16::MAX {
            (places, low, high)
        } else {
            let pressed = |mask: u8, eight: __m512d| _mm512_maskz_compress_pd(mask, eight);
            (_mm512_maskz_compress_epi32(finite, places), pressed(low_mask, low), pressed(high_mask, high))
        };
        let low_count = low_mask.count_ones() as usize;
        // SAFETY: from `AHEAD` on there is room for 16 more, and what is stored is not more than that.
        unsafe {
            _mm_storeu_si128(self.places.as_mut_ptr().add(self.count).cast(), _mm512_cvtepi32_epi8(places));
            _mm512_storeu_pd(self.differences.as_mut_ptr().add(self.count).cast(), low);
            _mm512_storeu_pd(self.differences.as_mut_ptr().add(self.count + low_count).cast(), high);
        }
        self.count += finite.count_ones() as usize;
    }

    /// Counts what is in, and lets it go.
    #[inline]
    fn count_into(&mut self, tally: &mut Tally) {
        for (place, difference) in self.places.iter().zip(&self.differences).take(self.count) {
            // SAFETY: the first `count` of both are set.
            let (place, difference) = unsafe { (place.assume_init(), difference.assume_init()) };
            let bin = &mut tally.bins[usize::from(place) % BINS_MAX];
            bin.count += 1;
            bin.sum += difference;
        }
        self.count = 0;
    }
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
    #[target_feature(enable = "avx512f,avx512dq")]
    fn places(self, values: __m512) -> __m512i {
        let down = |places: __m512i, edges: __m512| {
            // A lane of the mask is -1 as a number.
            let right = _mm512_movm_epi32(_mm512_cmp_ps_mask::<_CMP_GE_OQ>(values, edges));
            _mm512_sub_epi32(_mm512_add_epi32(places, places), right)
        };
        let mut places = _mm512_set1_epi32(1);
        for _ in 0..4 {
            places = down(places, _mm512_permutexvar_ps(places, self.upper));
        }
        places = down(places, _mm512_permutexvar_ps(places, self.fifth));
        down(places, _mm512_permutex2var_ps(self.sixth[0], places, self.sixth[1]))
    }
}
