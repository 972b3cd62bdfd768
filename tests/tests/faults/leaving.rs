//! SIGTERM under load, behind a load balancer that is slow to notice.

use crate::world::{model, question};
use bytes::Bytes;
use futures_util::future::join_all;
use serde_json::Value;
use servoir_codec::grpc::proto::ModelInferRequest;
use servoir_codec::grpc::proto::model_infer_request::InferInputTensor;
use servoir_tests::api::Api;
use servoir_tests::fixture::Fixture;
use servoir_tests::grpc_client::grpc_inference_service_client::GrpcInferenceServiceClient;
use servoir_tests::process::ServerProcess;
use servoir_tests::server::BOOTSTRAP_KEY;
use std::ffi::OsStr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

/// How often the load balancer asks whether the server is ready.
const PROBE_EVERY: Duration = Duration::from_millis(250);
/// How long it takes from what it has seen to the last of those who send requests on its behalf.
const TOLD_AFTER: Duration = Duration::from_millis(700);
/// How long the server goes on, and how long what it is working on then may take.
const DELAY: Duration = Duration::from_secs(20);
const DRAIN: Duration = Duration::from_secs(5);
/// How long before the server's end the load balancer has noticed, however slow the machine is.
const NOTICED_BEFORE: Duration = Duration::from_secs(8);
/// Clients of each kind.
const CLIENTS: usize = 4;
/// Far more than a busy machine takes to end a process that has nothing left to do.
const SLACK: Duration = Duration::from_secs(60);
/// How long a client may be silent within a request, for a server that would wait for it: far longer than all of the above.
const SILENCE_SECONDS: &str = "600";

/// What clients of one kind have seen.
#[derive(Default)]
struct Seen {
    answered: AtomicUsize,
    /// Answers of a server that was on its way out, and how many of them asked the client to come back elsewhere.
    late: AtomicUsize,
    sent_away: AtomicUsize,
    failed: Mutex<Vec<String>>,
}

impl Seen {
    fn add(&self, left: bool, answer: Result<bool, String>) {
        let count = |counter: &AtomicUsize, counts: bool| counter.fetch_add(counts.into(), Ordering::Relaxed);
        match answer {
            Ok(closes) => {
                count(&self.answered, true);
                count(&self.late, left);
                count(&self.sent_away, left && closes);
            }
            Err(why) => self.failed.lock().expect("nobody panicked").push(why),
        }
    }
}

/// What clients of one kind know and see.
struct Clients {
    kind: &'static str,
    /// Whether they are told to come back elsewhere.
    are_sent_away: bool,
    /// Whether the server is among those that get requests, as the load balancer has it, and since when it leaves.
    in_service: watch::Receiver<bool>,
    leaves_since: watch::Receiver<Option<Instant>>,
    seen: Seen,
}

impl Clients {
    /// Sends requests one after the other for as long as the server is in service. `ask` says whether an answer asked for the
    /// connection to be closed.
    async fn ask_all_along(&self, mut ask: impl AsyncFnMut() -> Result<bool, String>) {
        while *self.in_service.borrow() {
            let left = self.leaves_since.borrow().is_some();
            self.seen.add(left, ask().await);
        }
    }

    /// Whether they were answered by a server on its way out, as often as is to be seen.
    fn were_answered_late(&self) -> bool {
        let sent_away = self.seen.sent_away.load(Ordering::Relaxed) > 0;
        self.seen.late.load(Ordering::Relaxed) > CLIENTS && (sent_away || !self.are_sent_away)
    }

    fn check(&self) {
        let Seen { answered, late, sent_away, failed } = &self.seen;
        let kind = self.kind;
        println!("{kind}: {answered:?} answered, {late:?} of them after SIGTERM, {sent_away:?} sent away");
        assert_eq!(*failed.lock().expect("nobody panicked"), Vec::<String>::new(), "{kind}");
        assert!(self.were_answered_late(), "{kind}: answered until the load balancer had noticed, and told so");
    }

    async fn over_http(&self, url: &str, client: reqwest::Client, (path, body): (&str, &Value)) {
        let api = Api::over(client, url, Some(BOOTSTRAP_KEY));
        let ask = async || {
            let answer = api.try_send(api.request(reqwest::Method::POST, path).json(body)).await;
            let answer = answer.map_err(|error| format!("{error:?}"))?;
            match answer.status.as_u16() {
                200 => Ok(answer.header("connection") == "close"),
                _ => Err(format!("{} {}", answer.status, answer.text)),
            }
        };
        self.ask_all_along(ask).await;
    }

    async fn over_grpc(&self, url: &str, message: &ModelInferRequest) {
        let endpoint = tonic::transport::Endpoint::from_shared(url.to_owned()).expect("a URL");
        let client = GrpcInferenceServiceClient::new(endpoint.connect_lazy());
        let ask = async || {
            let mut request = tonic::Request::new(message.clone());
            request.metadata_mut().insert("x-api-key", BOOTSTRAP_KEY.parse().expect("ASCII"));
            client.clone().model_infer(request).await.map(|_| false).map_err(|status| status.to_string())
        };
        self.ask_all_along(ask).await;
    }
}

/// Takes the server out of service some time after it was first seen not ready, and not before each kind of clients has seen that it
/// leaves, if that is in good time.
async fn balance(url: &str, clients: &[Clients], in_service: watch::Sender<bool>) {
    let mut probes = tokio::time::interval(PROBE_EVERY);
    probes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build().expect("an HTTP client");
    let api = Api::over(client, url, None);
    loop {
        probes.tick().await;
        let probed = api.try_send(api.request(reqwest::Method::GET, "/readyz")).await;
        if !probed.is_ok_and(|answer| answer.status == 200) {
            break;
        }
    }
    tokio::time::sleep(TOLD_AFTER).await;
    let left = *clients[0].leaves_since.borrow();
    let is_time = || left.is_none_or(|left| left.elapsed() > DELAY - NOTICED_BEFORE);
    while !is_time() && !clients.iter().all(|clients| clients.were_answered_late()) {
        probes.tick().await;
    }
    in_service.send_replace(false);
}

fn settings() -> [(&'static str, String); 2] {
    [
        ("SERVOIR_SERVER__SHUTDOWN_DELAY_SECONDS", DELAY.as_secs().to_string()),
        ("SERVOIR_SERVER__DRAIN_SECONDS", DRAIN.as_secs().to_string()),
    ]
}

/// The same row as [`question`] as tensors.
fn grpc_question(model: &str) -> ModelInferRequest {
    let fixture = Fixture::read("xgb_binary");
    let row = &Fixture::rows(&fixture.cases[0])[0];
    let (name, _) = fixture.cases[0]["inputs"].as_object().and_then(|inputs| inputs.iter().next()).expect("an input");
    let numbers = row.iter().map(|number| number.as_f64().unwrap_or(f64::NAN) as f32);
    let input = InferInputTensor {
        name: name.clone(),
        datatype: "FP32".into(),
        shape: vec![1, row.len() as i64],
        ..InferInputTensor::default()
    };
    ModelInferRequest {
        model_name: model.to_owned(),
        inputs: vec![input],
        raw_input_contents: vec![Bytes::from(numbers.flat_map(f32::to_le_bytes).collect::<Vec<_>>())],
        ..ModelInferRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_behind_a_load_balancer_that_is_slow_to_notice_fails_no_request() {
    let data = TempDir::new().expect("a temporary folder");
    let settings = settings();
    let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, OsStr::new(value))).collect();
    let server = ServerProcess::start_with(data.path(), &settings).await;
    let api = server.api();
    let model = api.serve("churn", model()).await;
    let (url, path, body) = (api.url().to_owned(), format!("/v1/predict/{model}"), question());
    let message = grpc_question(&model);

    let (take_out, in_service) = watch::channel(true);
    let (leave, leaves_since) = watch::channel(None);
    let clients =
        [("kept connections", true), ("new connections", true), ("gRPC", false)].map(|(kind, are_sent_away)| {
            let (in_service, leaves_since) = (in_service.clone(), leaves_since.clone());
            Clients { kind, are_sent_away, in_service, leaves_since, seen: Seen::default() }
        });
    let [keeping, connecting, calling] = &clients;
    let over_http = async |clients: &Clients, idle| {
        join_all((0..CLIENTS).map(|_| {
            let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(idle).build();
            clients.over_http(&url, client.expect("an HTTP client"), (&path, &body))
        }))
        .await;
    };
    let over_grpc = async { join_all((0..CLIENTS).map(|_| calling.over_grpc(&url, &message))).await };
    let leaving = async {
        // The signal comes in the middle of it all.
        while series(&api, "servoir_requests_total{code=\"200\"").await < 20 * CLIENTS as u64 {}
        let asked = Instant::now();
        leave.send_replace(Some(asked));
        let status = server.terminate().await;
        (status, asked.elapsed())
    };
    let ((status, took), ..) = tokio::join!(
        leaving,
        over_http(keeping, 1),
        over_http(connecting, 0),
        over_grpc,
        balance(&url, &clients, take_out)
    );
    clients.iter().for_each(|clients| clients.check());
    assert!(status.success(), "{status}");
    assert!(took >= DELAY && took <= DELAY + DRAIN + SLACK, "gone after {took:?}");
}

/// The sum of the series that begin so.
async fn series(api: &Api, begin: &str) -> u64 {
    let text = api.get("/metrics").await.expect(200).text;
    let values = text.lines().filter(|line| line.starts_with(begin)).filter_map(|line| line.rsplit(' ').next());
    values.filter_map(|value| value.parse::<f64>().ok()).sum::<f64>() as u64
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_never_ends_its_request_is_not_waited_for_beyond_the_drain_time() {
    let data = TempDir::new().expect("a temporary folder");
    let settings = [("SERVOIR_SERVER__DRAIN_SECONDS", "1"), ("SERVOIR_LIMITS__BODY_IDLE_SECONDS", SILENCE_SECONDS)];
    let server = ServerProcess::start_with(data.path(), &settings.map(|(name, value)| (name, OsStr::new(value)))).await;
    let model = server.api().serve("churn", model()).await;
    let mut endless = TcpStream::connect(server.address()).await.expect("a connection");
    let head = format!(
        "POST /v1/predict/{model} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {BOOTSTRAP_KEY}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\nexpect: 100-continue\r\n\r\n"
    );
    endless.write_all(head.as_bytes()).await.expect("a head");
    // Its body is asked for: from then on it is in flight.
    let mut said = [0; 12];
    endless.read_exact(&mut said).await.expect("a status");
    assert_eq!(&said, b"HTTP/1.1 100");
    let asked = Instant::now();
    let status = server.terminate().await;
    let took = asked.elapsed();
    assert!(status.success(), "{status}");
    assert!(took >= Duration::from_millis(900) && took <= Duration::from_secs(1) + SLACK, "gone after {took:?}");
}
