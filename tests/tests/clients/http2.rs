//! curl and h2load: HTTP/2 on the port that speaks HTTP/1.1, and compressed bodies.

use crate::world::{echo_body, key_header, succeeds};
use servoir_tests::fixture::Fixture;
use servoir_tests::server::TestServer;
use tokio::process::Command;

/// A server with `echo_FP32`, and the address of its inference.
async fn serving() -> (TestServer, String) {
    let server = TestServer::start().await;
    server.api().serve("echo_FP32", Fixture::read("echo_FP32").model).await;
    let url = format!("{}/v2/models/echo_FP32/infer", server.url());
    (server, url)
}

fn curl(url: &str) -> Command {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--fail-with-body", "--noproxy", "*", "--header", &key_header()]);
    command.args(["--write-out", "\n%{http_version} %{http_code}", url]);
    command
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
        let answer: serde_json::Value = serde_json::from_str(answer).expect("JSON");
        assert_eq!(answer["outputs"][0]["data"], serde_json::json!([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), "{version}");
    }
    server.stop().await;
}

#[tokio::test]
async fn h2load_gets_an_answer_to_every_request() {
    const REQUESTS: usize = 2000;
    let (server, url) = serving().await;
    let body = server.data_dir().join("body.json");
    std::fs::write(&body, echo_body()).expect("written");
    let mut h2load = Command::new("h2load");
    h2load.args(["--requests", &REQUESTS.to_string(), "--clients", "4", "--max-concurrent-streams", "16"]);
    h2load.args(["--header", &key_header(), "--header", "content-type: application/json", "--data"]).arg(&body);
    let said = succeeds(h2load.arg(&url)).await;
    let all = format!("{REQUESTS} done, {REQUESTS} succeeded, 0 failed, 0 errored, 0 timeout");
    assert!(said.contains(&all), "{said}");
    assert!(said.contains(&format!("status codes: {REQUESTS} 2xx, 0 3xx, 0 4xx, 0 5xx")), "{said}");
    assert!(said.contains("Application protocol: h2c"), "{said}");
    server.stop().await;
}
