//! Eight bytes at a time in one register: the first byte is the lowest.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// The first eight bytes; behind the end there are zeros.
#[inline(always)]
pub fn first_eight(bytes: &[u8]) -> u64 {
    match bytes.first_chunk::<8>() {
        Some(chunk) => u64::from_le_bytes(*chunk),
        None => padded(bytes),
    }
}

#[cold]
fn padded(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |chunk, &byte| chunk << 8 | u64::from(byte))
}

/// The number that the leading decimal digits of a chunk stand for, and how many they are.
#[inline(always)]
pub fn leading_digits(chunk: u64) -> (u64, usize) {
    let values = chunk ^ (ONES * b'0' as u64);
    // The high bit of each byte above 9. A carry comes from such a byte only, and only the first one is asked for.
    let others = (values.wrapping_add(ONES * 0x76) | values) & HIGH_BITS;
    let count = (others.trailing_zeros() / 8) as usize;
    // As eight digits, with zeros in front.
    let digits = values.unbounded_shl(64 - 8 * count as u32);
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    const EVERY_OTHER_PAIR: u64 = 0x0000_00ff_0000_00ff;
    let upper = (pairs & EVERY_OTHER_PAIR).wrapping_mul(100 + (1_000_000 << 32));
    let lower = ((pairs >> 16) & EVERY_OTHER_PAIR).wrapping_mul(1 + (10_000 << 32));
    (upper.wrapping_add(lower) >> 32, count)
}

/// How many bytes a chunk begins with that stand for themselves in a JSON string.
#[inline(always)]
pub fn plain_text(chunk: u64) -> usize {
    let equals = |byte: u8| {
        let difference = chunk ^ (ONES * u64::from(byte));
        difference.wrapping_sub(ONES) & !difference
    };
    let control = chunk.wrapping_sub(ONES * b' ' as u64) & !chunk;
    // A borrow comes from a special byte only, and only the first one is asked for.
    let special = (control | equals(b'"') | equals(b'\\')) & HIGH_BITS;
    (special.trailing_zeros() / 8) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_digits_end_at_each_other_byte() {
        for count in 0..=8usize {
            for other in (0..=255u8).filter(|byte| !byte.is_ascii_digit()) {
                let mut text = *b"98765432";
                text[count..].fill(other);
                let expected = std::str::from_utf8(&text[..count]).unwrap().parse().unwrap_or(0);
                assert_eq!(leading_digits(first_eight(&text)), (expected, count), "{other}");
                assert_eq!(leading_digits(first_eight(&text[..count])), (expected, count));
            }
        }
    }
}
