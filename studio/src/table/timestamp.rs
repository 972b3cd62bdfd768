//! Points in time as ISO 8601 writes them: `2024-02-29`, `2024-02-29T12:30`, `2024-02-29 12:30:15.250+02:00`.

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
/// Digits of a fraction of a second; those after the sixth are not told apart.
const FRACTION_DIGITS_MAX: usize = 9;

/// Microseconds since 1970; a time without a zone is UTC, a date is its midnight. `None`: it is no point in time.
pub fn micros(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let (date, rest) = (bytes.get(..10)?, &bytes[10..]);
    let (year, month, day) = (digits(&date[..4])?, digits(&date[5..7])?, digits(&date[8..])?);
    if date[4] != b'-' || date[7] != b'-' || !(1..=12).contains(&month) || day < 1 || day > days_in(year, month) {
        return None;
    }
    let midnight = days_since_1970(year, month, day) * SECONDS_PER_DAY;
    let [b'T' | b't' | b' ', time @ ..] = rest else {
        return rest.is_empty().then_some(midnight * MICROS_PER_SECOND);
    };
    let (seconds, micros, zone) = time_of_day(time)?;
    Some((midnight + seconds - offset_seconds(zone)?) * MICROS_PER_SECOND + micros)
}

/// `HH:MM`, `HH:MM:SS`, `HH:MM:SS.fraction`: seconds since midnight, microseconds, and what follows.
fn time_of_day(time: &[u8]) -> Option<(i64, i64, &[u8])> {
    let (hour, minute) = (digits(time.get(..2)?)?, digits(time.get(3..5)?)?);
    if time[2] != b':' || hour > 23 || minute > 59 {
        return None;
    }
    let minutes = (hour * 60 + minute) * 60;
    let [b':', rest @ ..] = &time[5..] else { return Some((minutes, 0, &time[5..])) };
    let second = digits(rest.get(..2)?)?;
    if second > 59 {
        return None;
    }
    let [b'.' | b',', fraction @ ..] = &rest[2..] else { return Some((minutes + second, 0, &rest[2..])) };
    let length = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if length == 0 || length > FRACTION_DIGITS_MAX {
        return None;
    }
    let micros = (0..6)
        .fold(0, |micros, place| micros * 10 + if place < length { i64::from(fraction[place] - b'0') } else { 0 });
    Some((minutes + second, micros, &fraction[length..]))
}

/// Nothing, `Z`, `+HH:MM`, `+HHMM` or `+HH`.
fn offset_seconds(zone: &[u8]) -> Option<i64> {
    let (sign, rest) = match zone {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest {
        [_, _] => (digits(rest)?, 0),
        [h1, h2, m1, m2] | [h1, h2, b':', m1, m2] => (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn digits(bytes: &[u8]) -> Option<i64> {
    bytes.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Of the Gregorian calendar, by Howard Hinnant's `days_from_civil`.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The point in time in words, by Howard Hinnant's `civil_from_days`: `2024-02-29T12:30:15.250000Z`, without the
/// fraction where it is 0. `None` outside of the years 0 to 9999.
pub(super) fn text_of_micros(micros: i64) -> Option<String> {
    let seconds = micros.div_euclid(MICROS_PER_SECOND);
    let fraction = micros.rem_euclid(MICROS_PER_SECOND);
    let date = text_of_day(seconds.div_euclid(SECONDS_PER_DAY))?;
    let of_day = seconds.rem_euclid(SECONDS_PER_DAY);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let fraction = if fraction == 0 { String::new() } else { format!(".{fraction:06}") };
    Some(format!("{date}T{hour:02}:{minute:02}:{second:02}{fraction}Z"))
}

/// A day in words. `None` outside of the years 0 to 9999.
pub(super) fn text_of_day(days_since_1970: i64) -> Option<String> {
    let days = days_since_1970.checked_add(719_468)?;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (0..=9999).contains(&year).then(|| format!("{year:04}-{month:02}-{day:02}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_in_time() {
        let cases = [
            ("1970-01-01", Some(0)),
            ("1969-12-31T23:59:59", Some(-1_000_000)),
            ("2024-02-29", Some(1_709_164_800_000_000)),
            ("2024-02-29T12:30:15Z", Some(1_709_209_815_000_000)),
            ("2024-02-29 12:30", Some(1_709_209_800_000_000)),
            ("2024-02-29T12:30:15.25+02:00", Some(1_709_202_615_250_000)),
            ("2024-02-29T12:30:15.123456789-0130", Some(1_709_215_215_123_456)),
            ("0000-03-01", Some(-62_162_035_200_000_000)),
            ("2023-02-29", None),
            ("2024-13-01", None),
            ("2024-00-10", None),
            ("2024-01-32", None),
            ("2024-1-01", None),
            ("2024-01-01T", None),
            ("2024-01-01T24:00", None),
            ("2024-01-01T12:60", None),
            ("2024-01-01T12:30:15.", None),
            ("2024-01-01T12:30:15.1234567890", None),
            ("2024-01-01T12:30 CET", None),
            ("2024-01-01T12:30+1", None),
            ("2024/01/01", None),
            ("20240101", None),
            ("", None),
            ("2024-01-0é", None),
        ];
        for (text, expected) in cases {
            assert_eq!(micros(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        for days in (-719_162..2_932_896).step_by(97) {
            let of_day = (days * 7_919) % SECONDS_PER_DAY * MICROS_PER_SECOND + days.rem_euclid(1_000);
            let there = days * SECONDS_PER_DAY * MICROS_PER_SECOND + of_day;
            let text = text_of_micros(there).unwrap();
            assert_eq!(micros(&text), Some(there), "{text}");
        }
    }
}
