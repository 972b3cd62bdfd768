//! Blocks of rows with NEON, which every AArch64 processor has.
//!
//! Tests run this very source on other processors too, where `reference` stands in for the instructions; `tests` says what that
//! proves.

#[cfg(not(target_arch = "aarch64"))]
mod reference;
#[cfg(test)]
mod tests;

#[cfg(not(target_arch = "aarch64"))]
use self::reference as arm;
use super::blocks::{ROWS, run};
use super::lanes::Lanes;
use super::layout::Layout;
use super::slices::ABREAST;
use super::{Feature, Sum};
use arm::{
    vaddq_u8, vandq_u8, vbslq_u64, vcleq_u8, vcombine_u8, vdup_n_u8, vdupq_n_u8, vdupq_n_u64, vgetq_lane_u64, vld1q_u8,
    vld1q_u64, vpaddq_u8, vqtbl1q_u8, vreinterpretq_u8_u64, vreinterpretq_u64_u8, vst1q_u8, vst1q_u64, vsubq_u8,
    vtstq_u8,
};
#[cfg(target_arch = "aarch64")]
use std::arch::aarch64 as arm;

/// Adds every tree's leaves for many rows to `out`, in the order of the trees.
pub fn many_rows<X: Feature, T: Sum>(layout: &Layout<X, T>, rows: &[X], out: &mut [T]) {
    run(Neon, layout, rows, out);
}

#[derive(Clone, Copy)]
struct Neon;

/// In each byte the bit of its row.
const BITS: u64 = 0x8040_2010_0804_0201;

impl Lanes for Neon {
    #[inline(always)]
    fn at_most(self, ranks: &[u8; ROWS], most: u32) -> u64 {
        // SAFETY: every AArch64 processor has NEON; the array is four times 16 bytes.
        unsafe {
            #[allow(clippy::cast_possible_truncation)] // the byte is repeated
            let most = vdupq_n_u8(most as u8);
            let bits = vreinterpretq_u8_u64(vdupq_n_u64(BITS));
            let part = |first: usize| vandq_u8(vcleq_u8(vld1q_u8(ranks.as_ptr().add(first)), most), bits);
            // Eight bytes of one bit each become one byte, in three steps of sums of neighbours.
            let low = vpaddq_u8(part(0), part(16));
            let high = vpaddq_u8(part(32), part(48));
            let sums = vpaddq_u8(low, high);
            vgetq_lane_u64::<0>(vreinterpretq_u64_u8(vpaddq_u8(sums, sums)))
        }
    }

    #[inline(always)]
    fn choose(self, turn: &[u64; ABREAST], left: &[u64; ABREAST], right: &mut [u64; ABREAST]) {
        for first in (0..ABREAST).step_by(2) {
            // SAFETY: as above; each is four times two words.
            unsafe {
                let load = |words: *const u64| vld1q_u64(words.add(first));
                let chosen = vbslq_u64(load(turn.as_ptr()), load(left.as_ptr()), load(right.as_ptr()));
                vst1q_u64(right.as_mut_ptr().add(first), chosen);
            }
        }
    }

    #[inline(always)]
    fn numbers<const COUNT: usize>(self, planes: &[u64; COUNT]) -> [u8; ROWS] {
        let mut numbers = [0; ROWS];
        for (part, numbers) in (0u8..).zip(numbers.chunks_exact_mut(16)) {
            // SAFETY: as above; the numbers are four times 16 bytes.
            unsafe {
                let bits = vreinterpretq_u8_u64(vdupq_n_u64(BITS));
                // Two bytes of a word, each eight times.
                let bytes = vcombine_u8(vdup_n_u8(2 * part), vdup_n_u8(2 * part + 1));
                let mut sum = vdupq_n_u8(0);
                for plane in planes.iter().rev() {
                    let word = vqtbl1q_u8(vreinterpretq_u8_u64(vdupq_n_u64(*plane)), bytes);
                    // Twice what there is, and one more where the bit is set, which is minus one here.
                    sum = vsubq_u8(vaddq_u8(sum, sum), vtstq_u8(word, bits));
                }
                vst1q_u8(numbers.as_mut_ptr(), sum);
            }
        }
        numbers
    }
}
