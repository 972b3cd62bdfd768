//! Every answer is its own request's, none is lost and none is given twice: whatever fits together or not, fails, expires, is let be
//! or is refused, while instances come and go and answers are checked.

use crate::question::{Question, model};
use crate::start;
use crate::support::{self, Asked, Dice, block_on, runtime};
use servoir_runtime::{Deployment, PoolOptions, PredictError, Priority, Request, Tap, Unfit};
use servoir_types::Tensor;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const CLIENTS: usize = 8;
const REQUESTS: usize = 250;

/// The most that a client has asked and not yet heard of.
const OPEN_MAX: u64 = 4;

/// How a run differs from others.
#[derive(Debug, Clone, Copy)]
struct Case {
    instances: usize,
    batch_rows_max: usize,
    delay_micros: u64,
    /// Widths that rows may have.
    widths: u64,
    /// See [`PoolOptions::check_one_in`].
    check_one_in: u64,
    /// Whether all run on the thread that asks, together where they are asked in one turn.
    is_near: bool,
    /// Whether clients change how many instances there are; the most is then twice as many as there were.
    is_scaled: bool,
}

const CASE: Case = Case {
    instances: 1,
    batch_rows_max: 16,
    delay_micros: 0,
    widths: 1,
    check_one_in: 0,
    is_near: false,
    is_scaled: false,
};

const CASES: [Case; 12] = [
    Case { batch_rows_max: 1, ..CASE },
    CASE,
    Case { instances: 3, batch_rows_max: 4, ..CASE },
    Case { instances: 2, delay_micros: 200, ..CASE },
    Case { instances: 4, batch_rows_max: 64, delay_micros: 50, ..CASE },
    Case { widths: 3, ..CASE },
    Case { instances: 3, delay_micros: 200, widths: 3, check_one_in: 3, ..CASE },
    Case { instances: 2, batch_rows_max: 1, widths: 2, is_scaled: true, ..CASE },
    Case { instances: 2, widths: 3, check_one_in: 1, is_scaled: true, ..CASE },
    Case { instances: 3, batch_rows_max: 64, delay_micros: 50, widths: 2, check_one_in: 5, is_scaled: true, ..CASE },
    Case { is_near: true, ..CASE },
    Case { is_near: true, batch_rows_max: 4, widths: 2, check_one_in: 2, ..CASE },
];

/// How often each question was answered, by those who answer.
#[derive(Clone)]
struct Given(Arc<[AtomicUsize]>);

impl Tap for Given {
    fn answered(&self, inputs: &[Tensor], outputs: &[Tensor], _: usize) {
        // A panic would not be heard of here: answers that are another's are counted nowhere, and are missing.
        if let Some(number) = Question::number_of(inputs).filter(|number| Question::number_of(outputs) == Some(*number))
        {
            self.0[number].fetch_add(1, Ordering::Relaxed);
        }
    }

    fn refused(&self, _: Unfit) {}
}

/// What the clients of one run saw.
#[derive(Default)]
struct Seen {
    answered: AtomicUsize,
    failed: AtomicUsize,
    refused: AtomicUsize,
    expired: AtomicUsize,
    gone: AtomicUsize,
    misshapen: AtomicUsize,
    together: AtomicUsize,
}

struct Client<'a> {
    case: Case,
    deployment: &'a Deployment,
    seen: &'a Seen,
    given: &'a Given,
    runtime: tokio::runtime::Runtime,
    dice: Dice,
}

/// A question that was asked.
struct Open<'a> {
    question: Question,
    has_deadline: bool,
    asked: Asked<'a>,
}

impl<'a> Client<'a> {
    /// Asks all its questions, a few at a time, and hears of them in any order.
    fn work(mut self, client: usize) {
        let mut open = Vec::new();
        for turn in 0..REQUESTS {
            let question = Question::new(client * REQUESTS + turn, self.case.widths, &mut self.dice);
            open.extend(self.ask(question));
            if self.case.is_scaled && self.dice.roll(20) == 0 {
                let instances = 1 + self.roll(2 * self.case.instances);
                self.deployment.scale_to(instances).expect("instances start");
            }
            let stay_open = self.roll(OPEN_MAX as usize);
            while open.len() > stay_open {
                let next = self.roll(open.len());
                self.hear(open.swap_remove(next));
            }
        }
        open.into_iter().for_each(|open| self.hear(open));
    }

    fn roll(&mut self, sides: usize) -> usize {
        usize::try_from(self.dice.roll(sides as u64)).unwrap_or(0)
    }

    /// Asks, unless the question has a mistake and is answered so.
    fn ask(&mut self, question: Question) -> Option<Open<'a>> {
        let deadline = match self.dice.roll(10) {
            0 => Some(Instant::now() + Duration::from_micros(self.dice.roll(400))),
            _ => None,
        };
        let priority = [Priority::High, Priority::Normal, Priority::Low][self.roll(3)];
        let is_misshapen = self.dice.roll(30) == 0;
        let inputs = if is_misshapen { question.misshapen(&mut self.dice) } else { question.inputs() };
        let asked = {
            let _timer = self.runtime.enter();
            Asked::of(self.deployment, Request { inputs, deadline, priority, observed: true })
        };
        if is_misshapen {
            assert!(matches!(asked, Asked::Answered(Err(PredictError::Mismatch(_)))));
            count(&self.seen.misshapen);
            return None;
        }
        Some(Open { question, has_deadline: deadline.is_some(), asked })
    }

    /// Waits for the answer, or goes away.
    fn hear(&mut self, Open { question, has_deadline, asked }: Open<'a>) {
        let answer = match asked {
            Asked::Answered(answer) => answer,
            Asked::Waiting(waiting) if self.dice.roll(8) == 0 => {
                drop(waiting);
                return count(&self.seen.gone);
            }
            Asked::Waiting(waiting) => self.runtime.block_on(waiting),
        };
        let (number, seen) = (question.number, self.seen);
        let given = self.given.0[number].load(Ordering::Relaxed);
        match answer {
            Ok(answer) => {
                assert_eq!(answer.outputs, question.answer(), "question {number}");
                assert!(!question.is_culprit(), "question {number}");
                assert_eq!(given, usize::from(question.rows > 0), "question {number}");
                assert!(answer.batch_rows <= self.case.batch_rows_max.max(question.rows), "{}", answer.batch_rows);
                count(&seen.answered);
                seen.together.fetch_add(usize::from(answer.batch_rows > question.rows), Ordering::Relaxed);
            }
            Err(PredictError::Run(error)) => {
                assert!(question.is_culprit(), "question {number} failed for another: {error}");
                count(&seen.failed);
            }
            Err(PredictError::DeadlineExceeded | PredictError::DeadlineTooSoon { .. }) => {
                assert!(has_deadline, "question {number}");
                count(&seen.expired);
            }
            Err(PredictError::QueueFull { .. }) => {
                assert_eq!(given, 0, "question {number}");
                count(&seen.refused);
            }
            Err(other) => panic!("question {number}: {other}"),
        }
    }
}

fn count(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn no_row_ever_reaches_anothers_answer_and_none_is_lost_or_answered_twice() {
    for case in CASES {
        let faulty = model();
        let alive = faulty.alive();
        let options = PoolOptions {
            instances: case.instances,
            batch_rows_max: case.batch_rows_max,
            queue_delay_max: Duration::from_micros(case.delay_micros),
            queue_rows_max: 64,
            check_one_in: case.check_one_in,
            inline_rows_max: case.is_near.then_some(64),
            profile: case.is_near.then(|| support::profile(&[(1, 100.0), (64, 101.0)])),
            ..support::OPTIONS
        };
        let deployment = start(faulty, 1, options);
        let given = Given((0..CLIENTS * REQUESTS).map(|_| AtomicUsize::new(0)).collect());
        deployment.set_tap(Some(Box::new(given.clone())));
        let seen = Seen::default();
        std::thread::scope(|scope| {
            for number in 0..CLIENTS {
                let (dice, runtime) = (Dice::new(number as u64 + 1), runtime());
                let client = Client { case, deployment: &deployment, seen: &seen, given: &given, runtime, dice };
                scope.spawn(move || client.work(number));
            }
        });
        block_on(deployment.idle());
        let gauges = deployment.gauges();
        assert_eq!((gauges.in_flight, gauges.queue_rows), (0, 0), "{case:?}");
        let counts = [&seen.answered, &seen.failed, &seen.gone, &seen.refused, &seen.expired, &seen.misshapen];
        let [answered, failed, gone, refused, expired, misshapen] = counts.map(|count| count.load(Ordering::Relaxed));
        let lost = failed + gone + refused + expired;
        assert_eq!(answered + lost + misshapen, CLIENTS * REQUESTS, "{case:?}");
        assert!(answered > 500 && failed > 0 && gone > 0 && misshapen > 0, "{answered} {failed} {gone} {misshapen}");
        let statistics = deployment.statistics();
        let counted = (statistics.success.count, statistics.fail.count);
        assert_eq!(counted, (answered as u64, lost as u64), "{case:?}");
        // Who had gone may have been answered all the same, once.
        assert!(given.0.iter().all(|given| given.load(Ordering::Relaxed) <= 1), "{case:?}");
        let batches = case.batch_rows_max > 1;
        assert_eq!(seen.together.load(Ordering::Relaxed) > 0, batches, "{case:?}");
        let (checked, differed) = gauges.checks;
        assert_eq!((checked > 0, differed), (batches && case.check_one_in > 0, 0), "{case:?}");
        if case.is_scaled {
            // Those that leave, leave; and who is left answers.
            deployment.scale_to(1).expect("nothing has to start");
            alive.wait_until_at_most(1);
            let mut dice = Dice::new(0);
            for question in (0..8).map(|number| Question::new(number, case.widths, &mut dice)) {
                let asked = Asked::of(&deployment, support::request(question.inputs()));
                let expected = (!question.is_culprit()).then(|| question.answer());
                assert_eq!(asked.answer().ok().map(|answer| answer.outputs), expected, "{case:?}");
            }
        } else {
            assert_eq!(gauges.instances, case.instances, "{case:?}");
        }
        drop(deployment);
        alive.wait_until_at_most(0);
    }
}
