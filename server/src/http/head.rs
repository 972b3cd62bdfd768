//! A request's head, looked through once. Most of the headers that every request is asked for most requests do not have,
//! and each would be looked for by its hash.

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Uri};

/// A request's head.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    /// The method.
    pub method: &'a Method,
    /// The target.
    pub uri: &'a Uri,
    /// The headers.
    pub headers: Headers<'a>,
}

impl<'a> Head<'a> {
    /// The head of a request.
    pub fn of(parts: &'a Parts) -> Self {
        Self { method: &parts.method, uri: &parts.uri, headers: Headers::of(&parts.headers) }
    }
}

/// What a request's headers say that every request is asked.
#[derive(Clone, Copy)]
pub struct Headers<'a> {
    /// All of them.
    pub all: &'a HeaderMap,
    /// `X-API-Key`.
    pub api_key: Option<&'a HeaderValue>,
    /// `Content-Type`.
    pub content_type: Option<&'a HeaderValue>,
    /// `X-Request-Id`.
    pub request_id: Option<&'a HeaderValue>,
    /// Whether there is a `Content-Encoding`.
    pub is_encoded: bool,
    /// Whether there is an `Accept-Encoding`.
    pub accepts_encodings: bool,
    /// Whether there is an `Inference-Header-Content-Length`.
    pub has_head_len: bool,
    /// Whether there is a header that proxies add: the request has come a longer way than its connection.
    pub is_forwarded: bool,
}

impl<'a> Headers<'a> {
    /// Looks through a request's headers. Of one that came several times the first is taken.
    pub fn of(all: &'a HeaderMap) -> Self {
        let mut found = Self {
            all,
            api_key: None,
            content_type: None,
            request_id: None,
            is_encoded: false,
            accepts_encodings: false,
            has_head_len: false,
            is_forwarded: false,
        };
        for (name, value) in all {
            match name.as_str() {
                "x-api-key" => found.api_key = found.api_key.or(Some(value)),
                "content-type" => found.content_type = found.content_type.or(Some(value)),
                "x-request-id" => found.request_id = found.request_id.or(Some(value)),
                "content-encoding" => found.is_encoded = true,
                "accept-encoding" => found.accepts_encodings = true,
                "inference-header-content-length" => found.has_head_len = true,
                "forwarded" | "via" | "x-forwarded-for" | "x-forwarded-host" | "x-forwarded-proto" | "x-real-ip" => {
                    found.is_forwarded = true;
                }
                _ => {}
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_found_whatever_its_case_and_the_first_counts() {
        let mut map = HeaderMap::new();
        let sent =
            [("Host", "x"), ("X-API-Key", "a"), ("x-api-key", "b"), ("Content-Encoding", "gzip"), ("VIA", "1.1 x")];
        for (name, value) in sent {
            map.append(http::HeaderName::try_from(name).unwrap(), value.parse().unwrap());
        }
        let found = Headers::of(&map);
        assert_eq!(found.api_key.map(HeaderValue::as_bytes), Some(b"a".as_slice()));
        assert_eq!((found.content_type, found.request_id), (None, None));
        let said = [found.is_encoded, found.accepts_encodings, found.has_head_len, found.is_forwarded];
        assert_eq!(said, [true, false, false, true]);
    }
}
