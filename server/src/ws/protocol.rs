//! `Sec-WebSocket-Protocol`: where a browser, which cannot set other headers, puts its token.

use http::{HeaderMap, HeaderValue, header};

/// The name of what the server speaks, to be offered beside the token so that the answer need not repeat it.
const NAME: &str = "servoir.v1";
/// What stands before a token.
const BEARER: &str = "bearer.";

/// The token among the offered protocols, if there is one.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    offered(headers).find_map(|name| name.strip_prefix(BEARER))
}

/// What the server chooses of the offered protocols. Browsers give a connection up when it chooses none of them, so that
/// a token alone is repeated to who sent it.
pub fn chosen(headers: &HeaderMap) -> Option<HeaderValue> {
    let name = offered(headers).find(|name| *name == NAME);
    let name = name.or_else(|| offered(headers).find(|name| name.starts_with(BEARER)))?;
    HeaderValue::from_str(name).ok()
}

fn offered(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_found_and_not_repeated_unless_it_must() {
        let cases: [(&[&str], Option<&str>, Option<&str>); 6] = [
            (&[], None, None),
            (&["chat"], None, None),
            (&["servoir.v1"], None, Some("servoir.v1")),
            (&["servoir.v1, bearer.a.b.c"], Some("a.b.c"), Some("servoir.v1")),
            (&["bearer.abc", "servoir.v1"], Some("abc"), Some("servoir.v1")),
            (&["bearer.abc"], Some("abc"), Some("bearer.abc")),
        ];
        for (lines, token, protocol) in cases {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::SEC_WEBSOCKET_PROTOCOL, line.parse().unwrap());
            }
            assert_eq!(bearer(&headers), token, "{lines:?}");
            assert_eq!(chosen(&headers).as_ref().and_then(|value| value.to_str().ok()), protocol, "{lines:?}");
        }
    }
}
