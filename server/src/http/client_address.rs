//! Who is at the other end: the peer of the connection, or the client that a trusted proxy names.

use crate::http::head::Headers;
use http::header::FORWARDED;
use http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// A client's address, as far as it is known for certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress {
    ip: IpAddr,
    is_local: bool,
}

impl ClientAddress {
    /// The address of who sent a request that came from `peer`. Headers are believed only when `peer` is in a trusted
    /// network: then the client is the last of the addresses that they name which is not itself trusted.
    pub fn of(peer: SocketAddr, headers: &Headers<'_>, trusted: &[IpNet]) -> Self {
        // An IPv4 client of an IPv6 socket is an IPv4 client.
        let peer = peer.ip().to_canonical();
        if !is_trusted(peer, trusted) {
            return Self { ip: peer, is_local: peer.is_loopback() && !headers.is_forwarded };
        }
        let named = [by_forwarded(headers.all), by_x_forwarded_for(headers.all)].map(|hops| {
            let hops = hops?;
            Some(client_of(peer, &hops, trusted))
        });
        let client = match named {
            // A proxy writes one of the headers and may pass on the other as its client made it up.
            [Some(one), Some(other)] if one != other => None,
            [one, other] => one.or(other),
        };
        match client {
            Some((ip, known)) => Self { ip, is_local: known && peer.is_loopback() && ip.is_loopback() },
            None => Self { ip: peer, is_local: peer.is_loopback() && !headers.is_forwarded },
        }
    }

    /// The address.
    pub fn ip(&self) -> IpAddr {
        self.ip
    }

    /// Whether the request began on this machine.
    pub fn is_local(&self) -> bool {
        self.is_local
    }
}

fn is_trusted(ip: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&ip))
}

/// The client, given the hops from the farthest to the nearest; `None` stands for one that does not say its address.
/// What lies beyond a hop that is not trusted is hearsay. Beyond one without an address nothing is known: then it is the
/// last address before it, and `false`.
fn client_of(peer: IpAddr, hops: &[Option<IpAddr>], trusted: &[IpNet]) -> (IpAddr, bool) {
    let mut client = peer;
    for hop in hops.iter().rev() {
        let Some(ip) = *hop else { return (client, false) };
        client = ip;
        if !is_trusted(ip, trusted) {
            break;
        }
    }
    (client, true)
}

/// The hops of `X-Forwarded-For`; `None` when there is no such header.
fn by_x_forwarded_for(headers: &HeaderMap) -> Option<Vec<Option<IpAddr>>> {
    let lines = headers.get_all(X_FORWARDED_FOR).iter().map(|line| line.to_str().unwrap_or_default());
    let hops: Vec<_> = lines.flat_map(|line| line.split(',')).map(address).collect();
    (!hops.is_empty()).then_some(hops)
}

/// The hops of `Forwarded` (RFC 7239); `None` when there is no such header.
fn by_forwarded(headers: &HeaderMap) -> Option<Vec<Option<IpAddr>>> {
    let lines = headers.get_all(FORWARDED).iter().map(|line| line.to_str().unwrap_or_default());
    let hops: Vec<_> = lines.flat_map(|line| outside_quotes(line, ',')).map(forwarded_for).collect();
    (!hops.is_empty()).then_some(hops)
}

/// The `for` of one element of `Forwarded`.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut pairs = outside_quotes(element, ';').into_iter().filter_map(|pair| pair.split_once('='));
    let (_, node) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    address(node.trim().trim_matches('"'))
}

/// The parts of a header's value between separators that stand outside quotes.
fn outside_quotes(value: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    let mut escaped = false;
    let parts = value.split(|letter| {
        let separates = letter == separator && !quoted;
        match letter {
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = quoted && letter == '\\' && !escaped;
        separates
    });
    parts.collect()
}

/// An address, with or without a port; one of IPv6 with or without brackets. `None` for `unknown` and made-up names.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let ip = bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    ip.map(|ip: IpAddr| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Trusted networks, the peer, headers, and the client: its address, and whether it is on this machine.
    type Case = (&'static [&'static str], &'static str, &'static [(&'static str, &'static str)], &'static str, bool);

    const NOBODY: &[&str] = &[];
    const LOCAL: &[&str] = &["127.0.0.0/8"];
    const FARM: &[&str] = &["10.0.0.0/8", "127.0.0.1/32", "fd00::/8"];

    #[test]
    fn the_client_is_who_trusted_proxies_say_and_nobody_else_says() {
        let cases: &[Case] = &[
            (NOBODY, "127.0.0.1", &[], "127.0.0.1", true),
            (NOBODY, "::1", &[], "::1", true),
            (NOBODY, "::ffff:127.0.0.1", &[], "127.0.0.1", true),
            (NOBODY, "192.0.2.1", &[], "192.0.2.1", false),
            // Nobody is trusted: headers change no address, and show that a proxy is in between.
            (NOBODY, "127.0.0.1", &[("x-forwarded-for", "127.0.0.1")], "127.0.0.1", false),
            (NOBODY, "127.0.0.1", &[("forwarded", "for=127.0.0.1")], "127.0.0.1", false),
            (NOBODY, "127.0.0.1", &[("x-real-ip", "127.0.0.1")], "127.0.0.1", false),
            (NOBODY, "127.0.0.1", &[("via", "1.1 cache")], "127.0.0.1", false),
            (NOBODY, "192.0.2.1", &[("x-forwarded-for", "127.0.0.1")], "192.0.2.1", false),
            (FARM, "192.0.2.1", &[("x-forwarded-for", "127.0.0.1")], "192.0.2.1", false),
            // A trusted proxy is believed.
            (LOCAL, "127.0.0.1", &[("x-forwarded-for", "192.0.2.7")], "192.0.2.7", false),
            (LOCAL, "::ffff:127.0.0.1", &[("x-forwarded-for", "192.0.2.7")], "192.0.2.7", false),
            (LOCAL, "127.0.0.1", &[("x-forwarded-for", "127.0.0.1")], "127.0.0.1", true),
            (LOCAL, "127.0.0.1", &[], "127.0.0.1", true),
            (LOCAL, "127.0.0.1", &[("via", "1.1 proxy")], "127.0.0.1", false),
            (FARM, "10.1.1.1", &[("x-forwarded-for", "192.0.2.7:51234")], "192.0.2.7", false),
            (FARM, "10.1.1.1", &[("x-forwarded-for", "2001:db8::7")], "2001:db8::7", false),
            (FARM, "10.1.1.1", &[("x-forwarded-for", "[2001:db8::7]:443")], "2001:db8::7", false),
            (FARM, "fd00::5", &[("forwarded", "for=\"[2001:db8::7]:443\";proto=https")], "2001:db8::7", false),
            (FARM, "fd00::5", &[("forwarded", "proto=https; For=192.0.2.7;by=_gate")], "192.0.2.7", false),
            // Another machine's loopback is not this machine.
            (FARM, "10.1.1.1", &[("x-forwarded-for", "127.0.0.1")], "127.0.0.1", false),
            // The last address that is not trusted; what stands before it is what a client claims.
            (FARM, "10.1.1.1", &[("x-forwarded-for", "127.0.0.1, 192.0.2.7, 10.2.2.2")], "192.0.2.7", false),
            (
                FARM,
                "10.1.1.1",
                &[("x-forwarded-for", "192.0.2.8"), ("x-forwarded-for", "192.0.2.7")],
                "192.0.2.7",
                false,
            ),
            (FARM, "10.1.1.1", &[("forwarded", "for=1.2.3.4, for=\"192.0.2.7\", for=10.2.2.2")], "192.0.2.7", false),
            (FARM, "10.1.1.1", &[("forwarded", "for=\"a,b;for=1.1.1.1\", for=192.0.2.7")], "192.0.2.7", false),
            (FARM, "10.1.1.1", &[("x-forwarded-for", "10.3.3.3, 10.2.2.2")], "10.3.3.3", false),
            // A hop without an address ends what is known.
            (FARM, "10.1.1.1", &[("forwarded", "for=192.0.2.7, for=unknown, for=10.2.2.2")], "10.2.2.2", false),
            (LOCAL, "127.0.0.1", &[("forwarded", "for=_hidden")], "127.0.0.1", false),
            (LOCAL, "127.0.0.1", &[("forwarded", "for=unknown, for=127.0.0.1")], "127.0.0.1", false),
            (LOCAL, "127.0.0.1", &[("forwarded", "proto=https")], "127.0.0.1", false),
            (LOCAL, "127.0.0.1", &[("x-forwarded-for", "")], "127.0.0.1", false),
            (LOCAL, "127.0.0.1", &[("x-forwarded-for", "127.0.0.1, 127.0.0.2")], "127.0.0.1", true),
            // Two headers that disagree: one of them is made up.
            (FARM, "10.1.1.1", &[("forwarded", "for=127.0.0.1"), ("x-forwarded-for", "192.0.2.7")], "10.1.1.1", false),
            (FARM, "10.1.1.1", &[("forwarded", "for=192.0.2.7"), ("x-forwarded-for", "192.0.2.7")], "192.0.2.7", false),
        ];
        for (trusted, peer, headers, ip, is_local) in cases {
            let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
            let peer = SocketAddr::new(peer.parse().unwrap(), 40_000);
            let mut map = HeaderMap::new();
            for (name, value) in *headers {
                map.append(*name, value.parse().unwrap());
            }
            let client = ClientAddress::of(peer, &Headers::of(&map), &trusted);
            let expected = ClientAddress { ip: ip.parse().unwrap(), is_local: *is_local };
            assert_eq!(client, expected, "{trusted:?} {peer} {headers:?}");
        }
    }
}
