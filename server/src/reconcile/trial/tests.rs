//! How often a version that is no worse is found worse, and how soon one that is: by simulation, from fixed seeds.

use super::comparison::{After, Before, Cause, Limits};
use super::observation::{Observation, Runs};
use crate::monitoring::random::Random;

/// A version as far as a trial sees it.
#[derive(Clone, Copy)]
struct Model {
    /// The share of requests that fail.
    errors: f64,
    /// What a run takes, in microseconds, give or take a third.
    micros: f64,
    /// The share of stretches in which something else holds the processor up, and everything takes five times as long.
    disturbed: f64,
}

const GOOD: Model = Model { errors: 0.002, micros: 2000.0, disturbed: 0.02 };

/// Requests of a stretch.
const REQUESTS: u64 = 20;

impl Model {
    fn stretch(self, random: &mut Random) -> Observation {
        let factor = if random.uniform() < self.disturbed { 5.0 } else { 1.0 };
        let errors = (0..REQUESTS).filter(|_| random.uniform() < self.errors).count() as u64;
        let nanos =
            |random: &mut Random| (self.micros * factor * (2.0 / 3.0 + random.uniform() * 2.0 / 3.0) * 1e3) as u64;
        let count = REQUESTS - errors;
        let runs = Runs { rows: 1, count, nanos: (0..count).map(|_| nanos(random)).sum() };
        Observation { requests: REQUESTS, errors, runs: vec![runs] }
    }
}

/// Stretches after which the version is found worse, looking after each.
fn found(
    before: Model,
    after: Model,
    (stretches, limits): (usize, &Limits),
    random: &mut Random,
) -> Option<(usize, Cause)> {
    let (mut known, mut trial) = (Before::default(), After::default());
    (0..super::observation::REMEMBERED_MAX).for_each(|_| known.add(&before.stretch(random), limits));
    (1..=stretches).find_map(|stretch| {
        trial.add(&after.stretch(random), &known, limits);
        trial.worse_than(&known, limits).map(|worse| (stretch, worse.cause))
    })
}

#[test]
fn a_version_that_is_no_worse_is_seldom_found_worse() {
    // Far more risk than anybody would take, so that the simulation could tell if it were exceeded.
    let limits = Limits { risk: 0.2, slower: 2.0 };
    const TRIALS: usize = 100;
    let mut random = Random::default();
    let cases = [
        GOOD,
        Model { errors: 0.0, ..GOOD },
        Model { errors: 0.3, ..GOOD },
        Model { disturbed: 0.3, ..GOOD },
        Model { micros: 10.0, disturbed: 0.5, ..GOOD },
    ];
    for model in cases {
        let mut wrong = 0;
        for _ in 0..TRIALS {
            wrong += usize::from(found(model, model, (200, &limits), &mut random).is_some());
        }
        let most = (limits.risk * TRIALS as f64) as usize;
        assert!(wrong <= most, "{wrong} of {TRIALS} with {} errors, {} disturbed", model.errors, model.disturbed);
    }
}

#[test]
fn a_version_that_is_worse_is_found_so_soon() {
    let limits = Limits { risk: 0.001, slower: 2.0 };
    let mut random = Random::default();
    let cases = [
        (Model { errors: 1.0, ..GOOD }, Cause::Errors, 1),
        (Model { errors: 0.5, ..GOOD }, Cause::Errors, 3),
        (Model { errors: 0.1, ..GOOD }, Cause::Errors, 40),
        (Model { micros: 20_000.0, ..GOOD }, Cause::Latency, 15),
        (Model { micros: 5_000.0, ..GOOD }, Cause::Latency, 15),
    ];
    for (model, cause, within) in cases {
        for _ in 0..100 {
            let (stretches, why) = found(GOOD, model, (300, &limits), &mut random).expect("it is worse");
            assert_eq!(why, cause);
            assert!(stretches <= within, "{cause:?} after {stretches} stretches with {} errors", model.errors);
        }
    }
}

#[test]
fn what_is_unknown_is_not_held_against_a_version() {
    let limits = Limits { risk: 0.001, slower: 2.0 };
    let mut random = Random::default();
    let worst = Model { errors: 1.0, ..GOOD };
    let (known, mut trial) = (Before::default(), After::default());
    for _ in 0..100 {
        trial.add(&worst.stretch(&mut random), &known, &limits);
        assert_eq!(trial.worse_than(&known, &limits), None, "nobody knows what was before");
    }
}
