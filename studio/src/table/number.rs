//! How people write numbers: digits with a point and an exponent, and words for what is infinite.

/// A whole number of 64 bits, with a sign or without.
pub(super) fn integer(field: &str) -> Option<i64> {
    field.parse().ok()
}

/// A number. One that is infinite, or too large, is NaN, which is missing: it can be neither summed nor learned from.
pub(super) fn number(field: &str) -> Option<f64> {
    let first = *field.strip_prefix(['+', '-']).unwrap_or(field).as_bytes().first()?;
    // The standard library takes 'nan', 'inf' and 'infinity' in any case; the first is spelled in `missing`.
    if !(first.is_ascii_digit() || matches!(first, b'.' | b'i' | b'I')) {
        return None;
    }
    let value: f64 = field.parse().ok()?;
    Some(if value.is_finite() { value } else { f64::NAN })
}
