//! The system has no more file descriptors.

use crate::world::{AllAlong, eventually, model, other_model, question};
use serde_json::json;
use servoir_tests::api::Api;
use servoir_tests::process::ServerProcess;
use servoir_tests::server::BOOTSTRAP_KEY;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::TcpStream;

/// Connections that the server has room for, and as many descriptors for everything else.
const PLACES: usize = 128;
/// What the thread that connections of one core live on has open.
const DESCRIPTORS_PER_CORE: usize = 4;
/// Idle clients of a server that loses its descriptors.
const CROWD: usize = 8;
/// How long a caller is watched waiting, and the most processor time that the server may need for it, with a model that is
/// asked by nobody.
const WATCHED: Duration = Duration::from_secs(2);
const IDLE_SHARE_MAX: f64 = 0.2;

/// Idle clients wait as long as the test wants them to.
const PATIENT: (&str, &str) = ("SERVOIR_LIMITS__HEADER_READ_SECONDS", "600");

/// What the server may open, on a machine with so many cores as this one.
fn descriptors() -> usize {
    let cores = std::thread::available_parallelism().expect("a number of cores").get();
    2 * PLACES + DESCRIPTORS_PER_CORE * cores
}

/// A caller that has a new connection for each request.
fn newcomer(server: &ServerProcess) -> Api {
    caller(server, reqwest::Client::builder().pool_max_idle_per_host(0))
}

/// A caller that has one connection and no other, and keeps it. With HTTP/1.1 clients open a second one while the first is on its way
/// back to them.
fn resident(server: &ServerProcess) -> Api {
    caller(server, reqwest::Client::builder().http2_prior_knowledge())
}

fn caller(server: &ServerProcess, client: reqwest::ClientBuilder) -> Api {
    Api::over(client.no_proxy().build().expect("an HTTP client"), server.api().url(), Some(BOOTSTRAP_KEY))
}

async fn idle(server: &ServerProcess, count: usize) -> Vec<TcpStream> {
    let mut connections = Vec::with_capacity(count);
    for _ in 0..count {
        connections.push(TcpStream::connect(server.address()).await.expect("a connection"));
    }
    connections
}

/// Waits until so many connections are open.
async fn connected(api: &Api, count: usize) {
    eventually("connections", async || {
        let text = api.get("/metrics").await.expect(200).text;
        text.lines().any(|line| line == format!("servoir_connections {count}"))
    })
    .await;
}

/// The number that the next descriptor gets.
fn lowest_free_descriptor(server: &ServerProcess) -> usize {
    let open = std::fs::read_dir(format!("/proc/{}/fd", server.id())).expect("the process runs").flatten();
    let open: BTreeSet<usize> = open.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    (0..).find(|number| !open.contains(number)).expect("a number")
}

/// Processor time that a process has used.
fn used(server: &ServerProcess) -> Duration {
    servoir_child::cpu_time(server.id()).expect("the process runs")
}

/// A caller waits who finds no place, and the server does not work for it.
async fn waits_without_work(server: &ServerProcess) {
    let (before, begun) = (used(server), Instant::now());
    let answer = tokio::time::timeout(WATCHED, newcomer(server).get("/livez")).await;
    assert!(answer.is_err(), "there is no place: {answer:?}");
    let share = (used(server) - before).as_secs_f64() / begun.elapsed().as_secs_f64();
    println!("{share:.3} of a core while a caller waited");
    assert!(share < IDLE_SHARE_MAX, "{share} of a core");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_callers_than_descriptors_wait_and_leave_the_server_what_it_needs() {
    let data = TempDir::new().expect("a temporary folder");
    let descriptors = descriptors();
    let limit = format!("--nofile={descriptors}:{descriptors}");
    let patient = [(PATIENT.0, OsStr::new(PATIENT.1))];
    let server = ServerProcess::start_under(&["prlimit", &limit], data.path(), &patient).await;
    let api = resident(&server);
    let model = api.serve("churn", model()).await;
    // More than there are places for, and fewer than would not even be let wait.
    let crowd = idle(&server, PLACES + 30).await;
    connected(&api, PLACES).await;
    assert!(lowest_free_descriptor(&server) < descriptors);
    waits_without_work(&server).await;
    // Who is connected is served, and files, the database and children have what they need.
    let uploaded = api.upload(&model, other_model()).await.expect(201);
    api.deploy(&model, json!({"version": uploaded.json["version"]})).await.expect(200);
    api.post(&format!("/v1/predict/{model}"), question()).await.expect(200);
    drop(crowd);
    newcomer(&server).post(&format!("/v1/predict/{model}"), question()).await.expect(200);
    assert!(server.terminate().await.success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn descriptors_that_are_taken_away_while_it_runs() {
    let data = TempDir::new().expect("a temporary folder");
    let server = ServerProcess::start_with(data.path(), &[(PATIENT.0, OsStr::new(PATIENT.1))]).await;
    let api = resident(&server);
    let model = api.serve("churn", model()).await;
    let limit = |limit: &str| {
        let pid = format!("--pid={}", server.id());
        let set = Command::new("prlimit").args([&pid, &format!("--nofile={limit}:")]).status().expect("prlimit runs");
        assert!(set.success());
    };
    let crowd = idle(&server, CROWD).await;
    connected(&api, CROWD + 1).await;
    limit(&lowest_free_descriptor(&server).to_string());
    waits_without_work(&server).await;
    // Who was connected is served all the same.
    for _ in 0..100 {
        api.post(&format!("/v1/predict/{model}"), question()).await.expect(200);
    }
    drop(crowd);
    // Places that others leave are taken.
    newcomer(&server).post(&format!("/v1/predict/{model}"), question()).await.expect(200);
    limit("1024");
    let load = AllAlong::ask(&api, &model);
    let uploaded = api.upload(&model, other_model()).await.expect(201);
    api.deploy(&model, json!({"version": uploaded.json["version"]})).await.expect(200);
    load.was_well().await;
    assert!(server.terminate().await.success());
}
