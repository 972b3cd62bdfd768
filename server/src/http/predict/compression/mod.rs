//! gzip and deflate: bodies of predictions on their way in, their answers on the way out.
//!
//! `deflate` is the zlib format, as RFC 9110 has it and as clients send it.

mod accepted;
mod compress;
mod decompress;

pub use compress::compress;
pub use decompress::Decompressor;

use crate::error::ApiError;
use http::{HeaderMap, header};
use servoir_types::Kind;

/// A content coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// `gzip`, RFC 1952.
    Gzip,
    /// `deflate`, RFC 1950.
    Deflate,
}

impl Coding {
    /// The coding of this name, whatever its case.
    fn named(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("gzip") || name.eq_ignore_ascii_case("x-gzip") {
            return Some(Self::Gzip);
        }
        name.eq_ignore_ascii_case("deflate").then_some(Self::Deflate)
    }

    /// The name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }

    /// The coding of a request's body; `None`: it is sent as it is.
    ///
    /// # Errors
    /// 415 for a coding that is not known, and for several over each other.
    pub fn of_body(headers: &HeaderMap) -> Result<Option<Self>, ApiError> {
        let mut coding = None;
        for value in headers.get_all(header::CONTENT_ENCODING) {
            for name in String::from_utf8_lossy(value.as_bytes()).split(',').map(str::trim) {
                if name.is_empty() || name.eq_ignore_ascii_case("identity") {
                    continue;
                }
                let Some(named) = Self::named(name) else {
                    let name: String = name.chars().take(40).collect();
                    return Err(unsupported(format!(
                        "the body is encoded as '{name}'; send it as gzip or deflate, or without Content-Encoding"
                    )));
                };
                if coding.replace(named).is_some() {
                    return Err(unsupported(
                        "the body is encoded more than once; encode it once, or not at all".into(),
                    ));
                }
            }
        }
        Ok(coding)
    }
}

fn unsupported(detail: String) -> ApiError {
    ApiError::new(Kind::UnsupportedMedia, "unsupported-encoding", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_one_coding_or_none() {
        let cases: [(&[&str], Result<Option<Coding>, &str>); 9] = [
            (&[], Ok(None)),
            (&["identity"], Ok(None)),
            (&["gzip"], Ok(Some(Coding::Gzip))),
            (&["X-GZip"], Ok(Some(Coding::Gzip))),
            (&["identity, Deflate"], Ok(Some(Coding::Deflate))),
            (&["br"], Err("the body is encoded as 'br'")),
            (&["gzip, deflate"], Err("the body is encoded more than once")),
            (&["gzip", "gzip"], Err("the body is encoded more than once")),
            (&["gzip;q=1"], Err("the body is encoded as 'gzip;q=1'")),
        ];
        for (values, expected) in cases {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::CONTENT_ENCODING, value.parse().unwrap());
            }
            match (Coding::of_body(&headers), expected) {
                (Ok(coding), Ok(expected)) => assert_eq!(coding, expected, "{values:?}"),
                (Err(error), Err(expected)) => assert!(error.detail.starts_with(expected), "{}", error.detail),
                (came, expected) => panic!("{values:?}: {came:?} for {expected:?}"),
            }
        }
    }
}
