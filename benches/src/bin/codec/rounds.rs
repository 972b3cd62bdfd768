//! Rounds in which all subjects take turns.

use servoir_benches::report::{median, spread};
use std::time::{Duration, Instant};

const ROUNDS: usize = 201;
/// How long one subject runs in one round, about: so short that it mostly is not interrupted.
const TURN: Duration = Duration::from_micros(500);

/// Something whose time is taken.
pub struct Subject<'a> {
    name: String,
    run: Box<dyn FnMut() + 'a>,
    repetitions: u32,
    /// Nanoseconds of one run, one for each round.
    times: Vec<f64>,
}

impl<'a> Subject<'a> {
    /// Something that is done by `run`.
    pub fn new(name: impl Into<String>, run: impl FnMut() + 'a) -> Self {
        Self { name: name.into(), run: Box::new(run), repetitions: 1, times: Vec::with_capacity(ROUNDS) }
    }

    fn turn(&mut self) -> Duration {
        let start = Instant::now();
        for _ in 0..self.repetitions {
            (self.run)();
        }
        start.elapsed()
    }

    /// Finds out how often it can run in one turn.
    fn calibrate(&mut self) {
        while self.turn() < TURN / 2 {
            self.repetitions *= 2;
        }
    }
}

/// Runs all subjects and prints what each value costs them: the median over the rounds, and the least.
pub fn measure(mut subjects: Vec<Subject<'_>>, values: usize) {
    subjects.iter_mut().for_each(Subject::calibrate);
    for _ in 0..ROUNDS {
        for subject in &mut subjects {
            let time = subject.turn().as_nanos() as f64 / f64::from(subject.repetitions);
            subject.times.push(time / values as f64);
        }
    }
    for subject in &subjects {
        let (least, _) = spread(&subject.times);
        println!("  {:<28} {:>7.2}   least {:>7.2}", subject.name, median(&subject.times), least);
    }
    println!();
}
