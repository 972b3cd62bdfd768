//! Where messages may go: not to addresses that only this machine or its network can reach.

use ipnet::{Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Networks of IPv4 that are not reachable from everywhere, or where nobody answers (IANA's special-purpose registry).
const SPECIAL_V4: [([u8; 4], u8); 14] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];
/// IPv6 is reachable from everywhere in this network alone …
const GLOBAL_V6: (u16, u8) = (0x2000, 3);
/// … but for protocols' own (Teredo among them), documentation, and 6to4, which leads into IPv4.
const SPECIAL_V6: [([u16; 2], u8); 4] =
    [([0x2001, 0], 23), ([0x2001, 0xdb8], 32), ([0x2002, 0], 16), ([0x3fff, 0], 20)];

/// An address that messages do not go to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{host} has the address {address}, which is not reachable from everywhere; monitoring.webhooks_private_allowed lets it pass"
)]
pub struct Refused {
    host: String,
    address: IpAddr,
}

/// Whether messages may go to an address.
pub fn may_go_to(address: IpAddr, private_allowed: bool) -> bool {
    if private_allowed {
        return !address.is_unspecified() && !address.is_multicast() && address != IpAddr::V4(Ipv4Addr::BROADCAST);
    }
    match address {
        IpAddr::V4(address) => is_global_v4(address),
        IpAddr::V6(address) => is_global_v6(address),
    }
}

fn is_global_v4(address: Ipv4Addr) -> bool {
    !SPECIAL_V4.iter().any(|(first, length)| Ipv4Net::new_assert((*first).into(), *length).contains(&address))
}

fn is_global_v6(address: Ipv6Addr) -> bool {
    let within = |first: Ipv6Addr, length: u8| Ipv6Net::new_assert(first, length).contains(&address);
    let (global, length) = GLOBAL_V6;
    within(Ipv6Addr::new(global, 0, 0, 0, 0, 0, 0, 0), length)
        && !SPECIAL_V6.iter().any(|([a, b], length)| within(Ipv6Addr::new(*a, *b, 0, 0, 0, 0, 0, 0), *length))
}

/// Refuses a URL whose host is an address that messages do not go to. Names are looked at when they are resolved.
///
/// # Errors
/// [`Refused`].
pub fn check_literal(url: &reqwest::Url, private_allowed: bool) -> Result<(), Refused> {
    let host = url.host_str().unwrap_or_default();
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(address) if !may_go_to(address, private_allowed) => Err(Refused { host: host.to_owned(), address }),
        _ => Ok(()),
    }
}

/// Resolves names for the client that posts messages. It connects to the addresses that were looked at and to no others, so
/// that a name cannot lead elsewhere the second time.
pub struct Checked {
    pub private_allowed: bool,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let private_allowed = self.private_allowed;
        Box::pin(async move {
            let host = name.as_str();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            // One that must not be reached is reason enough: the others may be there to get it past.
            match found.iter().find(|address| !may_go_to(address.ip(), private_allowed)) {
                Some(address) => Err(Refused { host: host.to_owned(), address: address.ip() }.into()),
                None => Ok(Box::new(found.into_iter()) as Addrs),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_are_reachable_from_everywhere_are_public() {
        let cases = [
            ("8.8.8.8", true, true),
            ("192.0.1.1", true, true),
            ("2606:4700::1111", true, true),
            ("2001:4860:4860::8888", true, true),
            ("127.0.0.1", false, true),
            ("10.1.2.3", false, true),
            ("100.64.0.1", false, true),
            ("169.254.169.254", false, true),
            ("172.16.0.1", false, true),
            ("172.32.0.1", true, true),
            ("192.168.1.1", false, true),
            ("198.18.0.1", false, true),
            ("224.0.0.1", false, false),
            ("240.0.0.1", false, true),
            ("255.255.255.255", false, false),
            ("0.0.0.0", false, false),
            ("::", false, false),
            ("::1", false, true),
            ("::ffff:127.0.0.1", false, true),
            ("::ffff:8.8.8.8", false, true),
            ("::127.0.0.1", false, true),
            ("64:ff9b::7f00:1", false, true),
            ("fc00::1", false, true),
            ("fd12::1", false, true),
            ("fe80::1", false, true),
            ("fec0::1", false, true),
            ("ff02::1", false, false),
            ("2001::1", false, true),
            ("2001:db8::1", false, true),
            ("2002:7f00:1::", false, true),
        ];
        for (text, public, with_private) in cases {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!((may_go_to(address, false), may_go_to(address, true)), (public, with_private), "{text}");
        }
    }

    #[test]
    fn addresses_in_urls_are_looked_at_however_they_are_written() {
        for url in [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://0x7f000001/",
            "http://2130706433/",
            "http://[::ffff:7f00:1]/",
        ] {
            let refused = check_literal(&url.parse().unwrap(), false).unwrap_err();
            assert!(refused.to_string().contains("127.0.0.1") || url.contains("ffff"), "{refused}");
        }
        assert_eq!(check_literal(&"https://example.org/".parse().unwrap(), false), Ok(()));
    }

    #[tokio::test]
    async fn a_name_that_leads_here_is_refused_when_it_is_resolved() {
        let resolved = Checked { private_allowed: false }.resolve("localhost".parse().unwrap()).await;
        let refused = resolved.err().expect("localhost is this machine");
        assert!(refused.downcast_ref::<Refused>().is_some(), "{refused}");
        let mut allowed = Checked { private_allowed: true }.resolve("localhost".parse().unwrap()).await.unwrap();
        assert!(allowed.next().unwrap().ip().is_loopback());
    }
}
