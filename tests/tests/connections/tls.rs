//! TLS: what is agreed on, whose certificates count, and certificates that change while the server runs.

use crate::Churn;
use crate::frames::Frames;
use crate::wire::{connect, http1, http2, post, read, shown};
use futures_util::future::join_all;
use reqwest::{Certificate, Client, ClientBuilder, Identity};
use servoir::config::TlsConfig;
use servoir::http::tls::Tls;
use servoir_tests::authority::{Authority, Issued};
use servoir_tests::environment;
use servoir_tests::server::{BOOTSTRAP_KEY, Database, TestServer};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::version::{TLS12, TLS13};

/// Far more than looking at a file takes and how often it is looked at, and than a handshake may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with a server's certificate and key.
struct Files {
    folder: TempDir,
    config: TlsConfig,
}

impl Files {
    fn new(issued: &Issued) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let path = |name: &str| folder.path().join(name);
        let config = TlsConfig { certificate: Some(path("chain.pem")), key: Some(path("key.pem")), client_ca: None };
        let files = Self { config, folder };
        files.write("key.pem", &issued.key);
        files.write("chain.pem", &issued.certificate);
        files
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("written");
    }
}

fn trusting(authority: &Authority) -> ClientBuilder {
    let root = Certificate::from_pem(authority.pem().as_bytes()).expect("a certificate");
    Client::builder().no_proxy().tls_certs_only([root])
}

fn der(issued: &Issued) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(issued.certificate.as_bytes()).expect("PEM")
}

async fn start(authority: &Authority, tls: &TlsConfig) -> TestServer {
    let (client, tls) = (trusting(authority).build().expect("a client"), tls.clone());
    TestServer::start_for(client, Database::Sqlite, |config| config.tls = tls).await
}

#[tokio::test]
async fn both_protocols_are_spoken_over_both_versions() {
    let authority = Authority::new("tests");
    let server = start(&authority, &Files::new(&authority.issue()).config).await;
    let churn = Churn::read();
    let api = server.api();
    let model = api.serve("churn", churn.model).await;
    let shown = api.get(&format!("/api/v1/model-registry/models/{model}")).await.expect(200);
    let url = shown.json["deployment"]["endpointUrl"].as_str().unwrap_or_default();
    assert!(url.starts_with("https://"), "{}", shown.text);
    for version in [&TLS12, &TLS13] {
        let cases: [(&[&str], Option<&str>); 4] = [
            (&["h2", "http/1.1"], Some("h2")),
            (&["http/1.1", "h2"], Some("h2")),
            (&["http/1.1"], Some("http/1.1")),
            (&[], None),
        ];
        for (offered, agreed) in cases {
            let stream = connect(server.address(), &authority, version, offered).await.expect("TLS");
            let spoken = stream.get_ref().1.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());
            assert_eq!(spoken.as_deref(), agreed, "{version:?} {offered:?}");
            let answered = match agreed {
                Some("h2") => {
                    http2(stream).await.send_request(post("https://localhost/v1/predict/churn", &churn.body)).await
                }
                _ => http1(stream).await.send_request(post("/v1/predict/churn", &churn.body)).await,
            };
            let (status, answer) = read(answered.expect("an answer")).await;
            assert_eq!((status, &answer["predictions"][0]), (200, &churn.label), "{version:?} {offered:?}: {answer}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_handshake_is_answered_or_closed() {
    let authority = Authority::new("tests");
    let files = Files::new(&authority.issue());
    let tls = files.config.clone();
    // The server ends connections on which nothing is asked for long: none is kept to be used again.
    let client = trusting(&authority).pool_max_idle_per_host(0).build().expect("a client");
    let server = TestServer::start_for(client, Database::Sqlite, |config| {
        config.tls = tls;
        config.limits.header_read_seconds = 10;
    })
    .await;
    let cases: [(&str, &[u8], &str); 5] = [
        ("plain HTTP/1.1", b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n", "HTTP/1.1 400"),
        ("plain HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 400"),
        ("garbage", b"\x16\x03\x01\x00\x05hello", ""),
        ("half a handshake", b"\x16\x03\x01", ""),
        ("nothing", b"", ""),
    ];
    // All at once: some are waited for as long as a handshake may take.
    join_all(cases.map(|(name, bytes, expected)| {
        let address = server.address();
        async move {
            let mut stream = TcpStream::connect(address).await.expect("the server accepts");
            stream.write_all(bytes).await.expect("sent");
            let mut answer = Vec::new();
            let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
            assert!(read.is_ok(), "{name}: the connection stays open");
            let answer = String::from_utf8_lossy(&answer);
            assert!(answer.starts_with(expected), "{name}: {answer}");
            assert_eq!(answer.contains("use https://"), !expected.is_empty(), "{name}: {answer}");
        }
    }))
    .await;
    server.api().get("/livez").await.expect(200);
    server.stop().await;
}

#[tokio::test]
async fn new_connections_get_the_new_certificate_and_old_ones_go_on() {
    let authority = Authority::new("tests");
    let (first, second) = (authority.issue(), authority.issue());
    let files = Files::new(&first);
    let server = start(&authority, &files.config).await;
    let churn = Churn::read();
    server.api().serve("churn", churn.model).await;
    let stream = connect(server.address(), &authority, &TLS13, &[]).await.expect("TLS");
    assert_eq!(shown(&stream), der(&first));
    let mut old = http1(stream).await;

    // One file after the other: between the two writes they do not belong together.
    files.write("key.pem", &second.key);
    files.write("chain.pem", &second.certificate);
    let renewed = async {
        loop {
            let stream = connect(server.address(), &authority, &TLS13, &[]).await.expect("TLS never fails");
            if shown(&stream) == der(&second) {
                break;
            }
            let sent = old.send_request(post("/v1/predict/churn", &churn.body)).await;
            assert_eq!(read(sent.expect("the old connection goes on")).await.0, 200);
        }
    };
    tokio::time::timeout(PATIENCE, renewed).await.expect("the new certificate is served");
    let sent = old.send_request(post("/v1/predict/churn", &churn.body)).await;
    assert_eq!(read(sent.expect("the old connection goes on")).await.0, 200);
    server.stop().await;
}

#[tokio::test]
async fn a_hangup_has_files_read_again_that_look_unchanged() {
    let authority = Authority::new("tests");
    let (first, second) = (authority.issue(), authority.issue());
    let files = Files::new(&first);
    let paths = ["chain.pem", "key.pem"].map(|name| files.folder.path().join(name));
    // As many bytes each time, and always the same time: only the signal can say that there is something new.
    let write = |issued: &Issued| {
        for (path, text) in paths.iter().zip([&issued.certificate, &issued.key]) {
            std::fs::write(path, format!("{text:<4096}")).expect("written");
            let file = std::fs::File::options().write(true).open(path).expect("the file");
            file.set_modified(std::time::UNIX_EPOCH).expect("a time");
        }
    };
    write(&first);
    let server = start(&authority, &files.config).await;
    write(&second);
    let hangup = Command::new("kill").args(["-HUP", &std::process::id().to_string()]).status().await;
    assert!(hangup.expect("kill(1) runs").success());
    let renewed = async {
        while shown(&connect(server.address(), &authority, &TLS13, &[]).await.expect("TLS")) != der(&second) {}
    };
    tokio::time::timeout(PATIENCE, renewed).await.expect("the new certificate is served");
    server.stop().await;
}

#[tokio::test]
async fn files_that_cannot_be_used_are_refused_in_words_and_leave_the_old_ones() {
    let authority = Authority::new("tests");
    let (own, other) = (authority.issue(), authority.issue());
    let broken = own.certificate.replace("MII", "!!!");
    let cases = [
        ("key.pem", other.key.as_str(), "does not belong to the certificate in"),
        ("key.pem", own.certificate.as_str(), "holds no private key in PEM form"),
        ("key.pem", "", "holds no private key in PEM form"),
        ("key.pem", "-----BEGIN PRIVATE KEY-----\nsecret\n", "its PEM is broken"),
        ("chain.pem", own.key.as_str(), "holds no certificate in PEM form"),
        ("chain.pem", "", "holds no certificate in PEM form"),
        ("chain.pem", broken.as_str(), "'server.tls_certificate': "),
        ("clients.pem", "nobody", "'server.tls_client_ca': "),
    ];
    for (file, text, words) in cases {
        let mut files = Files::new(&own);
        files.write("clients.pem", &authority.pem());
        if file == "clients.pem" {
            files.config.client_ca = Some(files.folder.path().join("clients.pem"));
        }
        let tls = Tls::configured(&files.config).expect("good files").expect("TLS");
        files.write(file, text);
        let refused = tls.reload().expect_err(file).to_string();
        assert!(refused.contains(words) && !refused.contains("secret"), "{file}: {refused}");
        let at_start = Tls::configured(&files.config).err().map(|error| error.to_string());
        assert_eq!(at_start, Some(refused), "the same at the start");
        if file != "clients.pem" {
            assert_eq!(served_by(tls, &authority).await, der(&own), "{file}");
        }
    }
    let gone = TlsConfig { key: Some("/no/such/key.pem".into()), ..Files::new(&own).config };
    let folder = TempDir::new().expect("a temporary folder");
    let missing = TlsConfig { certificate: Some(folder.path().join("none.pem")), ..gone };
    let refused = Tls::configured(&missing).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refused.contains("'server.tls_certificate': cannot read") && refused.contains("none.pem"), "{refused}");
}

/// The certificate that the next connection gets.
async fn served_by(tls: Tls, authority: &Authority) -> CertificateDer<'static> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let accepted = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        tls.accept(stream).await.map(drop)
    });
    let stream = connect(address, authority, &TLS13, &[]).await.expect("TLS");
    accepted.await.expect("accepted").expect("TLS");
    shown(&stream)
}

#[tokio::test]
async fn clients_prove_who_they_are_where_it_is_asked_for() {
    let (authority, clients) = (Authority::new("servers"), Authority::new("clients"));
    let mut files = Files::new(&authority.issue());
    files.write("clients.pem", &clients.pem());
    files.config.client_ca = Some(files.folder.path().join("clients.pem"));
    let showing = |issued: &Issued| {
        let identity = Identity::from_pem(format!("{}{}", issued.key, issued.certificate).as_bytes());
        trusting(&authority).identity(identity.expect("an identity")).build().expect("a client")
    };
    let tls = files.config.clone();
    let server = TestServer::start_for(showing(&clients.issue()), Database::Sqlite, |config| config.tls = tls).await;
    server.api().get("/livez").await.expect(200);
    let url = format!("https://{}/livez", server.address());
    let strangers = [
        ("no certificate", trusting(&authority).build().expect("a client")),
        ("another authority's", showing(&authority.issue())),
    ];
    for (name, stranger) in strangers {
        assert!(stranger.get(&url).send().await.is_err(), "{name} is refused");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_command_line_trusts_the_authority_that_it_is_told_to() {
    let authority = Authority::new("tests");
    let files = Files::new(&authority.issue());
    files.write("ca.pem", &authority.pem());
    let server = start(&authority, &files.config).await;
    server.api().serve("churn", Churn::read().model).await;
    let url = format!("https://{}", server.address());
    let run = |arguments: &[&str], ca: Option<&Path>| {
        let mut command = Command::new(environment::binary());
        command.args(arguments).args(["--url", &url]).env("SERVOIR_API_KEY", BOOTSTRAP_KEY).env_remove("SERVOIR_CA");
        if let Some(ca) = ca {
            command.arg("--ca").arg(ca);
        }
        async move {
            let output = command.output().await.expect("the binary runs");
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            (output.status.code(), text(&output.stdout), text(&output.stderr))
        }
    };
    let folder = files.folder.path();
    let cases = [
        (Some(folder.join("ca.pem")), 0, ""),
        (None, 1, "cannot reach https://"),
        (Some(folder.join("key.pem")), 2, "it holds none in PEM form"),
        (Some(folder.join("none.pem")), 2, "No such file"),
    ];
    for (ca, expected, words) in cases {
        let (code, _, errors) = run(&["models"], ca.as_deref()).await;
        assert_eq!(code, Some(expected), "{ca:?}: {errors}");
        assert!(errors.contains(words), "{ca:?}: {errors}");
    }
    let ca = folder.join("ca.pem");
    let (code, lines, errors) = run(&["watch", "churn", "--count", "2", "--output", "json"], Some(&ca)).await;
    assert_eq!((code, lines.lines().count()), (Some(0), 2), "{lines}{errors}");
    let mut frames = Frames::default();
    lines.lines().for_each(|line| frames.take(&serde_json::from_str(line).expect("a frame")));
    let (code, lines, errors) = run(&["watch", "churn", "--count", "1"], Some(&ca)).await;
    assert_eq!((code, lines.lines().count()), (Some(0), 2), "a heading and a line: {lines}{errors}");
    let (code, _, errors) = run(&["watch", "nope"], Some(&ca)).await;
    assert_eq!(code, Some(4), "{errors}");
    server.stop().await;
}
