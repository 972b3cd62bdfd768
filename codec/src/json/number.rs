//! The text of a number: its digits and its exponent, by JSON's grammar.

use super::swar::eight_digits;

/// The most decimal digits that always fit a `u64`.
const DIGITS_MAX: usize = 19;

/// Larger exponents are as good as this one: every number with it is zero or infinite, however many digits it has in a
/// body of any size that is accepted.
const EXPONENT_MAX: i64 = 1 << 40;

/// A number as it is written: `mantissa`·10^`exponent`, and its sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    /// Whether it begins with a minus.
    pub is_negative: bool,
    /// Its digits, without the point; meaningless when there are too many.
    pub mantissa: u64,
    /// The power of ten.
    pub exponent: i64,
    /// Whether all digits are in the mantissa.
    pub is_exact: bool,
    /// Whether it has neither fraction nor exponent.
    pub is_plain: bool,
    /// The length of its text in bytes.
    pub length: usize,
}

/// Reads the number that `bytes` begins with; `None` when it is none. What follows it is the caller's to judge.
#[inline(always)]
pub fn scan(bytes: &[u8]) -> Option<Decimal> {
    let is_negative = bytes.first() == Some(&b'-');
    let digits = &bytes[usize::from(is_negative)..];
    let (mut mantissa, whole) = short_run(0, digits);
    if whole == 0 || (whole > 1 && digits[0] == b'0') {
        return None;
    }
    let mut rest = &digits[whole..];
    let mut digit_count = whole;
    let mut exponent = 0i64;
    let mut is_plain = true;
    if let [b'.', fraction @ ..] = rest {
        let (all, count) = digit_run(mantissa, fraction);
        if count == 0 {
            return None;
        }
        (mantissa, digit_count, exponent) = (all, digit_count + count, -(count as i64));
        (rest, is_plain) = (&fraction[count..], false);
    }
    if let [b'e' | b'E', power @ ..] = rest {
        let (power, behind) = signed(power)?;
        (exponent, rest, is_plain) = (exponent + power, behind, false);
    }
    let is_exact = digit_count <= DIGITS_MAX || significant(digits, digit_count) <= DIGITS_MAX;
    Some(Decimal { is_negative, mantissa, exponent, is_exact, is_plain, length: bytes.len() - rest.len() })
}

/// Continues `mantissa` with the digits that `bytes` begins with, and counts them. It wraps around when they are too
/// many.
///
/// Every step is a branch on a constant number of digits: the processor guesses it and goes on to what is behind, where
/// a length that is computed would have to be waited for.
#[inline(always)]
fn digit_run(mut mantissa: u64, bytes: &[u8]) -> (u64, usize) {
    let mut rest = bytes;
    while let Some((chunk, behind)) = rest.split_first_chunk::<8>()
        && let Some(value) = eight_digits(u64::from_le_bytes(*chunk))
    {
        mantissa = mantissa.wrapping_mul(100_000_000).wrapping_add(value);
        rest = behind;
    }
    let (mantissa, short) = short_run(mantissa, rest);
    (mantissa, bytes.len() - rest.len() + short)
}

/// As [`digit_run`], for what mostly is a few digits.
#[inline(always)]
fn short_run(mut mantissa: u64, bytes: &[u8]) -> (u64, usize) {
    let mut rest = bytes;
    while let [digit @ b'0'..=b'9', behind @ ..] = rest {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        rest = behind;
    }
    (mantissa, bytes.len() - rest.len())
}

/// An exponent with its sign, and what is behind it.
fn signed(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (is_negative, digits) = match bytes {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = digits.split_at(length);
    if digits.is_empty() {
        return None;
    }
    let value = digits.iter().fold(0, |value, digit| (value * 10 + i64::from(digit - b'0')).min(EXPONENT_MAX));
    Some((if is_negative { -value } else { value }, rest))
}

/// How many of `digit_count` digits, among which may be a point, come behind the zeros in front. Behind the digits, another
/// point and more zeros may follow, which are not the number's.
#[cold]
fn significant(digits: &[u8], digit_count: usize) -> usize {
    let zeros = digits[..digits.len().min(digit_count + 1)].iter().take_while(|&&byte| byte == b'0' || byte == b'.');
    digit_count - zeros.filter(|&&byte| byte == b'0').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_taken_apart() {
        let cases = [
            ("0", (false, 0, 0), true, 1),
            ("-0,", (true, 0, 0), true, 2),
            ("12345678]", (false, 12_345_678, 0), true, 8),
            ("123456789 ", (false, 123_456_789, 0), true, 9),
            ("9999999999999999999", (false, 9_999_999_999_999_999_999, 0), true, 19),
            ("-0.05", (true, 5, -2), false, 5),
            ("3.14159265358979}", (false, 314_159_265_358_979, -14), false, 16),
            ("0.00000000012345678901234567", (false, 12_345_678_901_234_567, -26), false, 28),
            ("1e3", (false, 1, 3), false, 3),
            ("1.5E-10", (false, 15, -11), false, 7),
            ("2.50e+007x", (false, 250, 5), false, 9),
            ("1e99999999999999999999", (false, 1, EXPONENT_MAX), false, 22),
            ("0.0000000000000000000.0000", (false, 0, -19), false, 21),
        ];
        for (text, (is_negative, mantissa, exponent), is_plain, length) in cases {
            let expected = Decimal { is_negative, mantissa, exponent, is_exact: true, is_plain, length };
            assert_eq!(scan(text.as_bytes()), Some(expected), "{text}");
        }
        for text in
            ["10000000000000000000", "1.2345678901234567890", "0.012345678901234567890", "100000000000000000000"]
        {
            let decimal = scan(text.as_bytes()).unwrap();
            assert_eq!((decimal.is_exact, decimal.length), (false, text.len()), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "-", "+1", ".5", "-.5", "1.", "1.e5", "00", "01", "-01.5", "1e", "1e+", "1.5E-", "NaN", "x"] {
            assert_eq!(scan(text.as_bytes()), None, "{text}");
        }
    }
}
