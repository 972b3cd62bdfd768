//! Rounds in which all subjects take turns, so that a busy machine slows all of them alike.

use crate::report::{median, spread};
use std::time::{Duration, Instant};

/// How long one subject runs in one round, about: so short that it mostly is not interrupted.
const TURN: Duration = Duration::from_micros(500);
/// Rounds of subjects whose single run takes no longer than a turn.
const ROUNDS: usize = 201;
/// The least number of rounds, of slow subjects.
const ROUNDS_MIN: usize = 11;
/// How long all rounds of a table may take, about.
const TABLE: Duration = Duration::from_secs(3);

/// Something whose time is taken.
pub struct Subject<'a> {
    name: String,
    /// Runs so many times; how long that took.
    clock: Box<dyn FnMut(u32) -> Duration + 'a>,
    repetitions: u32,
    /// Nanoseconds of one run, one for each round.
    times: Vec<f64>,
}

impl<'a> Subject<'a> {
    /// Something that is done by `run`.
    pub fn new(name: impl Into<String>, mut run: impl FnMut() + 'a) -> Self {
        Self::with_clock(name, move |repetitions| {
            let start = Instant::now();
            for _ in 0..repetitions {
                run();
            }
            start.elapsed()
        })
    }

    /// Something that is run as often as asked, and timed, elsewhere.
    pub fn with_clock(name: impl Into<String>, clock: impl FnMut(u32) -> Duration + 'a) -> Self {
        Self { name: name.into(), clock: Box::new(clock), repetitions: 1, times: Vec::new() }
    }

    /// Finds out how often it can run in one turn. How long a turn takes.
    fn calibrate(&mut self) -> Duration {
        loop {
            let turn = (self.clock)(self.repetitions);
            if turn >= TURN / 2 {
                return turn;
            }
            self.repetitions *= 2;
        }
    }

    fn turn(&mut self) {
        let turn = (self.clock)(self.repetitions);
        self.times.push(turn.as_nanos() as f64 / f64::from(self.repetitions));
    }
}

/// Runs all subjects and prints what each of so many items costs them, in nanoseconds: the median over the rounds, the
/// least, and the least in relation to the first subject's.
pub fn measure(mut subjects: Vec<Subject<'_>>, items: usize) {
    let round: Duration = subjects.iter_mut().map(Subject::calibrate).sum();
    let affordable = (TABLE.as_secs_f64() / round.as_secs_f64()) as usize;
    for _ in 0..affordable.clamp(ROUNDS_MIN, ROUNDS) {
        subjects.iter_mut().for_each(Subject::turn);
    }
    let least = |subject: &Subject<'_>| spread(&subject.times).0 / items as f64;
    let first = subjects.first().map_or(f64::NAN, least);
    for subject in &subjects {
        let (median, least) = (median(&subject.times) / items as f64, least(subject));
        println!("  {:<28} {median:>12.2}   least {least:>12.2}   × {:>6.2}", subject.name, least / first);
    }
    println!();
}
