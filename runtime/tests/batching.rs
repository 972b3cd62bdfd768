//! How requests are queued, batched, ordered, dropped and refused, step by step: the engine stands still until told.

mod support;

use servoir_runtime::faulty::{Faulty, FaultyProgram, Gate, column, row_signature};
use servoir_runtime::{Deployment, Identity, PoolOptions, PredictError, Priority, Request, Statistics};
use servoir_types::{Data, Datatype, ModelId, Shape, Signature, Tensor, TensorSpec};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::{Asked, block_on, past, request, runtime};

/// The row that stops the engine until the gate opens.
const HOLD: f32 = -1.0;
/// The row that the engine fails on, with everything that runs beside it.
const FAIL: f32 = -2.0;
/// The row that it panics on.
const PANIC: f32 = -3.0;

/// An engine that adds a half to each row, and a record of what it ran.
struct Bench {
    deployment: Arc<Deployment>,
    gate: Arc<Gate>,
    ran: Arc<Mutex<Vec<Vec<f32>>>>,
    faulty: Arc<Faulty>,
}

const OPTIONS: PoolOptions = PoolOptions { batch_rows_max: 4, ..support::OPTIONS };

fn start(faulty: &Arc<Faulty>, options: PoolOptions) -> Arc<Deployment> {
    let identity = Identity { model: ModelId::random(), name: "bench".into(), version: 1 };
    Deployment::start(identity, Arc::new(FaultyProgram(Arc::clone(faulty))), options).expect("instances start")
}

impl Bench {
    fn new(options: PoolOptions) -> Self {
        Self::with_signature(options, row_signature())
    }

    fn with_signature(options: PoolOptions, signature: Signature) -> Self {
        let gate = Arc::new(Gate::default());
        let ran: Arc<Mutex<Vec<Vec<f32>>>> = Arc::default();
        let (gate_inside, ran_inside) = (Arc::clone(&gate), Arc::clone(&ran));
        let faulty = Faulty::new(signature, move |inputs| {
            let Data::Fp32(rows) = inputs[0].data() else { return Err("not FP32".into()) };
            ran_inside.lock().unwrap().push(rows.to_vec());
            if rows.contains(&HOLD) {
                gate_inside.pass();
            }
            if rows.contains(&FAIL) {
                return Err("a row cannot be computed".into());
            }
            assert!(!rows.contains(&PANIC), "the engine broke");
            let results = rows.iter().map(|row| row + 0.5).collect();
            Ok(vec![Tensor::new(inputs[0].shape().to_vec(), Data::Fp32(results)).unwrap()])
        });
        let deployment = start(&faulty, options);
        ran.lock().unwrap().clear();
        Self { deployment, gate, ran, faulty }
    }

    /// Stops the instance, so that what is asked next gathers in the queue.
    fn hold(&self) -> Asked<'_> {
        self.gate.shut();
        let held = self.ask(&[HOLD]);
        self.gate.wait_until_held(1);
        held
    }

    fn ask(&self, rows: &[f32]) -> Asked<'_> {
        self.ask_as(rows, Priority::Normal)
    }

    fn ask_as(&self, rows: &[f32], priority: Priority) -> Asked<'_> {
        Asked::of(&self.deployment, Request { inputs: vec![column(rows)], deadline: None, priority, observed: true })
    }

    /// The batches that ran after the one that was held.
    fn batches(&self) -> Vec<Vec<f32>> {
        self.ran.lock().unwrap()[1..].to_vec()
    }
}

fn outputs(asked: Asked<'_>) -> Vec<f32> {
    match asked.answer().expect("the request is answered").outputs[0].data() {
        Data::Fp32(rows) => rows.to_vec(),
        other => panic!("not FP32: {other:?}"),
    }
}

#[test]
fn batches_form_from_what_has_gathered_up_to_the_most_rows() {
    type Rows<'a> = &'a [&'a [f32]];
    let cases: [(Rows<'_>, Rows<'_>); 5] = [
        (&[&[1.0], &[2.0]], &[&[1.0, 2.0]]),
        (&[&[1.0], &[2.0], &[3.0], &[4.0], &[5.0]], &[&[1.0, 2.0, 3.0, 4.0], &[5.0]]),
        (&[&[1.0, 2.0, 3.0], &[4.0, 5.0], &[6.0]], &[&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]]),
        (&[&[1.0, 2.0, 3.0, 4.0, 5.0], &[6.0]], &[&[1.0, 2.0, 3.0, 4.0, 5.0], &[6.0]]),
        (&[&[], &[1.0], &[]], &[&[1.0]]),
    ];
    for (asked, expected) in cases {
        let bench = Bench::new(OPTIONS);
        let held = bench.hold();
        let waiting: Vec<_> = asked.iter().map(|rows| bench.ask(rows)).collect();
        bench.gate.open();
        outputs(held);
        for (waiting, rows) in waiting.into_iter().zip(asked) {
            assert_eq!(outputs(waiting), rows.iter().map(|row| row + 0.5).collect::<Vec<_>>());
        }
        assert_eq!(bench.batches(), expected, "{asked:?}");
    }
}

#[test]
fn higher_priorities_go_first_and_lower_ones_do_not_starve() {
    let bench = Bench::new(PoolOptions { batch_rows_max: 1, ..OPTIONS });
    let held = bench.hold();
    let mut waiting = vec![bench.ask_as(&[300.0], Priority::Low), bench.ask_as(&[200.0], Priority::Normal)];
    let high: Vec<f32> = (0u8..20).map(f32::from).collect();
    waiting.extend(high.iter().map(|&row| bench.ask_as(&[row], Priority::High)));
    bench.gate.open();
    outputs(held);
    waiting.into_iter().for_each(|waiting| drop(outputs(waiting)));
    let order: Vec<f32> = bench.batches().concat();
    let place = |row: f32| order.iter().position(|&ran| ran == row).expect("every request ran");
    assert!((8..=9).contains(&place(200.0)) && (8..=10).contains(&place(300.0)), "{order:?}");
    assert!(order.iter().filter(|&&row| row < 100.0).is_sorted(), "{order:?}");
}

#[test]
fn requests_of_other_shapes_run_in_batches_of_their_own() {
    let spec = |name: &str| TensorSpec::new(name, Datatype::Fp32, Shape::ranked([-1, -1]));
    let signature = Signature { inputs: vec![spec("x")], outputs: vec![spec("y")] };
    let bench = Bench::with_signature(OPTIONS, signature);
    let held = bench.hold();
    let ask = |first: f32, columns: usize| {
        let data = vec![first; columns];
        Asked::of(&bench.deployment, request(vec![Tensor::new(vec![1, columns], Data::Fp32(data.into())).unwrap()]))
    };
    let waiting: Vec<_> = [(1.0, 2), (2.0, 3), (3.0, 2), (4.0, 3)].map(|(first, columns)| ask(first, columns)).into();
    bench.gate.open();
    outputs(held);
    waiting.into_iter().for_each(|waiting| drop(outputs(waiting)));
    assert_eq!(bench.batches(), [vec![1.0, 1.0, 3.0, 3.0], vec![2.0, 2.0, 2.0, 4.0, 4.0, 4.0]]);
}

#[test]
fn whoever_has_gone_or_is_too_late_costs_nothing() {
    let bench = Bench::new(OPTIONS);
    let runtime = runtime();
    let _timer = runtime.enter();
    let held = bench.hold();
    let gone = bench.ask(&[1.0]);
    let late =
        Request { inputs: vec![column(&[2.0])], deadline: Some(past()), priority: Priority::Normal, observed: true };
    let late = Asked::of(&bench.deployment, late);
    let stays = bench.ask(&[3.0]);
    drop(gone);
    assert!(matches!(late, Asked::Answered(Err(PredictError::DeadlineExceeded))));
    bench.gate.open();
    outputs(held);
    assert_eq!(outputs(stays), [3.5]);
    assert_eq!(bench.batches(), [[3.0]]);
}

#[test]
fn an_answer_that_does_not_come_in_time_is_not_waited_for() {
    let bench = Bench::new(OPTIONS);
    let held = bench.hold();
    let deadline = past() + Duration::from_millis(20);
    let late =
        Request { inputs: vec![column(&[2.0])], deadline: Some(deadline), priority: Priority::Normal, observed: true };
    let answer = block_on(async { bench.deployment.predict(late).await });
    assert!(matches!(answer, Err(PredictError::DeadlineExceeded)), "{answer:?}");
    bench.gate.open();
    outputs(held);
    block_on(bench.deployment.idle());
    assert_eq!(bench.batches(), Vec::<Vec<f32>>::new());
}

#[test]
fn a_full_queue_refuses_at_once_and_counts_only_who_still_waits() {
    let cases = [
        (PoolOptions { queue_rows_max: 3, ..OPTIONS }, 3),
        (PoolOptions { queue_bytes_max: 3 * size_of::<f32>(), ..OPTIONS }, 3),
    ];
    for (options, fits) in cases {
        let bench = Bench::new(options.clone());
        let held = bench.hold();
        let mut waiting: Vec<_> = (0..fits).map(|_| bench.ask(&[1.0])).collect();
        match bench.ask(&[2.0]) {
            Asked::Answered(Err(PredictError::QueueFull { rows: 3, retry_after_seconds: 1.. })) => {}
            Asked::Answered(other) => panic!("{options:?}: {other:?}"),
            Asked::Waiting(_) => panic!("{options:?}: it was let in"),
        }
        drop(waiting.pop());
        let after = bench.ask(&[3.0]);
        bench.gate.open();
        outputs(held);
        assert_eq!(outputs(after), [3.5]);
        waiting.into_iter().for_each(|waiting| drop(outputs(waiting)));
        assert_eq!(bench.batches().concat(), [1.0, 1.0, 3.0]);
    }
}

#[test]
fn a_request_that_can_never_fit_is_told_the_limit() {
    let bench = Bench::new(PoolOptions { queue_rows_max: 3, ..OPTIONS });
    let message = bench.ask(&[1.0; 4]).answer().unwrap_err().to_string();
    assert!(message.contains("at most 3 rows, got 4"), "{message}");
}

#[test]
fn only_the_culprit_of_a_failing_batch_fails() {
    for (culprit, words) in [(FAIL, "cannot be computed"), (PANIC, "the engine broke")] {
        let bench = Bench::new(OPTIONS);
        let held = bench.hold();
        let waiting: Vec<_> = [1.0, culprit, 3.0].iter().map(|&row| bench.ask(&[row])).collect();
        bench.gate.open();
        outputs(held);
        let answers: Vec<_> = waiting.into_iter().map(Asked::answer).collect();
        match &answers[1] {
            Err(PredictError::Run(error)) if error.reason.contains(words) => {}
            other => panic!("{other:?}"),
        }
        for (row, answer) in [(1.0, &answers[0]), (3.0, &answers[2])] {
            let answer = answer.as_ref().expect("the others are answered");
            assert_eq!((answer.outputs[0].data(), answer.batch_rows), (&Data::Fp32(vec![row + 0.5].into()), 1));
        }
        assert!(bench.deployment.last_error().is_some_and(|error| error.contains(words)));
        assert_eq!(outputs(bench.ask(&[7.0])), [7.5]);
        assert_eq!(bench.faulty.sessions_made(), if culprit == PANIC { 3 } else { 1 });
    }
}

#[test]
fn what_was_done_is_counted_exactly() {
    let bench = Bench::new(PoolOptions { queue_rows_max: 6, ..OPTIONS });
    assert_eq!(bench.deployment.statistics(), Statistics::default());
    let held = bench.hold();
    let waiting: Vec<_> = [&[1.0][..], &[2.0, 3.0], &[4.0]].map(|rows| bench.ask(rows)).into();
    drop(bench.ask(&[5.0]));
    assert!(matches!(bench.ask(&[6.0; 4]), Asked::Answered(Err(PredictError::QueueFull { .. }))));
    assert!(matches!(bench.ask(&[7.0; 7]), Asked::Answered(Err(PredictError::Mismatch(_)))));
    bench.gate.open();
    outputs(held);
    waiting.into_iter().for_each(|waiting| drop(outputs(waiting)));
    assert!(bench.ask(&[FAIL]).answer().is_err());
    let statistics = bench.deployment.statistics();
    assert!(statistics.last_inference_ms > 0);
    assert_eq!((statistics.inferences, statistics.executions), (5, 2));
    // Who has gone, who found the queue full, and who the engine failed on; a request that does not fit is none.
    assert_eq!((statistics.success.count, statistics.fail.count), (4, 3));
    let Statistics { success, queue, compute_input, compute_infer, compute_output, .. } = &statistics;
    for part in [queue, compute_input, compute_infer, compute_output] {
        assert_eq!(part.count, 4);
        assert!(part.nanos <= success.nanos, "{statistics:?}");
    }
    let sizes: Vec<_> = statistics.batches.iter().map(|batch| (batch.rows, batch.compute_infer.count)).collect();
    assert_eq!(sizes, [(1, 1), (4, 1)]);
}

#[test]
fn copying_into_a_batch_and_out_of_it_takes_its_time() {
    // So many rows that the copies take far longer than any clock's smallest step.
    const ROWS: usize = 1 << 18;
    let bench = Bench::new(PoolOptions {
        batch_rows_max: 4 * ROWS,
        queue_rows_max: 4 * ROWS,
        queue_bytes_max: 64 * ROWS,
        ..OPTIONS
    });
    let held = bench.hold();
    let waiting = [1.0, 2.0].map(|row| bench.ask(&vec![row; ROWS]));
    bench.gate.open();
    outputs(held);
    waiting.into_iter().for_each(|waiting| assert_eq!(outputs(waiting).len(), ROWS));
    let statistics = bench.deployment.statistics();
    let batch = statistics.batches.last().expect("a batch");
    assert_eq!((batch.rows, batch.compute_infer.count), (2 * ROWS, 1));
    assert!(batch.compute_input.nanos > 0 && batch.compute_output.nanos > 0, "{batch:?}");
}

#[test]
fn a_batch_waits_for_company_only_as_long_as_it_is_told_and_not_when_full() {
    let never = Duration::from_secs(3600);
    let bench = Bench::new(PoolOptions { queue_delay_max: never, batch_rows_max: 2, ..OPTIONS });
    let (first, second) = (bench.ask(&[1.0]), bench.ask(&[2.0]));
    assert_eq!((outputs(first), outputs(second)), (vec![1.5], vec![2.5]));
    assert_eq!(*bench.ran.lock().unwrap(), [[1.0, 2.0]]);

    let short = Duration::from_millis(20);
    let bench = Bench::new(PoolOptions { queue_delay_max: short, ..OPTIONS });
    let answer = bench.ask(&[1.0]).answer().expect("the request is answered");
    assert!(answer.queued >= short, "{answer:?}");
}

#[test]
fn a_model_whose_rows_are_not_apart_is_never_batched() {
    let sum = |rows: &[f32]| rows.iter().sum::<f32>();
    let of = |signature: Signature, lies: bool, threshold: f32| {
        Faulty::new(signature, move |inputs| {
            let Data::Fp32(rows) = inputs[0].data() else { return Err("not FP32".into()) };
            let mut results = vec![sum(rows); rows.len()];
            if lies && rows.len() > 1 && rows.iter().all(|&row| row > threshold) {
                results.push(0.0);
            } else if lies {
                results = rows.to_vec();
            }
            Ok(vec![column(&results)])
        })
    };
    // One mixes its rows, which the start finds out; one gives a row too many, and only for rows that the start does not try.
    for (faulty, expected) in [(of(row_signature(), false, 0.0), 1.0), (of(row_signature(), true, 5.0), 1.0)] {
        let deployment = start(&faulty, PoolOptions { queue_delay_max: Duration::from_millis(20), ..OPTIONS });
        let asked: Vec<_> = [10.0, 20.0, 30.0, 40.0, 50.0]
            .map(|row| (row, Asked::of(&deployment, request(vec![column(&[row])]))))
            .into();
        for (row, asked) in asked {
            let answer = asked.answer().expect("the request is answered");
            assert_eq!(answer.outputs, [column(&[row * expected])]);
            assert_eq!(answer.batch_rows, 1);
        }
    }
}

#[test]
fn the_last_handle_ends_the_instances_even_those_that_wait_for_company() {
    let bench = Bench::new(PoolOptions { queue_delay_max: Duration::from_secs(3600), instances: 2, ..OPTIONS });
    let alive = bench.faulty.alive();
    drop(bench.ask(&[1.0]));
    drop(bench);
    alive.wait_until_at_most(0);
}

#[test]
fn a_panic_on_the_first_run_is_told_when_the_deployment_starts() {
    let faulty = Faulty::by_row(|_| panic!("bad weights"));
    let identity = Identity { model: ModelId::random(), name: "bench".into(), version: 1 };
    let error = Deployment::start(identity, Arc::new(FaultyProgram(faulty)), OPTIONS).map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("bad weights"), "{error}");
    let refuses = Faulty::by_row(|row| if row < 5.0 { Err("too small".into()) } else { Ok(row) });
    let deployment = start(&refuses, OPTIONS);
    assert_eq!(outputs(Asked::of(&deployment, request(vec![column(&[6.0])]))), [6.0]);
}

#[test]
fn the_self_check_finds_rows_that_depend_on_their_company() {
    // An honest engine, and one that adds up what runs together once there are more than the two rows of the probe.
    for (honest, different) in [(true, 0), (false, 2)] {
        let gate = Arc::new(Gate::default());
        let inside = Arc::clone(&gate);
        let faulty = Faulty::new(row_signature(), move |inputs| {
            let Data::Fp32(rows) = inputs[0].data() else { return Err("not FP32".into()) };
            if rows.contains(&HOLD) {
                inside.pass();
            }
            let company = if honest || rows.len() < 3 { 0.0 } else { rows.len() as f32 };
            Ok(vec![column(&rows.iter().map(|row| row + company).collect::<Vec<_>>())])
        });
        let deployment = start(&faulty, PoolOptions { check_one_in: 2, ..OPTIONS });
        let ask = |row| {
            let request =
                Request { inputs: vec![column(&[row])], deadline: None, priority: Priority::Normal, observed: true };
            Asked::of(&deployment, request)
        };
        for _ in 0..2 {
            gate.shut();
            let held = ask(HOLD);
            gate.wait_until_held(1);
            let together: Vec<_> = (0..3).map(|row| ask(row as f32)).collect();
            gate.open();
            outputs(held);
            together.into_iter().for_each(|asked| drop(outputs(asked)));
        }
        // What was answered before this run was checked before it, too: one instance does both.
        outputs(ask(9.0));
        // Six requests ran with others: the second was picked, and the fourth. Of one batch no more than one is.
        assert_eq!(deployment.gauges().checks, (2, different));
    }
}

#[test]
fn under_a_latency_target_who_would_wait_longer_is_refused() {
    for (target, refuses) in
        [(Some(Duration::from_nanos(1)), true), (Some(Duration::from_secs(3600)), false), (None, false)]
    {
        let bench = Bench::new(PoolOptions { latency_target: target, ..OPTIONS });
        // What rows cost is known from this one.
        outputs(bench.ask(&[1.0]));
        let held = bench.hold();
        let waits = bench.ask(&[2.0]);
        let behind = bench.ask(&[3.0]);
        bench.gate.open();
        outputs(held);
        outputs(waits);
        match (behind.answer(), refuses) {
            (Err(PredictError::WaitTooLong { rows: 1, retry_after_seconds: 1.., .. }), true) | (Ok(_), false) => {}
            (answer, _) => panic!("{target:?}: {answer:?}"),
        }
    }
}

/// The row that takes the engine two milliseconds.
const SLOW: f32 = -4.0;

/// An engine with a row that it takes its time for, and one at which it stands still.
fn slow(gate: &Arc<Gate>) -> Arc<Faulty> {
    let gate = Arc::clone(gate);
    Faulty::by_row(move |row| {
        let started = Instant::now();
        if row == HOLD {
            gate.pass();
        }
        while row == SLOW && started.elapsed() < Duration::from_millis(2) {
            std::hint::spin_loop();
        }
        Ok(row)
    })
}

/// A refusal without the time that was left, which passes between two of them.
fn timeless(refusal: &PredictError) -> PredictError {
    match refusal.clone() {
        PredictError::DeadlineTooSoon { rows, forecast, retry_after_seconds, .. } => {
            PredictError::DeadlineTooSoon { rows, forecast, left: Duration::ZERO, retry_after_seconds }
        }
        other => other,
    }
}

#[test]
fn who_would_be_answered_too_late_is_refused_at_once_and_what_runs_is_waited_for_too() {
    let minute = Duration::from_secs(60);
    // Rows that run and rows that wait, the latency target, how long the caller waits, and whether it is let in. By the one that
    // was measured a row costs two milliseconds, or a little more. What may run together with a request is waited for too.
    let (alone, together) = (1, 100_000);
    let cases = [
        ((1, 100), None, Some(minute * 60), true),
        ((1, 50_000), None, Some(minute), false),
        ((50_000, 1), None, Some(minute), false),
        ((1, 50_000), None, None, true),
        ((1, 50_000), Some(minute), None, false),
        ((50_000, 1), Some(minute), None, false),
        ((50_000, 0), Some(minute), Some(minute), true),
    ];
    let cases = cases.map(|case| (alone, case)).into_iter().chain([
        (together, ((1, 20_000), Some(minute), None, false)),
        (together, ((1, 100), Some(minute * 60), None, true)),
    ]);
    let runtime = runtime();
    let _timer = runtime.enter();
    for (batch_rows_max, ((run, wait), latency_target, patience, is_let_in)) in cases {
        let gate = Arc::new(Gate::default());
        let options = PoolOptions { latency_target, batch_rows_max, queue_rows_max: 100_000, ..support::OPTIONS };
        let deployment = start(&slow(&gate), options);
        outputs(Asked::of(&deployment, request(vec![column(&[SLOW])])));
        gate.shut();
        let held = Asked::of(&deployment, request(vec![column(&[&[HOLD], &*vec![0.0; run - 1]].concat())]));
        gate.wait_until_held(1);
        let waiting = (wait > 0).then(|| Asked::of(&deployment, request(vec![column(&vec![0.0; wait])])));
        let deadline = patience.map(|patience| Instant::now() + patience);
        let failed = deployment.statistics().fail.count;
        let admitted = deployment.admit(deadline);
        let refused = deployment.statistics().fail.count - failed;
        let asked = Asked::of(&deployment, Request { deadline, ..request(vec![column(&[2.0])]) });
        let case = format!("{run} run, {wait} wait, target {latency_target:?}, patience {patience:?}: {admitted:?}");
        match (is_let_in, &admitted, &asked) {
            (true, Ok(()), Asked::Waiting(_)) => assert_eq!(refused, 0, "{case}"),
            (false, Err(early), Asked::Answered(Err(late))) => {
                assert_eq!(refused, 1, "{case}");
                assert_eq!(timeless(early).to_string(), timeless(late).to_string(), "{case}");
                match latency_target {
                    Some(_) => assert!(matches!(late, PredictError::WaitTooLong { .. }), "{case}"),
                    None => assert!(matches!(late, PredictError::DeadlineTooSoon { .. }), "{case}"),
                }
            }
            _ => panic!("{case}"),
        }
        gate.open();
        drop((held, waiting, asked));
    }
}

#[test]
fn a_full_queue_lets_nobody_in_until_who_has_gone_is_swept_out() {
    let bench = Bench::new(PoolOptions { queue_rows_max: 2, ..OPTIONS });
    let held = bench.hold();
    let waiting = [bench.ask(&[1.0]), bench.ask(&[2.0])];
    let refused = bench.deployment.admit(None);
    assert!(matches!(refused, Err(PredictError::QueueFull { rows: 2, .. })), "{refused:?}");
    drop(waiting);
    bench.deployment.admit(None).expect("nobody waits any more");
    bench.gate.open();
    outputs(held);
}
