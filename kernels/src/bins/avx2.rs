//! One value at a time with AVX2: two comparisons with eight edges each find its bin.

use super::{Edges, Tally};
use std::arch::x86_64::{_CMP_GE_OQ, _mm256_cmp_ps, _mm256_load_ps, _mm256_movemask_ps, _mm256_set1_ps};

/// # Safety
/// The processor must have AVX2, BMI1 and BMI2.
#[target_feature(enable = "avx2,bmi1,bmi2")]
pub unsafe fn add(tally: &mut Tally, edges: &Edges, values: &[f32], place: (usize, usize)) {
    tally.add_each(edges, values, place, |edges, value| {
        // SAFETY: this is inlined into `add` alone. Both arrays are aligned to 32 bytes, as is every eighth entry of the
        // first, and `eighth` is at most 7.
        unsafe {
            let value = _mm256_set1_ps(value);
            // Edges ascend: those that are not above the value are the first ones.
            let not_above = |eight: *const f32| {
                let mask = _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GE_OQ>(value, _mm256_load_ps(eight)));
                mask.trailing_ones() as usize
            };
            let eighth = not_above(edges.every_eighth.as_ptr()) & 7;
            8 * eighth + not_above(edges.sorted.as_ptr().add(8 * eighth))
        }
    });
}
