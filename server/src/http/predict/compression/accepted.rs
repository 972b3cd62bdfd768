//! Which codings a caller takes an answer in: `Accept-Encoding`.

use super::Coding;
use http::{HeaderMap, header};

/// What a caller says of codings, in thousandths; `None`: nothing.
#[derive(Debug, Default, Clone, Copy)]
struct Weights {
    gzip: Option<u16>,
    deflate: Option<u16>,
    identity: Option<u16>,
    /// Of what is not named.
    others: Option<u16>,
}

/// How an answer may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// The coding that the caller likes best, at least as much as none.
    pub coding: Option<Coding>,
    /// Whether it may be sent as it is.
    pub identity: bool,
}

impl Accepted {
    /// What a request says that has no such header.
    pub const AS_IT_IS: Self = Self { coding: None, identity: true };

    /// What the headers of a request say. What is written wrongly is left out, as if it had not been said.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut weights = Weights::default();
        for value in headers.get_all(header::ACCEPT_ENCODING) {
            for item in value.to_str().unwrap_or_default().split(',') {
                weights.take(item);
            }
        }
        let of = |named: Option<u16>| named.or(weights.others).unwrap_or(0);
        let (gzip, deflate) = (of(weights.gzip), of(weights.deflate));
        // An answer as it is is always welcome, unless that is excluded.
        let identity = weights.identity.or(weights.others.filter(|&weight| weight == 0));
        let best = if gzip >= deflate { (Coding::Gzip, gzip) } else { (Coding::Deflate, deflate) };
        let coding = Some(best).filter(|&(_, weight)| weight > 0 && weight >= weights.identity.unwrap_or(0));
        Self { coding: coding.map(|(coding, _)| coding), identity: identity != Some(0) }
    }
}

impl Weights {
    fn take(&mut self, item: &str) {
        let (name, parameter) = item.split_once(';').unwrap_or((item, "q=1"));
        let (name, Some(weight)) = (name.trim(), weight(parameter.trim())) else { return };
        let slot = match Coding::named(name) {
            Some(Coding::Gzip) => &mut self.gzip,
            Some(Coding::Deflate) => &mut self.deflate,
            None if name.eq_ignore_ascii_case("identity") => &mut self.identity,
            None if name == "*" => &mut self.others,
            None => return,
        };
        *slot = Some(weight);
    }
}

/// The weight `q=…` in thousandths.
fn weight(parameter: &str) -> Option<u16> {
    let (name, value) = parameter.split_once('=')?;
    let value: f32 = value.trim().parse().ok()?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // from 0 to 1000
    let thousandths = (0.0..=1.0).contains(&value).then(|| (value * 1000.0).round() as u16);
    thousandths.filter(|_| name.trim().eq_ignore_ascii_case("q"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_coding_that_is_liked_best_is_taken() {
        let (gzip, deflate) = (Some(Coding::Gzip), Some(Coding::Deflate));
        let cases = [
            ("", None, true),
            ("gzip", gzip, true),
            ("GZIP", gzip, true),
            ("deflate", deflate, true),
            ("gzip, deflate, br, zstd", gzip, true),
            ("gzip;q=0.5, deflate;q=0.8", deflate, true),
            ("gzip;q=0.5, deflate ; Q=0.5", gzip, true),
            ("gzip;q=0", None, true),
            ("gzip;q=0, *", deflate, true),
            ("br", None, true),
            ("*", gzip, true),
            ("*;q=0", None, false),
            ("identity;q=0", None, false),
            ("identity;q=0, gzip;q=0.1", gzip, false),
            ("identity, gzip;q=0.5", None, true),
            ("identity;q=0.5, gzip;q=0.5", gzip, true),
            ("*;q=0, identity", None, true),
            ("gzip;q=2, deflate;q=x", None, true),
        ];
        for (value, coding, identity) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, value.parse().unwrap());
            assert_eq!(Accepted::of(&headers), Accepted { coding, identity }, "{value}");
        }
        assert_eq!(Accepted::of(&HeaderMap::new()), Accepted::AS_IT_IS);
    }
}
