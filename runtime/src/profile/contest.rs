//! Ways to share the cores, measured beside each other: at every number of rows those that fall behind are let go, so that the time
//! goes to those that may be chosen.

use super::{Curve, Point};
use crate::batch::is_batchable;
use crate::engine::{Program, Session, caught};
use crate::pool::rows_of;
use servoir_types::Tensor;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The longest time for one point of a curve, where a run is shorter than that.
const POINT_MAX: Duration = Duration::from_millis(60);
/// The shortest.
const POINT_MIN: Duration = Duration::from_millis(1);
/// A run of so many times that long is measured once, cold.
const COLD: u32 = 3;
/// The most runs of a point.
const RUNS_MAX: usize = 10_000;
/// A way that answers so much less than the best one at the same number of rows is not measured further.
const BEHIND: f64 = 0.15;

/// One way, with its sessions.
pub struct Contender {
    program: Arc<dyn Program>,
    sessions: Vec<Box<dyn Session>>,
    curve: Curve,
    is_out: bool,
}

impl Contender {
    /// `curve` says which way it is, and has no points. `None` when a session cannot be made.
    pub fn new(program: Arc<dyn Program>, curve: Curve) -> Option<Self> {
        let sessions = sessions(&program, curve.instances)?;
        Some(Self { program, sessions, curve, is_out: false })
    }

    /// The point of so many rows; from then on it is out when there is no time for it, or the model refuses made-up inputs.
    fn measure(&mut self, rows: usize, until: Instant) {
        // A cold run and one more, twice as long as those before. One point there is in any case.
        let expected = self.curve.points.last().map_or(0.0, |last| 2.0 * 2.0 * last.micros / 1e6);
        let is_in_time = Duration::from_secs_f64(expected) <= until.saturating_duration_since(Instant::now());
        let is_wanted = self.curve.points.is_empty() || is_in_time;
        match is_wanted.then(|| point(&self.program, &mut self.sessions, (rows, until))).flatten() {
            Some(point) => self.curve.points.push(point),
            None => self.is_out = true,
        }
    }
}

/// The curves of all, as far as the time goes and they do not fall behind; of those that could be measured at all. In powers of two,
/// up to `rows_max` where rows of several requests may share a run.
pub fn contest(mut contenders: Vec<Contender>, rows_max: usize, until: Instant) -> Vec<Curve> {
    let is_batchable = contenders.first().is_some_and(|first| is_batchable(first.program.signature()));
    let rows_max = if is_batchable { rows_max.max(1) } else { 1 };
    let mut rows = 1;
    loop {
        for contender in contenders.iter_mut().filter(|contender| !contender.is_out) {
            contender.measure(rows, until);
        }
        let last = |contender: &Contender| contender.curve.points.last().copied().filter(|last| last.rows == rows);
        let best = contenders.iter().filter_map(last).map(|point| point.rows_per_second).fold(0.0, f64::max);
        for contender in &mut contenders {
            // One row alone says little of more.
            let is_behind = |point: Point| rows > 1 && point.rows_per_second < best * (1.0 - BEHIND);
            contender.is_out |= last(contender).is_none_or(is_behind);
        }
        if rows >= rows_max || contenders.iter().all(|contender| contender.is_out) {
            break;
        }
        rows = (rows * 2).min(rows_max);
    }
    contenders.into_iter().map(|contender| contender.curve).filter(|curve| !curve.points.is_empty()).collect()
}

/// As many sessions; `None` when one cannot be made.
pub fn sessions(program: &Arc<dyn Program>, count: usize) -> Option<Vec<Box<dyn Session>>> {
    (0..count).map(|_| caught(|| program.session()).ok()?.ok()).collect()
}

/// One size of batch on all sessions at once; `None` when the model refuses made-up inputs.
pub fn point(
    program: &Arc<dyn Program>,
    sessions: &mut [Box<dyn Session>],
    (rows, until): (usize, Instant),
) -> Option<Point> {
    let inputs = rows_of(program.signature(), rows)?;
    let left = until.saturating_duration_since(Instant::now());
    let time = (left / 8).clamp(POINT_MIN, POINT_MAX);
    let inputs = inputs.as_slice();
    let runs = std::thread::scope(|scope| {
        let mut threads = Vec::with_capacity(sessions.len());
        for session in sessions {
            let thread = std::thread::Builder::new().name("servoir-profile".into());
            threads.push(thread.spawn_scoped(scope, move || run_for(&mut **session, inputs, time)));
        }
        threads.into_iter().map(|thread| thread.ok()?.join().ok()?).collect::<Option<Vec<_>>>()
    })?;
    let micros = runs.iter().sum::<f64>() / runs.len() as f64;
    let rows_per_second = runs.iter().map(|micros| rows as f64 * 1e6 / micros).sum();
    Some(Point { rows, micros, rows_per_second })
}

/// Runs a session once to warm up, and then for a time but at least once, and says how long a run takes in the middle, in
/// microseconds. Where one run takes much longer than all of them should, it is the only one.
fn run_for(session: &mut dyn Session, inputs: &[Tensor], time: Duration) -> Option<f64> {
    let mut outputs = Vec::new();
    let mut run = || {
        let started = Instant::now();
        let result = caught(|| session.run(inputs, &mut outputs));
        matches!(result, Ok(Ok(()))).then(|| started.elapsed())
    };
    let first = run()?;
    if first > time * COLD {
        return Some(first.as_secs_f64() * 1e6);
    }
    let until = Instant::now() + time;
    let mut runs = Vec::new();
    while runs.is_empty() || (Instant::now() < until && runs.len() < RUNS_MAX) {
        runs.push(run()?);
    }
    runs.sort_unstable();
    Some(runs[runs.len() / 2].as_secs_f64() * 1e6)
}
