//! When an attempt is repeated.

use http::HeaderMap;
use http::header::RETRY_AFTER;
use servoir_types::Timestamp;
use std::hash::{BuildHasher as _, RandomState};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

/// After so many attempts, a message is given up.
pub const ATTEMPTS_MAX: i64 = 12;
/// How long the first repeat waits; each waits twice as long as the one before.
const FIRST_SECONDS: i64 = 5;
/// The longest wait, also when a receiver asks for more.
const SECONDS_MAX: i64 = 3600;

/// When the attempt of this number, from 1, is repeated, which failed at `now`; `asked`: what the receiver asks for.
pub fn next(now: Timestamp, attempt: i64, asked: Option<i64>) -> Timestamp {
    let doublings = u32::try_from(attempt.saturating_sub(1).clamp(0, 20)).unwrap_or(0);
    let wait = (FIRST_SECONDS << doublings).min(SECONDS_MAX);
    // Up to a quarter more, so that messages that failed together do not come back together.
    let spread = i64::try_from(RandomState::new().hash_one(attempt) % 250).unwrap_or(0);
    let wait_millis = (wait * (1000 + spread)).max(asked.unwrap_or(0).clamp(0, SECONDS_MAX) * 1000);
    Timestamp::from_millis(now.as_millis().saturating_add(wait_millis))
}

/// Seconds that `Retry-After` asks for, as a number or as a date.
pub fn asked(headers: &HeaderMap, now: Timestamp) -> Option<i64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(i64::from(seconds));
    }
    let date = OffsetDateTime::parse(text, &Rfc2822).ok()?;
    Some(date.unix_timestamp() - now.as_millis().div_euclid(1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_an_hour_and_no_receiver_makes_them_longer() {
        let now = Timestamp::from_millis(1_000_000);
        let cases = [
            (1, None, 5),
            (2, None, 10),
            (5, None, 80),
            (11, None, 3600),
            (i64::MAX, None, 3600),
            (1, Some(60), 60),
            (1, Some(-5), 5),
            (3, Some(1), 20),
            (1, Some(i64::MAX), 3600),
        ];
        for (attempt, asked, seconds) in cases {
            let waited = next(now, attempt, asked).as_millis() - now.as_millis();
            assert!((seconds * 1000..seconds * 1250).contains(&waited), "{attempt} {asked:?}: {waited} ms");
        }
    }

    #[test]
    fn a_receiver_asks_in_seconds_or_for_a_date() {
        let now = Timestamp::parse("1994-11-06T08:49:00Z").unwrap();
        for (text, seconds) in [
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(37)),
            ("Sun, 06 Nov 1994 08:48:00 GMT", Some(-60)),
            ("soon", None),
            ("-1", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            assert_eq!(asked(&headers, now), seconds, "{text}");
        }
        assert_eq!(asked(&HeaderMap::new(), now), None);
    }
}
