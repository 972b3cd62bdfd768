//! How often a version that is no worse is found worse, and how soon one that is: by simulation, from fixed seeds.

use super::comparison::{After, Before, Cause, Limits};
use super::divergence::{Divergence, Part, Tolerated};
use super::observation::{Observation, Runs};
use crate::monitoring::random::Random;
use crate::reconcile::gate::Agreed;

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
    let limits = Limits { risk: 0.2, slower: 2.0, tolerated: Tolerated::default() };
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
    let limits = Limits { risk: 0.001, slower: 2.0, tolerated: Tolerated::default() };
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
    let limits = Limits { risk: 0.001, slower: 2.0, tolerated: Tolerated::default() };
    let mut random = Random::default();
    let worst = Model { errors: 1.0, ..GOOD };
    let (known, mut trial) = (Before::default(), After::default());
    for _ in 0..100 {
        trial.add(&worst.stretch(&mut random), &known, &limits);
        assert_eq!(trial.worse_than(&known, &limits), None, "nobody knows what was before");
    }
}

/// An answer of so many rows, of whose labels and numbers a share is other; in a part of the requests all of them at once, as when
/// rows of one request are alike.
fn answer(apart: f64, random: &mut Random) -> Agreed {
    const ROWS: usize = 8;
    let alike = random.uniform() < 0.5;
    let whole = random.uniform() < apart;
    let differs: Vec<bool> = (0..ROWS).map(|_| if alike { whole } else { random.uniform() < apart }).collect();
    let different = differs.iter().filter(|differs| **differs).count();
    Agreed {
        requests: 1,
        labels: ROWS,
        labels_different: different,
        scores: ROWS,
        // A number that is other is anything from 0 to 2 apart.
        scores_apart: (0..different).map(|_| 2.0 * random.uniform()).sum(),
        ..Agreed::default()
    }
}

/// Requests after which answers are found too far apart, looking after each.
fn diverges(apart: f64, (requests, limits): (usize, &Limits), random: &mut Random) -> Option<(usize, Part)> {
    let mut divergence = Divergence::default();
    (1..=requests).find_map(|request| {
        divergence.add(&answer(apart, random));
        divergence.beyond(limits).map(|diverging| (request, diverging.part))
    })
}

#[test]
fn answers_that_are_no_further_apart_than_is_tolerated_are_seldom_found_so() {
    const TRIALS: usize = 200;
    let mut random = Random::default();
    for apart in [0.01, 0.1, 0.5] {
        // As far as is tolerated, in both: numbers that are other are 1 apart on average, which is half of the most.
        let tolerated = Tolerated { labels: Some(apart), scores: Some(apart / 2.0) };
        // One third of the risk is that of these two limits.
        let limits = Limits { risk: 0.6, slower: 2.0, tolerated };
        let wrong = (0..TRIALS).filter(|_| diverges(apart, (400, &limits), &mut random).is_some()).count();
        assert!(wrong * 5 <= TRIALS, "{wrong} of {TRIALS} with {apart} apart");
    }
}

#[test]
fn answers_that_are_further_apart_are_found_so_soon() {
    let labels = Limits { risk: 0.001, slower: 2.0, tolerated: Tolerated { labels: Some(0.05), scores: None } };
    let scores = Limits { tolerated: Tolerated { labels: None, scores: Some(0.01) }, ..labels };
    let mut random = Random::default();
    let cases = [
        (1.0, &labels, Part::Labels, 5),
        (0.5, &labels, Part::Labels, 40),
        (0.2, &labels, Part::Labels, 300),
        (1.0, &scores, Part::Scores, 15),
        (0.2, &scores, Part::Scores, 500),
    ];
    for (apart, limits, part, within) in cases {
        for _ in 0..50 {
            let (requests, found) = diverges(apart, (1000, limits), &mut random).expect("it diverges");
            assert_eq!(found, part);
            assert!(requests <= within, "{part:?} after {requests} requests with {apart} apart");
        }
    }
}

#[test]
fn what_is_not_limited_is_not_found() {
    let limits = Limits { risk: 0.5, slower: 2.0, tolerated: Tolerated::default() };
    let mut random = Random::default();
    assert_eq!(diverges(1.0, (1000, &limits), &mut random), None);
}
