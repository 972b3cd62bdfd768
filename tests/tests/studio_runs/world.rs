//! What a run needs: a model with a dataset, a worker, and a client that follows.

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use servoir_tests::api::{Answer, Api};
use servoir_tests::environment;
use servoir_tests::server::{BOOTSTRAP_KEY, Database, TestServer};
use servoir_types::{Digest, random_token};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::Request;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// Far more than anything here takes.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub const KEY: &[(&str, &str)] = &[("x-api-key", BOOTSTRAP_KEY)];

/// Where a server is, and what it keeps.
#[derive(Clone)]
pub struct Place {
    pub api: Api,
    pub address: SocketAddr,
    pub data: PathBuf,
}

/// An executable that runs the scripted worker.
pub fn worker(folder: &Path) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("workers/scripted.py");
    let python = environment::required("SERVOIR_TEST_PYTHON");
    let path = folder.join(format!("worker-{}", random_token(8)));
    std::fs::write(&path, format!("#!/bin/sh\nexec '{python}' -S '{}' \"$@\"\n", script.display())).expect("a file");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).expect("an executable");
    path
}

/// A server in this process whose runs the scripted worker does, at most `runs_max` at once.
pub async fn server(runs_max: usize) -> (TestServer, Place) {
    let server = TestServer::start_with(Database::Sqlite, |config| {
        config.studio.worker = Some(worker(&config.data_dir));
        config.studio.runs_max = runs_max;
    })
    .await;
    let place = Place { api: server.api(), address: server.address(), data: server.data_dir().to_owned() };
    (server, place)
}

impl Place {
    /// A model whose runs do what `script` says; its id.
    pub async fn model(&self, name: &str, script: &str) -> String {
        let id = self.api.create_model(name).await;
        let model = environment::fixtures().join("sklearn_pipeline_columns/model.onnx");
        let bytes = format!("behaviour,target\n{script} model={},1\n", model.display());
        let hex = Digest::of(bytes.as_bytes()).to_hex();
        let folder = self.data.join("artifacts/sha256").join(&hex[..2]);
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(&hex), &bytes).expect("an artifact");
        let dataset = format!("dataset_{}", random_token(16));
        let columns = json!([{"name": "behaviour", "type": "text"}, {"name": "target", "type": "integer"}]);
        let config = json!({"target_column": "target"});
        self.sql(&format!(
            "insert into artifacts (digest, uses, claims, claimed_at, sweeping_since) values ('{hex}', 1, 0, 0, 0) \
             on conflict (digest) do update set uses = artifacts.uses + 1; \
             insert into datasets (id, organization, name, search_text, column_count, preview, format, dialect, row_count, columns, problems, size_bytes, \
             digest, created_by, created_at) values ('{dataset}', 'default', '{dataset}', '{dataset}', 2, '[]', 'csv', \
             '{{\"delimiter\": \",\", \"header\": true}}', 1, '{columns}', '{{}}', {}, '{hex}', 'tests', 0); \
             insert into dataset_links (model, dataset, schema_validated, linked_by, linked_at) \
             values ('{id}', '{dataset}', 1, 'tests', 0); \
             update studio_models set model_type = 'auto', task_type = 'classification', config = '{config}' where model = '{id}'",
            bytes.len()
        ))
        .await;
        id
    }

    /// Runs SQL past the server.
    pub async fn sql(&self, text: &str) {
        let options = SqliteConnectOptions::new().filename(self.data.join("servoir.db")).busy_timeout(PATIENCE);
        let mut connection = options.connect().await.expect("the server's database");
        connection.execute(sqlx::raw_sql(AssertSqlSafe(text.to_owned()))).await.expect("SQL");
        connection.close().await.expect("closed");
    }

    pub async fn train(&self, model: &str, body: Value) -> Answer {
        self.api.post(&format!("/api/v1/models/{model}/train"), body).await
    }

    /// Begins a run; its id.
    pub async fn begin(&self, model: &str) -> String {
        text(&self.train(model, json!({})).await.expect(202).json["run_id"])
    }

    pub async fn run(&self, model: &str, run: &str) -> Value {
        self.api.get(&format!("/api/v1/models/{model}/runs/{run}")).await.expect(200).json
    }

    /// A client that follows a model's latest run, from a frame on if one is given.
    pub async fn follow(&self, model: &str, from: Option<u64>) -> Follower {
        let query = from.map(|from| format!("?from_seq={from}")).unwrap_or_default();
        Follower::open(self.address, model, &query, KEY).await.expect("a socket")
    }

    /// How many files and folders runs have left.
    pub fn leftovers(&self) -> usize {
        let count = |folder: &str| std::fs::read_dir(self.data.join(folder)).map_or(0, Iterator::count);
        count("scratch/runs") + count("scratch/uploads")
    }

    /// How many artifacts there are.
    pub fn artifacts(&self) -> usize {
        let folders = std::fs::read_dir(self.data.join("artifacts/sha256")).expect("artifacts");
        folders.map(|folder| std::fs::read_dir(folder.expect("a folder").path()).expect("artifacts").count()).sum()
    }

    /// The actions of a model's audit entries in their order.
    pub async fn count(&self, query: &str) -> i64 {
        let options = SqliteConnectOptions::new().filename(self.data.join("servoir.db")).busy_timeout(PATIENCE);
        let mut connection = options.connect().await.expect("the server's database");
        let count = sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(&mut connection).await;
        connection.close().await.expect("closed");
        count.expect("a number")
    }
}

/// A text of an answer.
pub fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Whether a process is there and no zombie.
pub fn is_alive(pid: u64) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
}

/// Waits until a process is gone.
pub async fn gone(pid: u64) {
    let waiting = async {
        while is_alive(pid) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.expect("the process ends");
}

/// A client that follows a run, and checks that what comes is in order.
pub struct Follower {
    pub stream: WebSocketStream<TcpStream>,
    /// The number of the last frame; none before the first snapshot.
    pub seq: Option<u64>,
    /// How many snapshots have come.
    pub snapshots: u64,
}

impl Follower {
    /// Opens the socket. Fails with the status that the server answers instead, and the problem's code.
    pub async fn open(
        address: SocketAddr,
        model: &str,
        query: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, (u16, String)> {
        let url = format!("ws://{address}/api/v1/models/{model}/training-metrics/ws{query}");
        let mut request = url.into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().expect("a value"));
        }
        let stream = TcpStream::connect(address).await.expect("the server accepts");
        Self::over(stream, request).await
    }

    /// A client whose system takes little for it while it does not read.
    pub async fn slow(address: SocketAddr, model: &str, buffer_bytes: u32) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(buffer_bytes).expect("a small buffer");
        let stream = socket.connect(address).await.expect("the server accepts");
        let url = format!("ws://{address}/api/v1/models/{model}/training-metrics/ws?from_seq=1");
        let mut request = url.into_client_request().expect("a request");
        request.headers_mut().append("x-api-key", BOOTSTRAP_KEY.parse().expect("a value"));
        Self::over(stream, request).await.expect("a socket")
    }

    async fn over(stream: TcpStream, request: Request<()>) -> Result<Self, (u16, String)> {
        match client_async(request, stream).await {
            Ok((stream, _)) => Ok(Self { stream, seq: None, snapshots: 0 }),
            Err(Error::Http(refused)) => {
                let body: Value =
                    serde_json::from_slice(refused.body().as_deref().unwrap_or_default()).unwrap_or_default();
                Err((refused.status().as_u16(), body["code"].as_str().unwrap_or_default().to_owned()))
            }
            Err(error) => panic!("no answer came: {error}"),
        }
    }

    /// The next frame, or the code that the socket was closed with. The first is a snapshot; every other frame is the next
    /// one, or a snapshot in place of some.
    pub async fn next(&mut self) -> Result<Value, CloseCode> {
        loop {
            let came = tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("a frame in time");
            match came {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text).expect("JSON");
                    let seq = frame["seq"].as_u64().expect("a number");
                    assert!(frame["timestamp"].is_string() && frame["run_id"].is_string(), "{frame}");
                    match (frame["type"] == "snapshot", self.seq) {
                        (true, None) => self.snapshots += 1,
                        (true, Some(last)) => {
                            assert!(seq > last, "a snapshot goes back from {last} to {seq}");
                            self.snapshots += 1;
                        }
                        (false, last) => assert_eq!(Some(seq), last.map(|last| last + 1), "{frame}"),
                    }
                    self.seq = Some(seq);
                    return Ok(frame);
                }
                Some(Ok(Message::Close(Some(close)))) => return Err(close.code),
                Some(Ok(_)) => {}
                end => panic!("the socket ended without a goodbye: {end:?}"),
            }
        }
    }

    /// The first frame that `fits`.
    pub async fn until(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            match self.next().await {
                Ok(frame) if fits(&frame) => return frame,
                Ok(_) => {}
                Err(code) => panic!("before {what}: {code}"),
            }
        }
    }

    /// All that comes to the end, which is code 1000.
    pub async fn until_it_ends(&mut self) -> Vec<Value> {
        let mut frames = Vec::new();
        loop {
            match self.next().await {
                Ok(frame) => frames.push(frame),
                Err(code) => {
                    assert_eq!(code, CloseCode::Normal);
                    return frames;
                }
            }
        }
    }
}
