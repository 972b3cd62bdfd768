//! Proxies: the client that one names counts for what only this machine may do, when the proxy is trusted.

use reqwest::Method;
use servoir_tests::server::{Database, TestServer};

/// Trusted networks, headers, and the status that `/metrics` answers without a credential.
type Case = (&'static [&'static str], &'static [(&'static str, &'static str)], u16);

#[tokio::test]
async fn metrics_are_for_this_machine_and_not_for_what_a_proxy_lets_through() {
    let cases: &[Case] = &[
        (&[], &[], 200),
        (&[], &[("x-forwarded-for", "192.0.2.7")], 401),
        (&[], &[("x-forwarded-for", "127.0.0.1")], 401),
        (&[], &[("forwarded", "for=127.0.0.1")], 401),
        (&["127.0.0.0/8"], &[], 200),
        (&["127.0.0.0/8"], &[("x-forwarded-for", "192.0.2.7")], 401),
        (&["127.0.0.0/8"], &[("x-forwarded-for", "127.0.0.1, 192.0.2.7")], 401),
        (&["127.0.0.0/8"], &[("forwarded", "for=192.0.2.7;proto=https")], 401),
        (&["127.0.0.0/8"], &[("x-forwarded-for", "127.0.0.1")], 200),
        (&["10.0.0.0/8"], &[("x-forwarded-for", "127.0.0.1")], 401),
    ];
    for (trusted, headers, status) in cases {
        let networks = trusted.iter().map(|network| network.parse().expect("a network")).collect();
        let server = TestServer::start_with(Database::Sqlite, |config| config.trusted_proxies = networks).await;
        let api = server.api().with_key(None);
        let request = api.request(Method::GET, "/metrics");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = api.send(request).await;
        assert_eq!(answer.status.as_u16(), *status, "{trusted:?} {headers:?}: {}", answer.text);
        server.stop().await;
    }
}
