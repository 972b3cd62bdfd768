//! What is asked on one thread in one turn of its loop runs together there, when that was measured to cost less.

mod support;

use servoir_runtime::faulty::{Faulty, FaultyProgram, column};
use servoir_runtime::{Answer, Deployment, Identity, PoolOptions, PredictError, Request};
use servoir_types::{Data, ModelId};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use support::{profile, request, runtime};

/// The row that the engine fails on.
const FAIL: f32 = -2.0;
/// The row that it panics on.
const PANIC: f32 = -3.0;
/// Turns after which company is expected that came in each of them: time for some looks, one in 61 requests.
const TURNS: usize = 100;

/// Eight rows at once cost hardly more than one.
const CHEAPER: [(usize, f64); 4] = [(1, 10.0), (2, 10.5), (4, 11.0), (8, 12.0)];

const OPTIONS: PoolOptions =
    PoolOptions { batch_rows_max: 8, inline_cost_max: Duration::from_micros(11), ..support::OPTIONS };

/// An engine that adds a half to each row and remembers its runs.
struct Bench {
    deployment: Arc<Deployment>,
    runs: Arc<Mutex<Vec<Vec<f32>>>>,
}

impl Bench {
    fn new(points: &[(usize, f64)], options: PoolOptions) -> Self {
        let runs: Arc<Mutex<Vec<Vec<f32>>>> = Arc::default();
        let ran = Arc::clone(&runs);
        let faulty = Faulty::new(servoir_runtime::faulty::row_signature(), move |inputs| {
            let Data::Fp32(rows) = inputs[0].data() else { return Err("not FP32".into()) };
            ran.lock().unwrap().push(rows.to_vec());
            assert!(!rows.contains(&PANIC), "the engine broke");
            if rows.contains(&FAIL) {
                return Err("a row cannot be computed".into());
            }
            Ok(vec![column(&rows.iter().map(|row| row + 0.5).collect::<Vec<_>>())])
        });
        let identity = Identity { model: ModelId::random(), name: "bench".into(), version: 1 };
        let options = PoolOptions { profile: Some(profile(points)), ..options };
        let deployment = Deployment::start(identity, Arc::new(FaultyProgram(faulty)), options).expect("it starts");
        Self { deployment, runs }
    }

    /// Asks all of this in one turn of a thread's loop.
    fn turn(&self, requests: Vec<Request>) -> Vec<Result<Answer, PredictError>> {
        self.runs.lock().unwrap().clear();
        runtime().block_on(async {
            let ask = |request| {
                let deployment = Arc::clone(&self.deployment);
                tokio::spawn(async move { deployment.predict(request).await })
            };
            let mut answers = Vec::new();
            for asked in requests.into_iter().map(ask).collect::<Vec<_>>() {
                answers.push(asked.await.expect("nothing panics"));
            }
            answers
        })
    }

    /// The same with a request of one row for each of these; their answers where there are any.
    fn rows(&self, rows: &[f32]) -> Vec<Option<f32>> {
        let answers = self.turn(rows.iter().map(|&row| request(vec![column(&[row])])).collect());
        let row = |answer: Result<Answer, _>| match answer.ok()?.outputs[0].data() {
            Data::Fp32(rows) => Some(rows[0]),
            other => panic!("not FP32: {other:?}"),
        };
        answers.into_iter().map(row).collect()
    }

    /// The rows of each run of the last turn.
    fn runs(&self) -> Vec<usize> {
        self.runs.lock().unwrap().iter().map(Vec::len).collect()
    }

    /// Until company is expected on this thread.
    fn expect_company(&self) {
        (0..TURNS).for_each(|_| _ = self.rows(&[1.0; 8]));
        assert_eq!(self.runs()[0], 8);
    }
}

#[test]
fn requests_of_one_turn_run_together_and_each_gets_its_own_rows() {
    let bench = Bench::new(&CHEAPER, OPTIONS);
    assert_eq!((bench.deployment.inline_rows_max(), bench.deployment.inline_batch_rows_max()), (4, 8));
    bench.expect_company();
    for (count, runs) in [(2, &[2][..]), (7, &[7]), (8, &[8]), (19, &[8, 8, 3])] {
        let rows: Vec<f32> = (0..count).map(|row| row as f32).collect();
        let answers = bench.rows(&rows);
        assert_eq!(answers, rows.iter().map(|row| Some(row + 0.5)).collect::<Vec<_>>());
        assert_eq!(bench.runs(), runs, "{count}");
    }
    // Requests of several rows too; what does not fit with the others runs alone.
    let rows = [&[1.0, 2.0][..], &[3.0], &[4.0, 5.0, 6.0], &[7.0, 8.0, 9.0, 10.0]];
    let answers = bench.turn(rows.iter().map(|rows| request(vec![column(rows)])).collect());
    for (rows, answer) in rows.iter().zip(answers) {
        let expected: Vec<f32> = rows.iter().map(|row| row + 0.5).collect();
        assert_eq!(answer.unwrap().outputs, [column(&expected)]);
    }
    assert_eq!(bench.runs(), [4, 6]);
    let statistics = bench.deployment.statistics();
    assert_eq!(statistics.fail.count, 0);
    assert_eq!(statistics.batches.iter().map(|batch| batch.compute_infer.count).sum::<u64>(), statistics.executions);
}

#[test]
fn where_company_gains_nothing_each_runs_at_once() {
    let linear = [(1, 10.0), (2, 20.0), (4, 40.0), (8, 80.0)];
    let unbatched = PoolOptions { batch_rows_max: 1, ..OPTIONS };
    for (points, options) in [(linear, OPTIONS), (CHEAPER, unbatched)] {
        let bench = Bench::new(&points, options);
        assert_eq!(bench.deployment.inline_batch_rows_max(), 0);
        for _ in 0..TURNS {
            assert_eq!(bench.rows(&[1.0; 8]), [Some(1.5); 8]);
            assert_eq!(bench.runs(), [1; 8]);
        }
    }
}

#[test]
fn who_fails_fails_alone() {
    for (culprit, words) in [(FAIL, "a row cannot be computed"), (PANIC, "it panicked: the engine broke")] {
        let bench = Bench::new(&CHEAPER, OPTIONS);
        bench.expect_company();
        assert_eq!(bench.rows(&[1.0, culprit, 3.0]), [Some(1.5), None, Some(3.5)]);
        // Together, and then each alone.
        assert_eq!(bench.runs(), [3, 1, 1, 1]);
        assert!(bench.deployment.last_error().is_some_and(|last| last.contains(words)));
        let statistics = bench.deployment.statistics();
        assert_eq!((statistics.fail.count, bench.deployment.gauges().in_flight), (1, 0));
        assert_eq!(bench.rows(&[1.0, 2.0]), [Some(1.5), Some(2.5)]);
    }
}

#[test]
fn who_goes_away_is_not_run_and_leaves_nobody_waiting() {
    let bench = Bench::new(&CHEAPER, OPTIONS);
    bench.expect_company();
    bench.runs.lock().unwrap().clear();
    let ask = |row: f32| Box::pin(bench.deployment.predict(request(vec![column(&[row])])));
    let mut context = Context::from_waker(Waker::noop());
    runtime().block_on(async {
        let (mut first, mut second, mut third) = (ask(1.0), ask(2.0), ask(3.0));
        for asked in [&mut first, &mut second, &mut third] {
            assert!(asked.as_mut().poll(&mut context).is_pending());
        }
        assert_eq!(bench.deployment.gauges().in_flight, 3);
        drop(second);
        // The others are run then, and their answers wait for them.
        assert_eq!(bench.runs(), [2]);
        for (asked, expected) in [(third, 3.5), (first, 1.5)] {
            let Poll::Ready(Ok(answer)) = pin!(asked).as_mut().poll(&mut context) else { panic!("an answer") };
            assert_eq!(answer.outputs, [column(&[expected])]);
        }
        // One that is alone is not run at all.
        let mut alone = ask(4.0);
        assert!(alone.as_mut().poll(&mut context).is_pending());
        drop(alone);
    });
    assert_eq!((bench.runs(), bench.deployment.gauges().in_flight), (vec![2], 0));
}

/// Whoever is polled again runs all that wait, also when the first of them never is.
#[test]
fn nobody_waits_for_another_to_be_polled() {
    let bench = Bench::new(&CHEAPER, OPTIONS);
    bench.expect_company();
    let ask = |row: f32| Box::pin(bench.deployment.predict(request(vec![column(&[row])])));
    let mut first = ask(1.0);
    assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let second = runtime().block_on(ask(2.0)).unwrap();
    assert_eq!((second.outputs, second.batch_rows), (vec![column(&[2.5])], 2));
    assert_eq!(runtime().block_on(first).unwrap().outputs, [column(&[1.5])]);
}

#[test]
fn who_waited_too_long_is_told_so() {
    let bench = Bench::new(&CHEAPER, OPTIONS);
    bench.expect_company();
    let late = |deadline| Request { deadline: Some(deadline), ..request(vec![column(&[2.0])]) };
    // The thread is busy until after the deadline.
    let deadline = Instant::now() + Duration::from_millis(50);
    runtime().block_on(async {
        let mut first = Box::pin(bench.deployment.predict(request(vec![column(&[1.0])])));
        let mut second = Box::pin(bench.deployment.predict(late(deadline)));
        let mut context = Context::from_waker(Waker::noop());
        assert!(first.as_mut().poll(&mut context).is_pending());
        let asked = second.as_mut().poll(&mut context);
        while Instant::now() < deadline {}
        let error = match asked {
            Poll::Ready(answer) => answer.unwrap_err(),
            Poll::Pending => second.await.unwrap_err(),
        };
        assert!(matches!(error, PredictError::DeadlineExceeded), "{error}");
        assert_eq!(first.await.unwrap().outputs, [column(&[1.5])]);
    });
}

#[test]
fn answers_of_a_turn_are_checked() {
    let bench = Bench::new(&CHEAPER, PoolOptions { check_one_in: 4, ..OPTIONS });
    bench.expect_company();
    let checked = bench.deployment.gauges().checks.0;
    bench.rows(&[1.0; 8]);
    // One run of eight, and again the first of two whose turn it was.
    assert_eq!(bench.runs(), [8, 1]);
    assert_eq!(bench.deployment.gauges().checks, (checked + 1, 0));
}
