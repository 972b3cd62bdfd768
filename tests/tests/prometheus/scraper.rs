//! Prometheus itself, and promtool.

use serde_json::Value;
use servoir_tests::environment;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tokio::net::TcpSocket;

/// A file of `deploy/`.
pub fn deploy(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
    folder.join(file).to_str().expect("a path in UTF-8").to_owned()
}

/// What promtool says of `input`, and whether it is content.
pub fn promtool(arguments: &[&str], input: &str) -> (String, bool) {
    let mut command = Command::new(environment::prometheus().join("promtool"));
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("promtool starts");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("promtool reads");
    let output = child.wait_with_output().expect("promtool ends");
    let mut said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        said.push_str(&String::from_utf8_lossy(&output.stdout));
    }
    (said, output.status.success())
}

/// A Prometheus that scrapes one server every second, with the rules of `deploy/`. It ends with this value.
pub struct Scraper {
    process: Child,
    url: String,
    client: reqwest::Client,
    /// Has its port all the time, and never listens: nobody else is given it.
    _place: TcpSocket,
    _folder: tempfile::TempDir,
}

impl Scraper {
    /// Starts it.
    pub fn start(target: SocketAddr) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join("prometheus.yml");
        let text = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: [{:?}]\nscrape_configs:\n\
             - job_name: servoir\n  static_configs: [{{targets: [{:?}]}}]\n",
            deploy("prometheus/servoir.rules.yml"),
            target.to_string()
        );
        std::fs::write(&config, text).expect("the configuration");
        let place = TcpSocket::new_v4().expect("a socket");
        place.set_reuseaddr(true).expect("a port that may be shared with who listens at it");
        place.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
        let address = place.local_addr().expect("a port");
        let process = Command::new(environment::prometheus().join("prometheus"))
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=warn")
            .spawn()
            .expect("prometheus starts");
        let (url, client) = (format!("http://{address}"), reqwest::Client::new());
        Self { process, url, client, _place: place, _folder: folder }
    }

    /// The series that a query gives now; `None` while Prometheus does not answer yet.
    ///
    /// # Panics
    /// When it refuses the query, or has ended.
    pub async fn query(&mut self, query: &str) -> Option<Vec<Value>> {
        let ended = self.process.try_wait().expect("a process of this one");
        assert!(ended.is_none(), "prometheus has ended: {ended:?}");
        let url = reqwest::Url::parse_with_params(&format!("{}/api/v1/query", self.url), [("query", query)]);
        let answer = self.client.get(url.expect("an address")).send().await.ok()?;
        let answer: Value = answer.json().await.ok()?;
        assert_eq!(answer["status"], "success", "{query}: {answer}");
        answer["data"]["result"].as_array().cloned()
    }
}

impl Drop for Scraper {
    fn drop(&mut self) {
        // It writes to a folder that goes away; nobody waits for it to put that in order.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
