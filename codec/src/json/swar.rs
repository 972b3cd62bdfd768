//! Eight bytes at a time in one register: the first byte is the lowest.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;

/// The number that eight decimal digits stand for; `None` when one of them is none.
#[inline(always)]
pub fn eight_digits(chunk: u64) -> Option<u64> {
    let values = chunk ^ (ONES * b'0' as u64);
    // The high bit of each byte above 9, and perhaps of the one behind it.
    if (values.wrapping_add(ONES * 0x76) | values) & HIGH_BITS != 0 {
        return None;
    }
    let pairs = values.wrapping_mul(10).wrapping_add(values >> 8);
    const EVERY_OTHER_PAIR: u64 = 0x0000_00ff_0000_00ff;
    let upper = (pairs & EVERY_OTHER_PAIR).wrapping_mul(100 + (1_000_000 << 32));
    let lower = ((pairs >> 16) & EVERY_OTHER_PAIR).wrapping_mul(1 + (10_000 << 32));
    Some(upper.wrapping_add(lower) >> 32)
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
    fn eight_digits_are_a_number_and_other_bytes_are_none() {
        for text in [b"00000000", b"98765432", b"99999999", b"00000001"] {
            let expected = std::str::from_utf8(text).unwrap().parse().ok();
            assert_eq!(eight_digits(u64::from_le_bytes(*text)), expected);
        }
        for at in 0..8 {
            for other in (0..=255u8).filter(|byte| !byte.is_ascii_digit()) {
                let mut text = *b"98765432";
                text[at] = other;
                assert_eq!(eight_digits(u64::from_le_bytes(text)), None, "{other} at {at}");
            }
        }
    }
}
