//! One thread of a load: its connections, and the loop that sends when it is time and reads when there is something.

use super::connection::{Connection, Sent};
use super::counted::Counted;
use super::measured::{Measured, Sample};
use super::message::Answer;
use super::plan::{Pace, Plan};
use super::timer::Timer;
use anyhow::Result;
use mio::event::Event;
use mio::{Events, Poll, Token};
use std::time::{Duration, Instant};

/// Every answer of this many is compared.
const SAMPLE_EVERY: u64 = 256;
/// No more are kept by one thread.
const SAMPLES_MAX: usize = 256;
/// No wait is longer, so that the end is not missed.
const WAIT_MAX: Duration = Duration::from_millis(20);
/// How long connecting may take.
const CONNECT_MAX: Duration = Duration::from_secs(600);
/// Connections that are made before answers are read.
const ATTENDED_AFTER: usize = 16;
/// Bytes that are read at once.
const READ_BYTES: usize = 256 * 1024;
/// Events that are taken at once.
const EVENTS: usize = 1024;
/// The timer's token; connections have the numbers from 0.
const TIMER: Token = Token(usize::MAX - 1);

/// A thread's share of a load.
pub struct Driver<'a> {
    plan: &'a Plan,
    poll: Poll,
    timer: Timer,
    connections: Vec<Connection>,
    /// Connections without a request.
    idle: Vec<usize>,
    buffer: Vec<u8>,
    /// Requests sent so far.
    sent: u64,
    arrivals: Arrivals,
    counted: Counted,
}

/// When the requests of an open loop are due on this thread.
struct Arrivals {
    first: Instant,
    /// Seconds between two arrivals; infinite in a closed loop.
    every: f64,
    taken: u64,
}

impl Arrivals {
    /// When the next request is due.
    fn next(&self) -> Option<Instant> {
        self.every.is_finite().then(|| self.first + Duration::from_secs_f64(self.taken as f64 * self.every))
    }
}

impl<'a> Driver<'a> {
    /// Connects the connections of thread `index` of `threads`. Each sends a request at once, because servers end
    /// connections that say nothing, and the answers are read meanwhile, so that the server comes to accepting.
    pub fn new(plan: &'a Plan, index: usize, threads: usize) -> Result<Self> {
        let poll = Poll::new()?;
        let share = plan.connections / threads + usize::from(index < plan.connections % threads);
        let every = match plan.pace {
            Pace::Closed => f64::INFINITY,
            Pace::Open(per_second) => threads as f64 / per_second,
        };
        let (now, later) = (Instant::now(), Instant::now() + CONNECT_MAX);
        let mut driver = Self {
            timer: Timer::new(poll.registry(), TIMER)?,
            idle: Vec::new(),
            buffer: vec![0; READ_BYTES],
            // Threads begin at different requests, so that they do not all send the same one.
            sent: (plan.requests.len() * index / threads) as u64,
            arrivals: Arrivals { first: now, every, taken: 0 },
            counted: Counted { begin: later, end: later, measured: Measured::new(0, plan.duration)? },
            connections: Vec::with_capacity(share),
            plan,
            poll,
        };
        let mut events = Events::with_capacity(EVENTS);
        for connection in 0..share {
            driver.connections.push(driver.open(connection)?);
            driver.send(connection, Instant::now())?;
            if connection % ATTENDED_AFTER == 0 {
                driver.attend_all(&mut events, Duration::ZERO)?;
            }
        }
        Ok(driver)
    }

    fn open(&self, connection: usize) -> Result<Connection> {
        Connection::open(self.plan.target.address, self.poll.registry(), Token(connection))
    }

    /// Drives the load, whose first request is due at `start`; what lies between `begin` and `end` is counted.
    pub fn drive(&mut self, start: Instant, (begin, end): (Instant, Instant)) -> Result<Measured> {
        self.counted.begin = begin;
        self.counted.end = end;
        self.arrivals.first = start;
        let mut events = Events::with_capacity(EVENTS);
        loop {
            let now = Instant::now();
            let is_drained = self.is_closed() || (self.idle.len() == self.connections.len() && !self.is_due(end));
            if (now >= end && is_drained) || now >= end + self.plan.drain || self.has_enough() {
                break;
            }
            let wait = self.send_what_is_due(now)?;
            self.attend_all(&mut events, wait)?;
        }
        self.count_unanswered(end);
        Ok(std::mem::replace(&mut self.counted.measured, Measured::new(0, self.plan.duration)?))
    }

    fn is_closed(&self) -> bool {
        self.plan.pace == Pace::Closed
    }

    /// Whether as many answers were counted as were wanted.
    fn has_enough(&self) -> bool {
        let wanted = self.plan.answers_max.filter(|_| self.is_closed());
        wanted.is_some_and(|most| self.counted.measured.answers() >= most)
    }

    /// Whether a request is due before `moment`.
    fn is_due(&self, moment: Instant) -> bool {
        self.arrivals.next().is_some_and(|due| due < moment)
    }

    /// Sends what is due over the free connections; in a closed loop they are free only when they are new. How long there is nothing to send.
    fn send_what_is_due(&mut self, now: Instant) -> Result<Duration> {
        if self.is_closed() {
            for connection in std::mem::take(&mut self.idle) {
                self.send(connection, now)?;
            }
        }
        while let Some(due) = self.arrivals.next().filter(|due| *due < self.counted.end) {
            if due > now {
                self.timer.set(due - now)?;
                return Ok(WAIT_MAX.min(due - now));
            }
            let Some(connection) = self.idle.pop() else { break };
            self.arrivals.taken += 1;
            self.send(connection, due)?;
        }
        Ok(WAIT_MAX)
    }

    fn send(&mut self, connection: usize, due: Instant) -> Result<()> {
        let request = (self.sent % self.plan.requests.len() as u64) as usize;
        let keep = self.sent.is_multiple_of(SAMPLE_EVERY) && self.counted.measured.samples.len() < SAMPLES_MAX;
        self.sent += 1;
        let bytes = &self.plan.requests[request];
        match self.connections[connection].send(Sent { request, due }, bytes, keep) {
            Ok(()) => Ok(()),
            Err(error) => self.replace(connection, &error),
        }
    }

    /// A connection that broke: counted, made anew, and used again.
    fn replace(&mut self, connection: usize, reason: &anyhow::Error) -> Result<()> {
        *self.counted.measured.broken.entry(reason.to_string()).or_default() += 1;
        self.idle.push(connection);
        self.reopen(connection)
    }

    /// A connection has no request any more.
    fn free(&mut self, connection: usize, now: Instant) -> Result<()> {
        if self.is_closed() && now < self.counted.end {
            return self.send(connection, now);
        }
        self.idle.push(connection);
        Ok(())
    }

    /// Waits for something to happen, and does what is then to be done.
    fn attend_all(&mut self, events: &mut Events, wait: Duration) -> Result<()> {
        match self.poll.poll(events, Some(wait)) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        let mut happened = events.iter().filter(|event| event.token() != TIMER);
        happened.try_for_each(|event| self.attend(event))
    }

    fn attend(&mut self, event: &Event) -> Result<()> {
        let index = event.token().0;
        let connection = &mut self.connections[index];
        let Some(sent) = connection.sent() else {
            // Between two requests a server may end a connection.
            return if event.is_read_closed() { self.reopen(index) } else { Ok(()) };
        };
        let bytes = &self.plan.requests[sent.request];
        let written = if event.is_writable() { connection.write(bytes) } else { Ok(()) };
        match written.and_then(|()| connection.read(&mut self.buffer)) {
            Ok(None) => Ok(()),
            Err(error) => self.replace(index, &error),
            Ok(Some((head, body))) => {
                let now = Instant::now();
                self.counted.answered(sent, (head.status, head.length), now, self.plan.pace);
                if let (200, Some(body)) = (head.status, body) {
                    let answer = Answer { status: head.status, json_bytes: head.json_bytes, body };
                    self.counted.measured.samples.push(Sample { request: sent.request, answer });
                }
                if head.closes {
                    self.reopen(index)?;
                }
                self.free(index, now)
            }
        }
    }

    fn reopen(&mut self, index: usize) -> Result<()> {
        self.connections[index] = self.open(index)?;
        Ok(())
    }

    /// What was due in time and has no answer: an open loop may not forget it.
    fn count_unanswered(&mut self, end: Instant) {
        if self.is_closed() {
            return;
        }
        let now = Instant::now();
        for sent in self.connections.iter().filter_map(Connection::sent) {
            self.counted.unanswered(sent.due, now);
        }
        while let Some(due) = self.arrivals.next().filter(|due| *due < end) {
            self.arrivals.taken += 1;
            self.counted.unanswered(due, now);
        }
    }
}
