//! The load generator against servers that answer, answer wrongly, and stop answering.

use servoir_benches::load::{self, Pace, Plan, Target, post};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// Far longer than a closed loop takes for the answers that it ends with.
const WINDOW: Duration = Duration::from_secs(600);
/// The answers that each thread of a closed loop ends with.
const ANSWERS: u64 = 1000;

/// What a server answers to a request of this number of the connection of this number, both counted from 0; `None`: it
/// says nothing. Connections are numbered as they are made; the first one asks what is answered without load.
type Answers = fn(connection: usize, request: usize) -> Option<&'static str>;

/// Answers requests of one length, until the process ends.
fn serve(listener: TcpListener, request_bytes: usize, answers: Answers) {
    thread::spawn(move || {
        for (connection, stream) in listener.incoming().flatten().enumerate() {
            thread::spawn(move || attend(stream, request_bytes, |request| answers(connection, request)));
        }
    });
}

fn attend(mut stream: TcpStream, request_bytes: usize, answers: impl Fn(usize) -> Option<&'static str>) {
    let mut buffer = vec![0; request_bytes];
    for request in 0.. {
        if stream.read_exact(&mut buffer).is_err() {
            return;
        }
        let Some(body) = answers(request) else { continue };
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn plan(answers: Answers, duration: Duration) -> Plan {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = Target { address: listener.local_addr().unwrap(), path: "/".into(), headers: Vec::new() };
    let request = post(&target, None, b"{}");
    serve(listener, request.len(), answers);
    Plan::new(target, vec![request], 3, duration)
}

/// A closed loop that ends by what was answered, however long that takes.
fn counted(answers: Answers) -> Plan {
    Plan { warm_up: Duration::ZERO, answers_max: Some(ANSWERS), ..plan(answers, WINDOW) }
}

#[test]
fn a_closed_loop_counts_what_was_answered() {
    let seen = load::run(&Plan { threads: 2, ..counted(|_, _| Some("{}")) }).unwrap();
    assert!(seen.succeeded() >= 2 * ANSWERS && seen.statuses.len() == 1 && seen.broken.is_empty());
    assert!(seen.duration < WINDOW && seen.per_second() > seen.succeeded() as f64 / WINDOW.as_secs_f64());
    assert!(seen.checked > 0 && seen.bytes == 2 * seen.succeeded());
    assert!(seen.quantile_us(0.5) > 0.0 && seen.quantile_us(0.5) <= seen.quantile_us(0.99));
}

#[test]
fn an_answer_that_differs_from_the_one_alone_is_an_error() {
    let plan = counted(|connection, _| Some(if connection == 0 { "[1]" } else { "[2]" }));
    let error = load::run(&plan).unwrap_err().to_string();
    assert!(error.contains("under load"), "{error}");
}

#[test]
fn an_open_loop_charges_a_server_that_stalls_with_all_that_waited() {
    // The first request of each connection is answered, and nothing more.
    let duration = Duration::from_millis(200);
    let plan = plan(|_, request| (request == 0).then_some("{}"), duration);
    let seen = load::run(&Plan {
        pace: Pace::Open(1_000.0),
        warm_up: Duration::ZERO,
        drain: Duration::from_millis(100),
        ..plan
    })
    .unwrap();
    // One is due each millisecond from the begin on, the last one before the end.
    assert_eq!(seen.unanswered, 200);
    // The one that was due first has waited longest.
    assert!(seen.quantile_us(1.0) >= 290_000.0 && seen.quantile_us(0.5) >= 190_000.0);
}
