//! Decimal numbers to the nearest binary ones, ties to even.
//!
//! Most numbers take one multiplication or division. The rest take the method of Lemire's "Number Parsing at a Gigabyte
//! per Second" (2021) with the few powers that data has, and what is left is given to `fast_float2`.

use super::number::Decimal;

/// Powers of ten that an `f64` holds exactly.
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Integers up to here are exact in an `f64`.
const EXACT_MAX: u64 = 1 << f64::MANTISSA_DIGITS;

/// The `f64` nearest to a number, infinite when it is too large; `text` is how it is written.
#[inline(always)]
pub fn double(decimal: &Decimal, text: &[u8]) -> Option<f64> {
    if decimal.is_exact && decimal.mantissa <= EXACT_MAX {
        // Both operands are exact, so that the one operation rounds correctly.
        if let Some(value) = scaled(decimal) {
            return Some(with_sign(decimal, value));
        }
    }
    double_of_many_digits(decimal, text)
}

#[inline(never)]
fn double_of_many_digits(decimal: &Decimal, text: &[u8]) -> Option<f64> {
    match decimal.is_exact.then(|| nearest_double(decimal.mantissa, decimal.exponent)).flatten() {
        Some(value) => Some(with_sign(decimal, value)),
        None => fast_float2::parse(text).ok(),
    }
}

/// The `f32` nearest to a number, infinite when it is too large; `text` is how it is written.
#[inline(always)]
pub fn single(decimal: &Decimal, text: &[u8]) -> Option<f32> {
    /// The bits of an `f64` that an `f32` does not have, and the pattern of them that is halfway between two `f32`.
    const EXTRA_BITS: u64 = (1 << 29) - 1;
    const HALFWAY: u64 = 1 << 28;
    /// More units in the last place than the two roundings of `scaled` can be off together, which is two.
    const ERROR_MAX: u64 = 4;
    if decimal.is_exact
        && let Some(value) = scaled(decimal)
    {
        let from_halfway = (value.to_bits() & EXTRA_BITS).wrapping_sub(HALFWAY - ERROR_MAX);
        // Below the normal numbers of an `f32` halfway looks different, but no power here leads there.
        if from_halfway > 2 * ERROR_MAX {
            return Some(with_sign(decimal, value) as f32);
        }
    }
    single_near_halfway(text)
}

#[inline(never)]
fn single_near_halfway(text: &[u8]) -> Option<f32> {
    fast_float2::parse(text).ok()
}

/// The number in at most two roundings, without its sign; `None` for powers of ten that are not exact.
#[inline(always)]
fn scaled(decimal: &Decimal) -> Option<f64> {
    let mantissa = decimal.mantissa as f64;
    let power = *EXACT_POWERS.get(usize::try_from(decimal.exponent.unsigned_abs()).ok()?)?;
    Some(if decimal.exponent < 0 { mantissa / power } else { mantissa * power })
}

#[inline(always)]
fn with_sign(decimal: &Decimal, value: f64) -> f64 {
    if decimal.is_negative { -value } else { value }
}

/// The largest power of five that fits a `u64`.
const POWER_MAX: usize = 27;

/// Upper and lower half of the 128 leading bits of 5^q, for q from -27 to 27; those of negative q are rounded up.
const POWERS_OF_FIVE: [(u64, u64); 2 * POWER_MAX + 1] = powers_of_five();

const fn powers_of_five() -> [(u64, u64); 2 * POWER_MAX + 1] {
    let mut powers = [(0, 0); 2 * POWER_MAX + 1];
    let mut power = 1u64;
    let mut q = 0;
    while q <= POWER_MAX {
        powers[POWER_MAX + q] = (power << power.leading_zeros(), 0);
        let bits = reciprocal(power);
        powers[POWER_MAX - q] = if q == 0 { (1 << 63, 0) } else { ((bits >> 64) as u64, bits as u64) };
        if q < POWER_MAX {
            power *= 5;
        }
        q += 1;
    }
    powers
}

/// The 128 leading bits of 1/`divisor`, rounded up; by long division.
const fn reciprocal(divisor: u64) -> u128 {
    let divisor = divisor as u128;
    let (mut quotient, mut remainder) = (0u128, 1u128);
    while quotient >> 127 == 0 {
        remainder <<= 1;
        quotient <<= 1;
        if remainder >= divisor {
            remainder -= divisor;
            quotient |= 1;
        }
    }
    quotient.wrapping_add(1)
}

/// The `f64` nearest to `mantissa`·10^`exponent`; `None` where the table does not reach.
fn nearest_double(mantissa: u64, exponent: i64) -> Option<f64> {
    const FRACTION_BITS: u32 = f64::MANTISSA_DIGITS - 1;
    const EXPONENT_BIAS: i64 = 1023;
    /// Bits of the product that decide: the fraction, the leading one, and one for rounding; one may be lost in front.
    const PRECISION: u32 = FRACTION_BITS + 3;
    if mantissa == 0 {
        return Some(0.0);
    }
    let position = usize::try_from(exponent + POWER_MAX as i64).ok()?;
    let &(upper, lower) = POWERS_OF_FIVE.get(position)?;
    let zeros = mantissa.leading_zeros();
    let mantissa = mantissa << zeros;
    let mut product = u128::from(mantissa) * u128::from(upper);
    // The lower half of the power matters only when the bits behind those that decide are all ones.
    if (product >> 64) as u64 & (u64::MAX >> PRECISION) == u64::MAX >> PRECISION {
        product += (u128::from(mantissa) * u128::from(lower)) >> 64;
    }
    let (high, low) = ((product >> 64) as u64, product as u64);
    let leading = (high >> 63) as u32;
    let shift = leading + u64::BITS - PRECISION;
    let mut fraction = high >> shift;
    // floor(log2(10^exponent)), exact for these exponents.
    let log2 = (exponent * (152_170 + (1 << 16))) >> 16;
    let mut binary = log2 + 63 + i64::from(leading) - i64::from(zeros) + EXPONENT_BIAS;
    // Exactly halfway between two: to the even one.
    let is_halfway = low <= 1 && (-4..=23).contains(&exponent) && fraction & 3 == 1 && fraction << shift == high;
    if is_halfway {
        fraction &= !1;
    }
    fraction += fraction & 1;
    fraction >>= 1;
    if fraction >> (FRACTION_BITS + 1) != 0 {
        fraction >>= 1;
        binary += 1;
    }
    let binary = u64::try_from(binary).ok()?;
    Some(f64::from_bits(binary << FRACTION_BITS | (fraction & ((1 << FRACTION_BITS) - 1))))
}

#[cfg(test)]
mod tests {
    use super::super::number::scan;
    use super::*;

    /// Every number is compared with what the standard library reads, bit for bit.
    fn check(text: &str) {
        let decimal = scan(text.as_bytes()).unwrap_or_else(|| panic!("{text} is a number"));
        assert_eq!(decimal.length, text.len(), "{text}");
        let double = double(&decimal, text.as_bytes()).map(f64::to_bits);
        assert_eq!(double, text.parse().ok().map(f64::to_bits), "{text} as f64");
        let single = single(&decimal, text.as_bytes()).map(f32::to_bits);
        assert_eq!(single, text.parse().ok().map(f32::to_bits), "{text} as f32");
    }

    /// Xorshift: the same numbers in every run.
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0
        }

        fn below(&mut self, limit: u64) -> u64 {
            ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
        }
    }

    const ROUNDS: usize = 12_000;

    #[test]
    fn decimals_of_every_length_round_as_in_the_standard_library() {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        for _ in 0..ROUNDS {
            let digits = 1 + random.below(21) as usize;
            let mut text = String::new();
            for n in 0..digits {
                let lowest = u64::from(n == 0);
                text.push((b'0' + (lowest + random.below(10 - lowest)) as u8) as char);
            }
            let point = random.below(digits as u64) as usize;
            let fraction =
                if point > 0 { format!("{}.{}", &text[..point], &text[point..]) } else { format!("0.{text}") };
            let range = [5, 40, 330][random.below(3) as usize];
            let power = random.below(2 * range + 1) as i64 - range as i64;
            check(&text);
            check(&fraction);
            check(&format!("-{fraction}e{power}"));
            check(&format!("{text}E{power:+}"));
        }
    }

    #[test]
    fn the_shortest_text_of_any_number_reads_back_as_the_number() {
        let mut random = Random(42);
        for _ in 0..ROUNDS {
            let bits = random.next();
            for text in [f64::from_bits(bits).to_string(), format!("{:e}", f64::from_bits(bits))] {
                if !text.contains(['N', 'i']) && text.len() < 40 {
                    check(&text);
                }
            }
            check(&(random.next() as f64 / u64::MAX as f64).to_string());
            check(&format!("{:.8}", random.next() as f32 / u64::MAX as f32));
            let single = f32::from_bits(bits as u32);
            if single.is_finite() {
                check(&format!("{single:e}"));
            }
        }
    }

    #[test]
    fn halfway_goes_to_the_even_neighbour_and_a_hair_off_it_does_not() {
        let mut random = Random(7);
        for _ in 0..ROUNDS / 4 {
            // Between two f32: 25 bits with the last one set. Between two f64: 54 bits.
            let single = (1 << 24 | random.below(1 << 24)) | 1;
            let double = (1 << 53 | random.below(1 << 53)) | 1;
            for halfway in [single, double] {
                check(&halfway.to_string());
                check(&format!("{}", u128::from(halfway) << random.below(8)));
                check(&format!("{halfway}.0"));
                check(&format!("{halfway}.00000000000000000001"));
                check(&format!("{}.99999999999999999999", halfway - 1));
                for divisor in 1..8u32 {
                    // Halved, which is halfway still, with up to seven more decimals.
                    let scaled = u128::from(halfway) * 5u128.pow(divisor);
                    let digits = format!("{scaled:0>width$}", width = divisor as usize + 1);
                    let (whole, fraction) = digits.split_at(digits.len() - divisor as usize);
                    check(&format!("{whole}.{fraction}"));
                }
            }
        }
    }

    #[test]
    fn the_edges_of_both_types_are_read() {
        for text in [
            "0",
            "-0",
            "0.0",
            "-0.000e10",
            "0e999",
            "1e-400",
            "1e400",
            "-1e400",
            "1e-45",
            "7e-46",
            "7.006492321624085e-46",
            "1.1754943508222875e-38",
            "1.17549429e-38",
            "1.1754942807573643e-38",
            "5.877471754111437e-39",
            "3.4028234663852886e38",
            "3.4028235677973366e38",
            "3.4028235677973365e38",
            "340282356779733642752487820940000000000",
            "2.2250738585072011e-308",
            "2.2250738585072014e-308",
            "4.9e-324",
            "2.4703282292062327e-324",
            "1.7976931348623157e308",
            "1.7976931348623159e308",
            "9007199254740991",
            "9007199254740992",
            "9007199254740993",
            "9007199254740993.00000000000000000000000000000001",
            "18446744073709551615",
            "18446744073709551616",
            "9999999999999999999e22",
            "9999999999999999999e-27",
            "9999999999999999999e27",
            "1e22",
            "1e23",
            "8.5e-27",
            "1e28",
            "1e9223372036854775807",
            "1e-9223372036854775808",
            "1e99999999999999999999999",
            "16777217",
            "16777217.0000001",
        ] {
            check(text);
        }
        check(&format!("0.{}1e400", "0".repeat(400)));
        check(&format!("1{}e-400", "0".repeat(400)));
        check(&"7".repeat(800));
    }
}
