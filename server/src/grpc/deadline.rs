//! `grpc-timeout`: how long a caller waits.

use crate::error::ApiError;
use http::HeaderMap;
use servoir_types::Kind;
use std::time::Duration;

/// Digits that a timeout has at most.
const DIGITS_MAX: usize = 8;

/// How long the caller of a request waits, when it says so.
///
/// # Errors
/// 400 when the header is not one to eight digits and one of the units `H M S m u n`.
pub fn of(headers: &HeaderMap) -> Result<Option<Duration>, ApiError> {
    let Some(value) = headers.get("grpc-timeout") else { return Ok(None) };
    let read = value.to_str().ok().and_then(read);
    read.map(Some).ok_or_else(|| {
        let came = String::from_utf8_lossy(value.as_bytes());
        let detail = format!("grpc-timeout is up to {DIGITS_MAX} digits and a unit of H M S m u n, '{came}' came");
        ApiError::malformed("wrong-timeout", detail)
    })
}

/// 504 `deadline-exceeded`.
pub fn passed() -> ApiError {
    ApiError::new(
        Kind::DeadlineExceeded,
        "deadline-exceeded",
        "the call's grpc-timeout passed before the answer was there",
    )
}

fn read(value: &str) -> Option<Duration> {
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    if digits.len() > DIGITS_MAX || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(count * 3600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_digits_and_a_unit() {
        let cases = [
            ("1H", Some(Duration::from_secs(3600))),
            ("2M", Some(Duration::from_secs(120))),
            ("99999999S", Some(Duration::from_secs(99_999_999))),
            ("3m", Some(Duration::from_millis(3))),
            ("4u", Some(Duration::from_micros(4))),
            ("0n", Some(Duration::ZERO)),
            ("100000000n", None),
            ("5", None),
            ("S", None),
            ("", None),
            ("-1S", None),
            ("+1S", None),
            ("1s", None),
            ("1µ", None),
        ];
        for (value, expected) in cases {
            assert_eq!(read(value), expected, "{value}");
        }
    }
}
