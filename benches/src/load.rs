//! A load generator for HTTP/1.1, over connections that are kept.
//!
//! Why one of our own and not wrk, h2load or oha: one tool has both loops, open and closed; in the open loop a request's
//! latency counts from the moment it was to be sent, so that a server that stalls cannot hide the requests that waited for
//! it ("coordinated omission"); the server's processor time per request is measured with it; answers are compared with
//! what the same request was answered alone; and a run is one line of JSON.
//!
//! On a machine that it shares with the server it must cost little: one write and one read per request, no allocation
//! per request, and a parser that knows the status and the length of an answer and no more.

mod check;
mod connection;
mod counted;
mod driver;
mod measured;
mod message;
mod plan;
mod response;
mod timer;
mod v2;

pub use measured::Measured;
pub use message::{Answer, Target, exchange, post};
pub use plan::{Pace, Plan, Watched};
pub use v2::{Form, Model};

use crate::process::Usage;
use anyhow::{Result, ensure};
use check::Expected;
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

/// How often threads that end by what they have counted are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Runs a plan: connects, warms up, measures, and compares a sample of the answers.
///
/// # Errors
/// When the server cannot be reached, does not answer a request of the plan with 200 when asked alone, or answered one of
/// the sample otherwise than then.
pub fn run(plan: &Plan) -> Result<Measured> {
    ensure!(
        !plan.requests.is_empty() && plan.connections > 0 && plan.threads > 0,
        "a load has requests and connections"
    );
    let expected = Expected::of(plan)?;
    let threads = plan.threads.min(plan.connections);
    let mut drivers =
        (0..threads).map(|index| driver::Driver::new(plan, index, threads)).collect::<Result<Vec<_>>>()?;
    // One moment for all threads, however long the system takes to start them: arrivals count from it.
    let start = Instant::now();
    let begin = start + plan.warm_up;
    let end = begin + plan.duration;
    let (mut measured, used, own) = thread::scope(|scope| -> Result<_> {
        let running: Vec<_> =
            drivers.iter_mut().map(|driver| scope.spawn(move || driver.drive(start, (begin, end)))).collect();
        let readings = || Ok::<_, anyhow::Error>((plan.watched.read()?, Usage::of(std::process::id())?));
        thread::sleep(begin.saturating_duration_since(Instant::now()));
        let before = readings()?;
        let left = || end.saturating_duration_since(Instant::now());
        match plan.answers_max {
            None => thread::sleep(left()),
            Some(_) => {
                while !left().is_zero() && !running.iter().all(ScopedJoinHandle::is_finished) {
                    thread::sleep(left().min(LOOK_EVERY));
                }
            }
        }
        let duration = begin.elapsed().min(plan.duration);
        let after = readings()?;
        let mut all = Measured::new(plan.connections, duration)?;
        for thread in running {
            all.add(thread.join().map_err(|_| anyhow::anyhow!("a thread of the load panicked"))??)?;
        }
        Ok((all, after.0.since(before.0), after.1.since(before.1)))
    })?;
    measured.checked = expected.compare(&measured.samples)?;
    measured.server_cpu = used;
    measured.own_cpu = own.all;
    measured.resident_bytes = plan.watched.resident_bytes()?;
    Ok(measured)
}
