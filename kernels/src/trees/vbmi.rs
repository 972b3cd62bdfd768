//! Single rows with AVX-512's byte permutations: all tests of a tree of six levels are done by three instructions, and the
//! way through it is read from the bits of one word.

use super::complete::Walk;
use super::layout::Layout;
use super::rows;
use super::slices::{ABREAST, BITS_MAX, BYTE_COLUMNS_MAX, Slices};
use super::{Feature, Sum};
use std::arch::x86_64::{
    __m512i, _mm512_cmplt_epu8_mask, _mm512_loadu_si512, _mm512_mask_blend_epi8, _mm512_movepi8_mask,
    _mm512_permutex2var_epi8, _mm512_permutexvar_epi8,
};

/// Whether the processor has the instructions, beside those of its tier.
pub fn is_here() -> bool {
    std::arch::is_x86_feature_detected!("avx512vbmi")
}

/// Adds every tree's leaf for one row to `out`, in the order of the trees.
///
/// # Safety
/// The processor must have AVX-512 F, BW, DQ, VL and VBMI, BMI1 and BMI2; the forest's columns must be in bytes.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,bmi1,bmi2")]
pub unsafe fn one_row<X: Feature, T: Sum>(layout: &Layout<X, T>, row: &[X], out: &mut [T]) {
    if layout.slices.columns.count <= 64 {
        rows::one_row(Vbmi::<true>, layout, row, out);
    } else {
        rows::one_row(Vbmi::<false>, layout, row, out);
    }
}

/// Only made where the instructions are known to be there. `FEW` says that there are at most 64 columns.
#[derive(Clone, Copy)]
struct Vbmi<const FEW: bool>;

/// Words that have a bit for every node of the trees that are walked through abreast.
const WORDS_MAX: usize = ABREAST << BITS_MAX >> 6;

impl<const FEW: bool> Walk for Vbmi<FEW> {
    #[inline(always)]
    unsafe fn walk<X, T, const BITS: usize>(
        self,
        slices: &Slices<X, T>,
        heap: usize,
        ranks: &[u8],
    ) -> [usize; ABREAST] {
        let nodes = ABREAST << BITS;
        let columns = &slices.byte_columns[heap..][..nodes.max(64)];
        let below = &slices.byte_below[heap..][..nodes.max(64)];
        let ranks = &ranks[..BYTE_COLUMNS_MAX];
        let mut left = [0u64; WORDS_MAX];
        // SAFETY: this is inlined into `one_row` alone; there are 256 ranks, and at least 64 nodes or room for them.
        unsafe {
            let load = |bytes: *const u8| _mm512_loadu_si512(bytes.cast::<__m512i>());
            let table = |part: usize| load(ranks.as_ptr().add(64 * part));
            for (word, first) in left.iter_mut().zip((0..nodes).step_by(64)) {
                let column = load(columns.as_ptr().add(first));
                let rank = if FEW {
                    _mm512_permutexvar_epi8(column, table(0))
                } else {
                    let low = _mm512_permutex2var_epi8(table(0), column, table(1));
                    let high = _mm512_permutex2var_epi8(table(2), column, table(3));
                    _mm512_mask_blend_epi8(_mm512_movepi8_mask(column), low, high)
                };
                *word = _mm512_cmplt_epu8_mask(rank, load(below.as_ptr().add(first)));
            }
        }
        let mut at = [1; ABREAST];
        for _ in 0..BITS {
            for (tree, at) in at.iter_mut().enumerate() {
                // A small tree is part of a word; a large one is several words.
                let (word, bit) = match BITS <= 6 {
                    true => ((tree << BITS) >> 6, ((tree << BITS) & 63) + *at),
                    false => ((tree << BITS >> 6) + (*at >> 6), *at),
                };
                *at = 2 * *at + (left[word % WORDS_MAX] >> (bit & 63) & 1) as usize;
            }
        }
        for at in &mut at {
            *at -= 1 << BITS;
        }
        at
    }
}
