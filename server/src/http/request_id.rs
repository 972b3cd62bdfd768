//! Request ids: the caller's when it is sane, else a new one.

use crate::http::head::Headers;
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use servoir_types::IdSequence;
use std::fmt;

/// The header that carries the id both ways.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// As many bytes as an id of the server's own has, or a few more.
const LENGTH_USUAL: usize = 32;

/// The id of one request; it comes back in the header, in every error and in every log line.
#[derive(Debug, Clone)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The caller's id when it has 1 to 128 characters of `[A-Za-z0-9._-]`, else the next of `ids`.
    pub fn of(headers: &Headers<'_>, ids: &IdSequence) -> Self {
        match headers.request_id {
            Some(value) if is_sane(value.as_bytes()) => Self(value.clone()),
            _ => Self::new(ids),
        }
    }

    /// The next of `ids`.
    fn new(ids: &IdSequence) -> Self {
        let mut id = Vec::with_capacity(LENGTH_USUAL);
        ids.write_next(&mut id);
        Self(HeaderValue::from_maybe_shared(Bytes::from(id)).unwrap_or(HeaderValue::from_static("none")))
    }

    /// The id as a header's value.
    pub fn to_header_value(&self) -> HeaderValue {
        self.0.clone()
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

fn is_sane(id: &[u8]) -> bool {
    (1..=128).contains(&id.len()) && id.iter().all(|&byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    #[test]
    fn only_sane_ids_are_taken_over() {
        let ids = IdSequence::random("req_");
        let long = "a".repeat(129);
        for (given, taken) in [("a-B_3.x", true), ("", false), (long.as_str(), false), ("a b", false), ("a/b", false)] {
            let headers = HeaderMap::from_iter([(HEADER, HeaderValue::from_str(given).unwrap())]);
            assert_eq!(RequestId::of(&Headers::of(&headers), &ids).as_str() == given, taken, "{given:?}");
        }
        assert!(RequestId::of(&Headers::of(&HeaderMap::new()), &ids).as_str().starts_with("req_"));
    }
}
