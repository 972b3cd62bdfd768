//! The load generator against servers that answer, answer wrongly, and stop answering.

use servoir_benches::load::{self, Pace, Plan, Target, post};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// Long enough for a thread to come to work on a machine that is busy.
const WINDOW: Duration = Duration::from_millis(500);

/// What a server answers to the request of this number, counted from 0; `None`: it says nothing any more.
type Answers = fn(usize) -> Option<&'static str>;

/// A server of requests of one length, until the process ends.
fn server(request_bytes: usize, answers: Answers) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let count = Arc::clone(&count);
            thread::spawn(move || serve(stream, request_bytes, answers, &count));
        }
    });
    address
}

fn serve(mut stream: TcpStream, request_bytes: usize, answers: Answers, count: &AtomicUsize) {
    let mut request = vec![0; request_bytes];
    while stream.read_exact(&mut request).is_ok() {
        let Some(body) = answers(count.fetch_add(1, Ordering::SeqCst)) else { continue };
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn plan(answers: Answers, duration: Duration) -> Plan {
    let somewhere = Target { address: ([127, 0, 0, 1], 65_535).into(), path: "/".into(), headers: Vec::new() };
    let request = post(&somewhere, None, b"{}");
    // Ports have as many digits, so that all requests are of one length.
    let target = Target { address: server(request.len(), answers), ..somewhere };
    Plan::new(target, vec![request], 3, duration)
}

#[test]
fn a_closed_loop_counts_what_was_answered() {
    let plan = plan(|_| Some("{}"), WINDOW);
    let seen = load::run(&Plan { threads: 2, ..plan }).unwrap();
    assert!(seen.succeeded() > 0 && seen.statuses.len() == 1 && seen.broken.is_empty());
    assert!(seen.checked > 0 && seen.bytes == 2 * seen.succeeded());
    assert!(seen.quantile_us(0.5) > 0.0 && seen.quantile_us(0.5) <= seen.quantile_us(0.99));
}

#[test]
fn an_answer_that_differs_from_the_one_alone_is_an_error() {
    let plan = plan(|number| Some(if number == 0 { "[1]" } else { "[2]" }), WINDOW);
    let error = load::run(&plan).unwrap_err().to_string();
    assert!(error.contains("under load"), "{error}");
}

#[test]
fn an_open_loop_charges_a_server_that_stalls_with_all_that_waited() {
    // One answer alone, and one on each connection; then nothing more.
    let duration = Duration::from_millis(200);
    let plan = plan(|number| (number < 4).then_some("{}"), duration);
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
