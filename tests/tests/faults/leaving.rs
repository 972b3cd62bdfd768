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
use std::sync::Arc;
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
const DELAY: Duration = Duration::from_secs(8);
const DRAIN: Duration = Duration::from_secs(5);
/// Clients of each kind.
const CLIENTS: usize = 4;
/// Far more than a busy machine takes to end a process that has nothing left to do.
const SLACK: Duration = Duration::from_secs(60);
/// How long a client may be silent within a request, for a server that would wait for it: far longer than all of the above.
const SILENCE_SECONDS: &str = "600";

/// What one client has seen.
#[derive(Default)]
struct Seen {
    answered: usize,
    /// Answers of a server that was on its way out, and how many of them asked the client to come back elsewhere.
    late: usize,
    sent_away: usize,
    failed: Vec<String>,
}

impl Seen {
    fn add(&mut self, other: Self) {
        self.answered += other.answered;
        self.late += other.late;
        self.sent_away += other.sent_away;
        self.failed.extend(other.failed);
    }
}

/// Whether the server is among those that get requests, as the load balancer has it, and since when it leaves.
struct Service {
    in_service: watch::Receiver<bool>,
    leaves_since: watch::Receiver<Option<Instant>>,
}

impl Service {
    /// Sends requests one after the other for as long as the server is in service. `ask` says whether an answer asked for the
    /// connection to be closed.
    async fn ask_all_along(&self, mut ask: impl AsyncFnMut() -> Result<bool, String>) -> Seen {
        let mut seen = Seen::default();
        while *self.in_service.borrow() {
            let left = self.leaves_since.borrow().is_some();
            match ask().await {
                Ok(closes) => {
                    seen.answered += 1;
                    seen.late += usize::from(left);
                    seen.sent_away += usize::from(left && closes);
                }
                Err(why) => seen.failed.push(why),
            }
        }
        seen
    }

    async fn over_http(&self, url: &str, client: reqwest::Client, (path, body): (&str, &Value)) -> Seen {
        let api = Api::over(client, url, Some(BOOTSTRAP_KEY));
        let ask = async || {
            let answer = api.try_send(api.request(reqwest::Method::POST, path).json(body)).await;
            let answer = answer.map_err(|error| format!("{error:?}"))?;
            match answer.status.as_u16() {
                200 => Ok(answer.header("connection") == "close"),
                _ => Err(format!("{} {}", answer.status, answer.text)),
            }
        };
        self.ask_all_along(ask).await
    }

    async fn over_grpc(&self, url: &str, message: &ModelInferRequest) -> Seen {
        let endpoint = tonic::transport::Endpoint::from_shared(url.to_owned()).expect("a URL");
        let client = GrpcInferenceServiceClient::new(endpoint.connect_lazy());
        let ask = async || {
            let mut request = tonic::Request::new(message.clone());
            request.metadata_mut().insert("x-api-key", BOOTSTRAP_KEY.parse().expect("ASCII"));
            client.clone().model_infer(request).await.map(|_| false).map_err(|status| status.to_string())
        };
        self.ask_all_along(ask).await
    }
}

/// Takes the server out of service some time after it was first seen not ready.
async fn balance(url: &str, in_service: watch::Sender<bool>) {
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
    let service = Arc::new(Service { in_service, leaves_since });
    let kept = |idle| {
        let (service, url, path, body) = (Arc::clone(&service), url.clone(), path.clone(), body.clone());
        async move {
            let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(idle).build();
            service.over_http(&url, client.expect("an HTTP client"), (&path, &body)).await
        }
    };
    let keeping = join_all((0..CLIENTS).map(|_| kept(1)));
    let connecting = join_all((0..CLIENTS).map(|_| kept(0)));
    let calling = join_all((0..CLIENTS).map(|_| service.over_grpc(&url, &message)));
    let leaving = async {
        // The signal comes in the middle of it all.
        while series(&api, "servoir_requests_total{code=\"200\"").await < 20 * CLIENTS as u64 {}
        let asked = Instant::now();
        leave.send_replace(Some(asked));
        let status = server.terminate().await;
        (status, asked.elapsed())
    };
    let (keeping, connecting, calling, (status, took), ()) =
        tokio::join!(keeping, connecting, calling, leaving, balance(&url, take_out));

    for (kind, seen) in [("kept connections", keeping), ("new connections", connecting), ("gRPC", calling)] {
        let mut all = Seen::default();
        seen.into_iter().for_each(|one| all.add(one));
        println!("{kind}: {} answered, {} of them after SIGTERM, {} sent away", all.answered, all.late, all.sent_away);
        assert_eq!(all.failed, Vec::<String>::new(), "{kind}");
        assert!(all.late > CLIENTS, "{kind}: answered until the load balancer had noticed");
        if kind != "gRPC" {
            assert!(all.sent_away > 0, "{kind}: told to come back elsewhere");
        }
    }
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
