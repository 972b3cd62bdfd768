//! The NEON form, held to the scalar one.
//!
//! Where there is no NEON the form's own source runs on the stand-ins of `reference`. That proves what is written here: which bytes
//! are read, in which order sums of neighbours give a word, which row gets which bit, and that whole forests are answered to the bit
//! as they are by the form that defines the answer. It does not prove what is not ours: that `std::arch` means by its names what
//! Arm's reference says, that the compiler makes the right instructions of them, and how fast they are. On an AArch64 processor the
//! same tests, the examples among them, run on the instructions themselves.

use super::arm::uint8x16_t;
use super::{
    Neon, many_rows, vaddq_u8, vandq_u8, vbslq_u64, vcleq_u8, vcombine_u8, vdup_n_u8, vdupq_n_u8, vdupq_n_u64,
    vgetq_lane_u64, vld1q_u8, vld1q_u64, vpaddq_u8, vqtbl1q_u8, vreinterpretq_u8_u64, vreinterpretq_u64_u8, vst1q_u8,
    vst1q_u64, vsubq_u8, vtstq_u8,
};
use crate::trees::lanes::properties;
use crate::trees::random::{Number, PLAIN, Plan, Random};
use crate::trees::slices::Shape;
use crate::trees::{Feature, Forest, Sum};

#[test]
fn lanes_do_what_they_say() {
    properties::hold(Neon);
}

/// Trees that many rows were compared with, by their form.
#[derive(Debug, Default)]
struct Met {
    complete: usize,
    sparse: usize,
    walked: usize,
}

/// Holds a random forest's answers for random rows to those of its scalar form.
fn check<X: Feature + Number, T: Sum + Number + Into<f64>>(
    plan: Plan,
    count: usize,
    random: &mut Random,
    met: &mut Met,
) {
    let base: Vec<T> = (0..plan.outputs).map(|_| random.value()).collect();
    let forest = Forest::<X, T>::new(plan.features, base, &plan.forest(random)).unwrap();
    let rows = plan.rows(count, random);
    let mut expected = vec![T::default(); count * plan.outputs];
    forest.predict_scalar(&rows, &mut expected);
    let (layout, base) = forest.parts();
    let mut got = base.repeat(count);
    many_rows(layout, &rows, &mut got);
    // Which NaN comes of infinities in linear leaves is left open by the language.
    let bits = |value: &T| Some((*value).into()).filter(|value: &f64| !value.is_nan()).map(f64::to_bits);
    let bits = |values: &[T]| -> Vec<_> { values.iter().map(bits).collect() };
    assert_eq!(bits(&got), bits(&expected), "{count} rows, {plan:?}");
    for slice in &layout.slices.trees {
        match slice.as_ref().map(|slice| &slice.shape) {
            Some(Shape::Complete { .. }) => met.complete += 1,
            Some(Shape::Sparse { .. }) => met.sparse += 1,
            None => met.walked += 1,
        }
    }
}

#[test]
fn forests_give_the_bits_of_their_scalar_form() {
    let mut met = Met::default();
    for seed in 1..=600 {
        let mut random = Random(seed * 0x9e37_79b9_7f4a);
        let (plan, count) = (Plan::random(&mut random), 1 + random.below(200));
        match seed % 4 {
            0 => check::<f32, f32>(plan, count, &mut random, &mut met),
            1 => check::<f32, f64>(plan, count, &mut random, &mut met),
            2 => check::<f64, f64>(plan, count, &mut random, &mut met),
            _ => check::<f64, f32>(plan, count, &mut random, &mut met),
        }
    }
    let plans = [
        PLAIN,
        Plan { depth: 8, leaves: 400, trees: 9, ..PLAIN },
        Plan { depth: 40, leaves: 256, trees: 9, ..PLAIN },
        Plan { outputs: 3, vector: true, missing_percent: 10, ..PLAIN },
        Plan { sets_percent: 30, missing_percent: 10, trees: 40, ..PLAIN },
    ];
    for (seed, plan) in (1..).zip(plans) {
        // Parts of a block, whole ones, and more than are taken together.
        for count in [1, 15, 63, 64, 65, 1_500] {
            check::<f32, f32>(plan, count, &mut Random(seed), &mut met);
            check::<f64, f64>(plan, count, &mut Random(seed), &mut met);
        }
    }
    assert!(met.complete > 500 && met.sparse > 500 && met.walked > 100, "{met:?}");
}

/// The bytes from `first` on.
fn count_from(first: u8) -> [u8; 16] {
    std::array::from_fn(|lane| first + lane as u8)
}

fn load(bytes: [u8; 16]) -> uint8x16_t {
    // SAFETY: every AArch64 processor has NEON, and no other is asked for it; these are 16 bytes.
    unsafe { vld1q_u8(bytes.as_ptr()) }
}

#[track_caller]
fn assert_bytes(got: uint8x16_t, expected: [u8; 16]) {
    let mut bytes = [0; 16];
    // SAFETY: as above.
    unsafe { vst1q_u8(bytes.as_mut_ptr(), got) };
    assert_eq!(bytes, expected);
}

/// What Arm's reference says, where one could think otherwise.
#[test]
#[allow(unused_unsafe)] // `std::arch` has had some of them unsafe
fn instructions_give_what_the_reference_says() {
    // SAFETY: every AArch64 processor has NEON; what is read and written is two words.
    unsafe {
        // The first operand's sums are the lower ones, and a sum does not carry into its neighbour.
        let sums = [1, 5, 9, 13, 17, 21, 25, 29, 201, 205, 209, 213, 217, 221, 225, 229];
        assert_bytes(vpaddq_u8(load(count_from(0)), load(count_from(100))), sums);
        assert_bytes(
            vpaddq_u8(vdupq_n_u8(200), vdupq_n_u8(1)),
            [144, 144, 144, 144, 144, 144, 144, 144, 2, 2, 2, 2, 2, 2, 2, 2],
        );
        // An index over 15 gives 0, also one whose low bits name a byte.
        let indices = [15, 14, 0, 0, 1, 16, 17, 31, 32, 127, 128, 129, 255, 7, 8, 9];
        let named = [115, 114, 100, 100, 101, 0, 0, 0, 0, 0, 0, 0, 0, 107, 108, 109];
        assert_bytes(vqtbl1q_u8(load(count_from(100)), load(indices)), named);
        // Bytes have no sign, and equal ones are at most each other.
        let bytes = [0, 1, 126, 127, 128, 129, 254, 255, 0, 1, 126, 127, 128, 129, 254, 255];
        let below = [255, 255, 255, 255, 255, 0, 0, 0, 255, 255, 255, 255, 255, 0, 0, 0];
        assert_bytes(vcleq_u8(load(bytes), vdupq_n_u8(128)), below);
        // One bit in common is enough for all bits.
        let common = [0, 255, 0, 255, 0, 255, 0, 255, 0, 255, 0, 255, 0, 255, 0, 255];
        assert_bytes(vtstq_u8(load(count_from(0)), vdupq_n_u8(0x81)), common);
        assert_bytes(vtstq_u8(vdupq_n_u8(0xf0), vdupq_n_u8(0x0f)), [0; 16]);
        assert_bytes(vandq_u8(vdupq_n_u8(0b1100), vdupq_n_u8(0b1010)), [0b1000; 16]);
        assert_bytes(vaddq_u8(vdupq_n_u8(200), vdupq_n_u8(100)), [44; 16]);
        assert_bytes(vsubq_u8(vdupq_n_u8(1), vdupq_n_u8(255)), [2; 16]);
        let halves = [3, 3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4];
        assert_bytes(vcombine_u8(vdup_n_u8(3), vdup_n_u8(4)), halves);
        // A word's lowest byte is the first.
        let word = 0x0807_0605_0403_0201;
        assert_bytes(vreinterpretq_u8_u64(vdupq_n_u64(word)), [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
        let words = vreinterpretq_u64_u8(load(count_from(1)));
        assert_eq!([vgetq_lane_u64::<0>(words), vgetq_lane_u64::<1>(words)], [word, 0x100f_0e0d_0c0b_0a09]);
        // The choice is made bit by bit, not lane by lane.
        let chosen = vbslq_u64(vld1q_u64([0b1100, u64::MAX].as_ptr()), vdupq_n_u64(0b1010), vdupq_n_u64(0b0101));
        let mut words = [0; 2];
        vst1q_u64(words.as_mut_ptr(), chosen);
        assert_eq!(words, [0b1001, 0b1010]);
    }
}
