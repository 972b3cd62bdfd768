//! Watching a model over a WebSocket, on the port of everything else.

use crate::Churn;
use crate::frames::Frames;
use crate::wire::{http1, http2, post, read};
use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::Method;
use serde_json::{Value, json};
use servoir_codec::grpc::proto::ModelReadyRequest;
use servoir_tests::api::{Api, REGISTRY};
use servoir_tests::grpc_client::grpc_inference_service_client::GrpcInferenceServiceClient;
use servoir_tests::server::{BOOTSTRAP_KEY, Database, TestServer};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use tonic::transport::Endpoint;

/// Far more than the seconds that a frame may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client that watches.
struct Watcher {
    stream: WebSocketStream<TcpStream>,
    seq: u64,
    frames: Frames,
}

/// What came: a frame, or the end with its code.
#[derive(Debug, PartialEq)]
enum Came {
    Frame(Value),
    Closed(CloseCode),
}

impl Watcher {
    /// Opens the socket of a model. Fails with the status that the server answers instead, and the problem's code.
    async fn open(server: &TestServer, model: &str, headers: &[(&'static str, &str)]) -> Result<Self, (u16, String)> {
        let url = format!("ws://{}{REGISTRY}/models/{model}/live", server.address());
        let mut request = url.into_client_request().expect("a request");
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().expect("a value"));
        }
        let stream = TcpStream::connect(server.address()).await.expect("the server accepts");
        match client_async(request, stream).await {
            Ok((stream, _)) => Ok(Self { stream, seq: 0, frames: Frames::default() }),
            Err(Error::Http(refused)) => {
                let body: Value =
                    serde_json::from_slice(refused.body().as_deref().unwrap_or_default()).unwrap_or_default();
                Err((refused.status().as_u16(), body["code"].as_str().unwrap_or_default().to_owned()))
            }
            Err(error) => panic!("no answer came: {error}"),
        }
    }

    /// The next frame, which has the next number and is of the right kind, or the end.
    async fn next(&mut self) -> Came {
        loop {
            let came = tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("a frame in time");
            match came {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text).expect("JSON");
                    self.seq += 1;
                    assert_eq!(frame["seq"], self.seq, "{frame}");
                    self.frames.take(&frame);
                    return Came::Frame(frame);
                }
                Some(Ok(Message::Close(Some(close)))) => return Came::Closed(close.code),
                Some(Ok(_)) => {}
                end => panic!("the socket ended without a goodbye: {end:?}"),
            }
        }
    }

    /// The first frame that `fits`.
    async fn until(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..PATIENCE.as_secs() {
            match self.next().await {
                Came::Frame(frame) if fits(&frame) => return frame,
                Came::Frame(_) => {}
                end => panic!("before {what}: {end:?}"),
            }
        }
        panic!("no frame with {what}");
    }

    /// Reads frames until the end; its code.
    async fn end(&mut self) -> CloseCode {
        loop {
            if let Came::Closed(code) = self.next().await {
                return code;
            }
        }
    }
}

const KEY: &[(&str, &str)] = &[("x-api-key", BOOTSTRAP_KEY)];

async fn serving() -> (TestServer, Api, String, Churn) {
    let server = TestServer::start().await;
    let churn = Churn::read();
    let api = server.api();
    let model = api.serve("churn", churn.model.clone()).await;
    (server, api, model, churn)
}

#[tokio::test]
async fn a_watcher_sees_traffic_swaps_and_the_end() {
    let (server, api, model, churn) = serving().await;
    let mut watcher = Watcher::open(&server, "churn", KEY).await.expect("a socket");
    let Came::Frame(first) = watcher.next().await else { panic!("no first frame") };
    assert_eq!((&first["type"], &first["modelId"], &first["version"]), (&json!("snapshot"), &json!(model), &json!(1)));
    assert_eq!((&first["state"], &first["engine"]), (&json!("ready"), &json!("trees")));
    assert_eq!((&first["requestsPerSecond"], &first["latencyMs"]), (&json!(0.0), &Value::Null));
    assert!(api.get("/metrics").await.text.contains("servoir_websocket_clients 1"));

    for _ in 0..20 {
        api.post("/v1/predict/churn", churn.body.clone()).await.expect(200);
    }
    api.post("/v1/predict/churn", json!({"instances": [[1]]})).await.expect(422);
    let busy = watcher.until("traffic", |frame| frame["requestsPerSecond"].as_f64() > Some(0.0)).await;
    let latency = &busy["latencyMs"];
    assert!(latency["p50"].as_f64() > Some(0.0) && latency["p50"].as_f64() <= latency["p99"].as_f64(), "{busy}");
    assert_eq!((&busy["batchRows"], &busy["instances"]), (&json!(1.0), &json!(1)), "{busy}");

    api.upload(&model, churn.model.clone()).await.expect(201);
    api.deploy(&model, json!({"version": 2})).await.expect(200);
    let swapped = watcher.until("the new version", |frame| frame["version"] == 2).await;
    assert_eq!(swapped["type"], "snapshot", "{swapped}");

    api.post(&format!("{REGISTRY}/models/{model}/undeploy"), json!({})).await.expect(200);
    assert_eq!(watcher.end().await, CloseCode::Normal);
    server.stop().await;
}

#[tokio::test]
async fn who_may_not_watch_is_told_before_the_upgrade() {
    let (server, api, _, _) = serving().await;
    api.create_model("idle").await;
    let key = |scopes: Value| {
        let api = api.clone();
        async move {
            let made = api.post("/api/v1/auth/api-keys", json!({"name": "w", "scopes": scopes})).await.expect(201);
            made.json["key"].as_str().expect("the key").to_owned()
        }
    };
    let (reader, writer) = (key(json!(["model-registry:read"])).await, key(json!(["model-registry:write"])).await);
    let as_protocol = format!("servoir.v1, bearer.{reader}");
    let alone = format!("bearer.{reader}");
    let own = format!("http://{}", server.address());
    let cases: Vec<(_, Vec<(&'static str, &str)>, _, _)> = vec![
        ("churn", vec![], 401, "credential-missing"),
        ("churn", vec![("x-api-key", "guess")], 401, "api-key-invalid"),
        ("churn", vec![("sec-websocket-protocol", "servoir.v1, bearer.guess")], 401, "token-invalid"),
        ("churn", vec![("x-api-key", &writer)], 403, "scope-required"),
        ("nope", vec![("x-api-key", &reader)], 404, "not-found"),
        ("idle", vec![("x-api-key", &reader)], 409, "not-live"),
        ("churn", vec![("x-api-key", &reader), ("origin", "https://elsewhere.example")], 403, "origin-not-allowed"),
        ("churn", vec![("x-api-key", &reader), ("origin", &own)], 101, ""),
        ("churn", vec![("x-api-key", &reader)], 101, ""),
        ("churn", vec![("sec-websocket-protocol", &as_protocol)], 101, ""),
        ("churn", vec![("sec-websocket-protocol", &alone)], 101, ""),
    ];
    for (model, headers, status, code) in cases {
        match Watcher::open(&server, model, &headers).await {
            Ok(mut watcher) => {
                assert_eq!(status, 101, "{headers:?}");
                assert!(matches!(watcher.next().await, Came::Frame(_)), "{headers:?}");
            }
            Err(refused) => assert_eq!(refused, (status, code.to_owned()), "{headers:?}"),
        }
    }
    let plain = api.get(&format!("{REGISTRY}/models/churn/live")).await.expect(400);
    assert_eq!(plain.code(), "websocket-expected", "{}", plain.text);
    server.stop().await;
}

#[tokio::test]
async fn each_end_has_its_code() {
    let (server, api, _, _) = serving().await;
    let mut loud = Watcher::open(&server, "churn", KEY).await.expect("a socket");
    loud.stream.send(Message::text("x".repeat(70_000))).await.expect("sent");
    assert_eq!(loud.end().await, CloseCode::Size);

    let scopes = json!({"name": "short", "scopes": ["model-registry:read"]});
    let made = api.post("/api/v1/auth/api-keys", scopes).await.expect(201);
    let (id, key) = (made.json["id"].as_str().expect("an id"), made.json["key"].as_str().expect("the key"));
    let mut revoked = Watcher::open(&server, "churn", &[("x-api-key", key)]).await.expect("a socket");
    assert!(matches!(revoked.next().await, Came::Frame(_)));
    api.delete(&format!("/api/v1/auth/api-keys/{id}")).await.expect(204);
    assert_eq!(revoked.end().await, CloseCode::Policy);

    let mut leaving = Watcher::open(&server, "churn", KEY).await.expect("a socket");
    leaving.stream.close(None).await.expect("goodbye");
    while leaving.stream.next().await.is_some() {}

    let mut last = Watcher::open(&server, "churn", KEY).await.expect("a socket");
    let ((), code) = tokio::join!(server.stop(), last.end());
    assert_eq!(code, CloseCode::Away);
}

#[tokio::test]
async fn a_socket_keeps_its_place_among_the_connections() {
    // Its connections end with their requests, so that only those count which the test itself keeps.
    let fleeting = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().expect("a client");
    let server = TestServer::start_for(fleeting, Database::Sqlite, |config| {
        config.limits.connections_max = 4;
        config.limits.header_read_seconds = 600;
    })
    .await;
    let churn = Churn::read();
    let idle = || async { TcpStream::connect(server.address()).await.expect("the server accepts") };
    // One that says nothing, two sockets, and who asks.
    let _quiet = idle().await;
    server.api().serve("churn", churn.model).await;
    let mut one = Watcher::open(&server, "churn", KEY).await.expect("a socket");
    let mut other = Watcher::open(&server, "churn", KEY).await.expect("a socket");
    let metrics = server.api().get("/metrics").await.expect(200).text;
    assert!(
        metrics.contains("servoir_connections 4\n") && metrics.contains("servoir_websocket_clients 2"),
        "{metrics}"
    );
    // Another takes the last place: the third socket needs one that a socket gives back.
    let _another = idle().await;
    for watcher in [&mut one, &mut other] {
        watcher.stream.close(None).await.expect("goodbye");
        while watcher.stream.next().await.is_some() {}
    }
    let third = Watcher::open(&server, "churn", KEY);
    tokio::time::timeout(PATIENCE, third).await.expect("a place is free again").expect("a socket");
    server.stop().await;
}

#[tokio::test]
async fn one_port_speaks_everything_at_the_same_time() {
    let (server, _, _, churn) = serving().await;
    let mut watcher = Watcher::open(&server, "churn", KEY).await.expect("a socket");
    let connect = || async { TcpStream::connect(server.address()).await.expect("the server accepts") };
    let (mut one, mut two) = (http1(connect().await).await, http2(connect().await).await);
    let frames = async {
        let mut seen = 0;
        while seen < 3 {
            seen += usize::from(matches!(watcher.next().await, Came::Frame(_)));
        }
    };
    let first = async {
        for _ in 0..50 {
            let sent = one.send_request(post("/v1/predict/churn", &churn.body)).await;
            assert_eq!(read(sent.expect("an answer")).await.1["predictions"][0], churn.label);
        }
    };
    let second = async {
        for _ in 0..50 {
            let sent = two.send_request(post("http://localhost/v1/predict/churn", &churn.body)).await;
            assert_eq!(read(sent.expect("an answer")).await.1["predictions"][0], churn.label);
        }
    };
    let channel = Endpoint::from_shared(server.url()).expect("a URL").connect().await.expect("a connection");
    let mut grpc = GrpcInferenceServiceClient::new(channel);
    let third = async {
        for _ in 0..50 {
            let mut asked = tonic::Request::new(ModelReadyRequest { name: "churn".into(), version: String::new() });
            asked.metadata_mut().insert("x-api-key", BOOTSTRAP_KEY.parse().expect("a key"));
            assert!(grpc.model_ready(asked).await.expect("an answer").into_inner().ready);
        }
    };
    tokio::join!(frames, first, second, third);
    server.stop().await;
}

#[tokio::test]
async fn a_token_in_the_address_is_no_credential() {
    let (server, api, _, _) = serving().await;
    let path = format!("{REGISTRY}/models/churn/live?access_token={BOOTSTRAP_KEY}");
    let answer = api.with_key(None).send(api.with_key(None).request(Method::GET, &path)).await.expect(401);
    assert_eq!(answer.code(), "credential-missing");
    server.stop().await;
}
