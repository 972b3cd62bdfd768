//! curl and h2load: HTTP/2 on the port that speaks HTTP/1.1.

use crate::world::{echo_body, key_header, succeeds};
use serde_json::{Value, json};
use servoir::config::TlsConfig;
use servoir_tests::fixture::Fixture;
use servoir_tests::server::{Database, TestServer};
use tokio::process::Command;

/// A server with `echo_FP32`, and the address of its inference. The client is to trust what the configuration serves with.
pub async fn serving_over(client: reqwest::Client, tls: TlsConfig) -> (TestServer, String) {
    let server = TestServer::start_for(client, Database::Sqlite, |config| config.tls = tls).await;
    server.api().serve("echo_FP32", Fixture::read("echo_FP32").model).await;
    let url = format!("{}/v2/models/echo_FP32/infer", server.url());
    (server, url)
}

async fn serving() -> (TestServer, String) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    serving_over(client, TlsConfig::default()).await
}

/// curl with the key, which writes the answer and, in a line of its own, the version of HTTP and the status.
pub fn curl(url: &str) -> Command {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--fail-with-body", "--noproxy", "*", "--header", &key_header()]);
    command.args(["--write-out", "\n%{http_version} %{http_code}", url]);
    command
}

/// Sends requests with h2load; what it says.
///
/// # Panics
/// When not every request is answered with success.
pub async fn h2load(server: &TestServer, url: &str) -> String {
    const REQUESTS: usize = 2000;
    let body = server.data_dir().join("body.json");
    std::fs::write(&body, echo_body()).expect("written");
    let mut h2load = Command::new("h2load");
    h2load.args(["--requests", &REQUESTS.to_string(), "--clients", "4", "--max-concurrent-streams", "16"]);
    h2load.args(["--header", &key_header(), "--header", "content-type: application/json", "--data"]).arg(&body);
    let said = succeeds(h2load.arg(url)).await;
    let all = format!("{REQUESTS} done, {REQUESTS} succeeded, 0 failed, 0 errored, 0 timeout");
    assert!(said.contains(&all), "{said}");
    assert!(said.contains(&format!("status codes: {REQUESTS} 2xx, 0 3xx, 0 4xx, 0 5xx")), "{said}");
    said
}

#[tokio::test]
async fn curl_speaks_either_version_on_one_port() {
    let (server, url) = serving().await;
    let rows = [
        ("--http1.1", "1.1 200"),
        ("--http2-prior-knowledge", "2 200"),
        // Over plain TCP this offers an upgrade, which a server may leave alone.
        ("--http2", "1.1 200"),
    ];
    for (version, spoken) in rows {
        let said = succeeds(curl(&url).args([version, "--json", &echo_body()])).await;
        let (answer, told) = said.rsplit_once('\n').expect("what curl writes at its end");
        assert_eq!(told, spoken, "{version}: {said}");
        let answer: Value = serde_json::from_str(answer).expect("JSON");
        assert_eq!(answer["outputs"][0]["data"], json!([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), "{version}");
    }
    server.stop().await;
}

#[tokio::test]
async fn h2load_gets_an_answer_to_every_request() {
    let (server, url) = serving().await;
    let said = h2load(&server, &url).await;
    assert!(said.contains("Application protocol: h2c"), "{said}");
    server.stop().await;
}
