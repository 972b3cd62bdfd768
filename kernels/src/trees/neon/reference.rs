//! The instructions of NEON that [`super`] uses, in plain Rust, for tests on processors that have none.
//!
//! They have the names, types and results of Arm's Neon intrinsics reference
//! (<https://developer.arm.com/architectures/instruction-sets/intrinsics/>, the operations of A64; the Arm C Language Extensions list
//! the same names): lane 0 is the lowest, and an operation on lanes does not carry from one to the next. Registers are as on a
//! little-endian processor, as all are that this is built for.

#![allow(non_camel_case_types)] // as Arm and `std::arch` spell them

use std::array::from_fn;

/// Sixteen bytes.
#[derive(Debug, Clone, Copy)]
pub struct uint8x16_t([u8; 16]);

/// Eight bytes.
#[derive(Debug, Clone, Copy)]
pub struct uint8x8_t([u8; 8]);

/// Two words of 64 bits.
#[derive(Debug, Clone, Copy)]
pub struct uint64x2_t([u64; 2]);

fn each(result: impl Fn(usize) -> u8) -> uint8x16_t {
    uint8x16_t(from_fn(result))
}

/// All bits where it holds, none where not.
fn mask(holds: bool) -> u8 {
    if holds { u8::MAX } else { 0 }
}

/// LDR of sixteen bytes.
///
/// # Safety
/// There are sixteen bytes to read.
pub unsafe fn vld1q_u8(ptr: *const u8) -> uint8x16_t {
    // SAFETY: the caller knows it; bytes lie anywhere.
    uint8x16_t(unsafe { ptr.cast::<[u8; 16]>().read() })
}

/// LDR of two words.
///
/// # Safety
/// There are two words to read.
pub unsafe fn vld1q_u64(ptr: *const u64) -> uint64x2_t {
    // SAFETY: the caller knows it; the instruction asks for no alignment.
    uint64x2_t(unsafe { ptr.cast::<[u64; 2]>().read_unaligned() })
}

/// STR of sixteen bytes.
///
/// # Safety
/// There are sixteen bytes to write to.
pub unsafe fn vst1q_u8(ptr: *mut u8, a: uint8x16_t) {
    // SAFETY: the caller knows it; bytes lie anywhere.
    unsafe { ptr.cast::<[u8; 16]>().write(a.0) };
}

/// STR of two words.
///
/// # Safety
/// There are two words to write to.
pub unsafe fn vst1q_u64(ptr: *mut u64, a: uint64x2_t) {
    // SAFETY: the caller knows it; the instruction asks for no alignment.
    unsafe { ptr.cast::<[u64; 2]>().write_unaligned(a.0) };
}

/// DUP: the byte in every lane.
pub fn vdup_n_u8(value: u8) -> uint8x8_t {
    uint8x8_t([value; 8])
}

/// DUP: the byte in every lane.
pub fn vdupq_n_u8(value: u8) -> uint8x16_t {
    uint8x16_t([value; 16])
}

/// DUP: the word in both lanes.
pub fn vdupq_n_u64(value: u64) -> uint64x2_t {
    uint64x2_t([value; 2])
}

/// Two halves, the lower one first.
pub fn vcombine_u8(low: uint8x8_t, high: uint8x8_t) -> uint8x16_t {
    each(|lane| if lane < 8 { low.0[lane] } else { high.0[lane - 8] })
}

/// The same 128 bits as bytes: a word's lowest byte first.
pub fn vreinterpretq_u8_u64(a: uint64x2_t) -> uint8x16_t {
    each(|lane| a.0[lane / 8].to_le_bytes()[lane % 8])
}

/// The same 128 bits as words.
pub fn vreinterpretq_u64_u8(a: uint8x16_t) -> uint64x2_t {
    uint64x2_t(from_fn(|word| u64::from_le_bytes(from_fn(|byte| a.0[8 * word + byte]))))
}

/// UMOV: one of the words.
pub fn vgetq_lane_u64<const LANE: i32>(v: uint64x2_t) -> u64 {
    const { assert!(0 <= LANE && LANE < 2) };
    v.0[LANE as usize]
}

/// ADD, modulo 256.
pub fn vaddq_u8(a: uint8x16_t, b: uint8x16_t) -> uint8x16_t {
    each(|lane| a.0[lane].wrapping_add(b.0[lane]))
}

/// SUB, modulo 256.
pub fn vsubq_u8(a: uint8x16_t, b: uint8x16_t) -> uint8x16_t {
    each(|lane| a.0[lane].wrapping_sub(b.0[lane]))
}

/// ADDP: sums of neighbours, modulo 256, those of the first operand in the lower half.
pub fn vpaddq_u8(a: uint8x16_t, b: uint8x16_t) -> uint8x16_t {
    let both = |lane: usize| if lane < 16 { a.0[lane] } else { b.0[lane - 16] };
    each(|lane| both(2 * lane).wrapping_add(both(2 * lane + 1)))
}

/// AND.
pub fn vandq_u8(a: uint8x16_t, b: uint8x16_t) -> uint8x16_t {
    each(|lane| a.0[lane] & b.0[lane])
}

/// CMHS with its operands exchanged: where `a` is at most `b`, without signs.
pub fn vcleq_u8(a: uint8x16_t, b: uint8x16_t) -> uint8x16_t {
    each(|lane| mask(a.0[lane] <= b.0[lane]))
}

/// CMTST: where `a` and `b` have a bit in common.
pub fn vtstq_u8(a: uint8x16_t, b: uint8x16_t) -> uint8x16_t {
    each(|lane| mask(a.0[lane] & b.0[lane] != 0))
}

/// BSL: bit by bit, that of `b` where `a` has one, that of `c` where it has none.
pub fn vbslq_u64(a: uint64x2_t, b: uint64x2_t, c: uint64x2_t) -> uint64x2_t {
    uint64x2_t(from_fn(|lane| a.0[lane] & b.0[lane] | !a.0[lane] & c.0[lane]))
}

/// TBL with a table of one register: the byte of `t` that the index names; an index that is out of range gives 0.
pub fn vqtbl1q_u8(t: uint8x16_t, idx: uint8x16_t) -> uint8x16_t {
    each(|lane| t.0.get(usize::from(idx.0[lane])).copied().unwrap_or(0))
}
