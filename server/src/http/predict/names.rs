//! Names and numbers in paths and queries.

use crate::error::ApiError;
use axum::extract::Query;
use http::Uri;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;

/// A part of a path, decoded; nothing is copied when nothing is encoded.
///
/// # Errors
/// 400 when an escape is not `%` and two hexadecimal digits, or the bytes are not UTF-8.
pub fn decode(part: &str) -> Result<Cow<'_, str>, ApiError> {
    let bytes = part.as_bytes();
    let whole = |at: usize| bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit));
    if let Some(at) = (0..bytes.len()).find(|&at| bytes[at] == b'%' && !whole(at)) {
        let detail = format!("byte {at} of '{part}' in the path begins an escape that is not '%' and two hex digits");
        return Err(ApiError::malformed("path-escape", detail));
    }
    percent_decode_str(part)
        .decode_utf8()
        .map_err(|_| ApiError::malformed("path-escape", format!("'{part}' in the path does not decode to UTF-8")))
}

/// A version's number.
///
/// # Errors
/// 400 when it is no whole number from 1.
pub fn version(text: &str) -> Result<u64, ApiError> {
    text.parse().ok().filter(|&version| version > 0).ok_or_else(|| {
        let text: String = text.chars().take(40).collect();
        ApiError::malformed("wrong-version", format!("a version is a whole number from 1, '{text}' came"))
    })
}

/// What a query asks for, when it is nothing or `version=N`.
///
/// # Errors
/// 400 for any other parameter, for two versions, and for a version that is no number.
pub fn version_of_query(uri: &Uri) -> Result<Option<u64>, ApiError> {
    let mut wanted = None;
    for (name, value) in pairs(uri)? {
        if name != "version" {
            return Err(ApiError::field(format!("?{name}"), "there is no such query parameter; known: version"));
        }
        if wanted.replace(version(&value)?).is_some() {
            return Err(ApiError::field("?version", "it came twice"));
        }
    }
    Ok(wanted)
}

/// Refuses any query.
///
/// # Errors
/// 400 naming the first parameter.
pub fn no_query(uri: &Uri) -> Result<(), ApiError> {
    match pairs(uri)?.first() {
        None => Ok(()),
        Some((name, _)) => Err(ApiError::field(format!("?{name}"), "this path takes no query parameters")),
    }
}

fn pairs(uri: &Uri) -> Result<Vec<(String, String)>, ApiError> {
    if uri.query().is_none_or(str::is_empty) {
        return Ok(Vec::new());
    }
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri);
    pairs.map(|Query(pairs)| pairs).map_err(|error| ApiError::malformed("wrong-query", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_decoded_strictly() {
        let cases = [
            ("churn", Some("churn")),
            ("Customer%20Churn", Some("Customer Churn")),
            ("%d0%BF", Some("п")),
            ("a+b", Some("a+b")),
            ("a%2Fb", Some("a/b")),
            ("50%", None),
            ("%4", None),
            ("%zz", None),
            ("%ff", None),
        ];
        for (part, expected) in cases {
            assert_eq!(decode(part).ok().as_deref(), expected, "{part}");
        }
        assert!(matches!(decode("plain"), Ok(Cow::Borrowed(_))));
    }

    #[test]
    fn queries_are_read_strictly() {
        let cases = [
            ("/v1/predict/m", Ok(None)),
            ("/v1/predict/m?", Ok(None)),
            ("/v1/predict/m?version=3", Ok(Some(3))),
            ("/v1/predict/m?version=0", Err("a version is a whole number from 1, '0' came")),
            ("/v1/predict/m?version=two", Err("a version is a whole number from 1, 'two' came")),
            ("/v1/predict/m?verison=3", Err("?verison: there is no such query parameter; known: version")),
            ("/v1/predict/m?version=1&version=1", Err("?version: it came twice")),
        ];
        for (uri, expected) in cases {
            let read = version_of_query(&uri.parse().unwrap()).map_err(|error| error.detail);
            assert_eq!(read, expected.map_err(str::to_owned), "{uri}");
        }
        assert!(no_query(&"/v2/models/m?x=1".parse().unwrap()).is_err());
    }
}
