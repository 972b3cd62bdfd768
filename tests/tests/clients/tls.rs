//! The clients over TLS: what they agree on with the server, and that they trust its certificate.

use crate::http2::{curl, h2load, serving_over};
use crate::python::run;
use crate::world::{echo_body, succeeds};
use servoir::config::TlsConfig;
use servoir_tests::authority::Authority;
use servoir_tests::server::TestServer;
use std::path::PathBuf;
use tempfile::TempDir;

/// A server with a certificate.
struct Secure {
    server: TestServer,
    /// The address of an inference.
    url: String,
    /// The certificate that is to be trusted.
    authority: PathBuf,
    _folder: TempDir,
}

impl Secure {
    async fn start() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let authority = Authority::new("tests");
        let issued = authority.issue();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            path
        };
        let (certificate, key) = (write("chain.pem", &issued.certificate), write("key.pem", &issued.key));
        let config = TlsConfig { certificate: Some(certificate), key: Some(key), client_ca: None };
        let root = reqwest::Certificate::from_pem(authority.pem().as_bytes()).expect("a certificate");
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([root]).build().expect("a client");
        let (server, url) = serving_over(client, config).await;
        Self { server, url, authority: write("authority.pem", &authority.pem()), _folder: folder }
    }
}

#[tokio::test]
async fn curl_agrees_on_the_newest_version_that_it_offers() {
    let secure = Secure::start().await;
    for (version, spoken) in [("--http1.1", "1.1 200"), ("--http2", "2 200")] {
        let mut curl = curl(&secure.url);
        let said = succeeds(curl.args([version, "--json", &echo_body(), "--cacert"]).arg(&secure.authority)).await;
        assert!(said.ends_with(spoken), "{version}: {said}");
    }
    secure.server.stop().await;
}

#[tokio::test]
async fn h2load_gets_an_answer_to_every_request() {
    let secure = Secure::start().await;
    let said = h2load(&secure.server, &secure.url).await;
    assert!(said.contains("Application protocol: h2\n"), "{said}");
    secure.server.stop().await;
}

#[tokio::test]
async fn tritonclient_trusts_the_certificate() {
    let secure = Secure::start().await;
    let authority = secure.authority.to_str().expect("a path");
    run(secure.server.address(), "tritonclient_tls.py", &["--authority", authority]).await;
    secure.server.stop().await;
}
