//! What is measured to be cheap runs on the thread that asks; everything else waits for an instance.

mod support;

use servoir_runtime::faulty::{Faulty, FaultyProgram, column};
use servoir_runtime::{
    Answer, Curve, Deployment, Device, EngineName, Identity, Point, PoolOptions, PredictError, Priority, Profile,
    Request,
};
use servoir_types::{Data, Datatype, ModelId, Shape, Signature, Tensor, TensorSpec};
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;
use std::time::{Duration, Instant};
use support::{block_on, past};

/// The row that the engine fails on.
const FAIL: f32 = -2.0;
/// The row that it panics on.
const PANIC: f32 = -3.0;

/// So long that every run here is cheap, however busy the machine is.
const LONG: Duration = Duration::from_secs(3600);

const OPTIONS: PoolOptions =
    PoolOptions { batch_rows_max: 8, queue_rows_max: 1000, inline_cost_max: LONG, ..support::OPTIONS };

/// An engine that adds a half to each row and records the threads that it ran on.
struct Bench {
    deployment: Arc<Deployment>,
    threads: Arc<Mutex<Vec<ThreadId>>>,
}

fn start(faulty: Arc<Faulty>, options: PoolOptions) -> Arc<Deployment> {
    let identity = Identity { model: ModelId::random(), name: "bench".into(), version: 1 };
    Deployment::start(identity, Arc::new(FaultyProgram(faulty)), options).expect("instances start")
}

impl Bench {
    fn new(options: PoolOptions) -> Self {
        let threads: Arc<Mutex<Vec<ThreadId>>> = Arc::default();
        let ran = Arc::clone(&threads);
        let faulty = Faulty::by_row(move |row| {
            ran.lock().unwrap().push(std::thread::current().id());
            assert!(row != PANIC, "the engine broke");
            if row == FAIL { Err("a row cannot be computed".into()) } else { Ok(row + 0.5) }
        });
        let deployment = start(faulty, options);
        threads.lock().unwrap().clear();
        Self { deployment, threads }
    }

    fn ask(&self, rows: &[f32], deadline: Option<Instant>) -> Result<Answer, PredictError> {
        let request = Request { inputs: vec![column(rows)], deadline, priority: Priority::Normal, observed: true };
        block_on(self.deployment.predict(request))
    }

    /// Whether everything since the last question ran on this thread.
    fn ran_here(&self) -> bool {
        let here = std::thread::current().id();
        let ran = std::mem::take(&mut *self.threads.lock().unwrap());
        assert!(!ran.is_empty(), "something ran");
        ran.iter().all(|thread| *thread == here)
    }
}

fn values(answer: &Answer) -> &[f32] {
    match answer.outputs[0].data() {
        Data::Fp32(rows) => rows,
        other => panic!("not FP32: {other:?}"),
    }
}

#[test]
fn a_few_rows_run_here_and_many_wait_for_an_instance() {
    let bench = Bench::new(OPTIONS);
    assert_eq!(bench.deployment.inline_rows_max(), 64);
    for (count, here) in [(1, true), (64, true), (65, false)] {
        let rows: Vec<f32> = (0..count).map(|n| n as f32).collect();
        let answer = bench.ask(&rows, None).unwrap();
        assert_eq!(answer.batch_rows, count);
        assert!(values(&answer).iter().zip(&rows).all(|(got, row)| *got == row + 0.5), "{count} rows");
        assert_eq!(bench.ran_here(), here, "{count} rows");
    }
    let statistics = bench.deployment.statistics();
    assert_eq!((statistics.success.count, statistics.inferences, statistics.executions), (3, 130, 3));
}

/// What was measured before is not measured again: by this profile two rows cost as much as is allowed.
#[test]
fn a_profile_says_what_is_cheap() {
    let curve = |threads: usize, micros: &[f64]| Curve {
        engine: EngineName::Tract.as_str().into(),
        device: Device::Cpu,
        instances: 1,
        threads,
        points: (0u32..)
            .zip(micros)
            .map(|(power, &micros)| Point { rows: 1 << power, micros, rows_per_second: 1.0 })
            .collect(),
    };
    let profile = Profile {
        hardware: String::new(),
        curves: vec![curve(2, &[1.0, 1.0, 1.0]), curve(1, &[10.0, 20.0, 40.0])],
        left_out: Vec::new(),
    };
    let options = PoolOptions { profile: Some(Arc::new(profile)), threads: 1, ..OPTIONS };
    for (micros, rows) in [(9, 0), (10, 1), (20, 2), (39, 2), (40, 4)] {
        let options = PoolOptions { inline_cost_max: Duration::from_micros(micros), ..options.clone() };
        assert_eq!(Bench::new(options).deployment.inline_rows_max(), rows, "{micros}");
    }
}

#[test]
fn who_wants_company_or_forbids_it_gets_the_queue() {
    let texts = Signature {
        inputs: vec![TensorSpec::new("x", Datatype::Bytes, Shape::ranked([-1]))],
        outputs: vec![TensorSpec::new("y", Datatype::Bytes, Shape::ranked([-1]))],
    };
    let free = Signature {
        inputs: vec![TensorSpec::new("x", Datatype::Fp32, Shape::ranked([-1, -1]))],
        outputs: vec![TensorSpec::new("y", Datatype::Fp32, Shape::ranked([-1, -1]))],
    };
    let delayed = PoolOptions { queue_delay_max: Duration::from_micros(1), ..OPTIONS };
    let never = PoolOptions { inline_cost_max: Duration::ZERO, ..OPTIONS };
    for options in [delayed, never] {
        let bench = Bench::new(options);
        assert_eq!(bench.deployment.inline_rows_max(), 0);
        bench.ask(&[1.0], None).unwrap();
        assert!(!bench.ran_here());
    }
    // What somebody says counts before what would be measured.
    for (said, expected) in [(0, false), (2, false), (3, true)] {
        let bench = Bench::new(PoolOptions { inline_rows_max: Some(said), ..OPTIONS });
        assert_eq!(bench.deployment.inline_rows_max(), said);
        bench.ask(&[1.0, 2.0, 3.0], None).unwrap();
        assert_eq!(bench.ran_here(), expected, "{said}");
    }
    // What a row costs is not known where its length is free.
    for signature in [texts, free] {
        let echo = Faulty::new(signature, |inputs| Ok(inputs.to_vec()));
        assert_eq!(start(echo, OPTIONS).inline_rows_max(), 0);
    }
}

#[test]
fn a_model_of_one_shape_runs_here_whole() {
    let fixed = |name: &str| TensorSpec::new(name, Datatype::Fp32, Shape::ranked([2, 2]));
    let signature = Signature { inputs: vec![fixed("x")], outputs: vec![fixed("y")] };
    let deployment = start(Faulty::new(signature, |inputs| Ok(inputs.to_vec())), OPTIONS);
    assert_eq!(deployment.inline_rows_max(), 1);
    let input = Tensor::new(vec![2, 2], Data::Fp32(vec![1.0; 4].into())).unwrap();
    let request = Request { inputs: vec![input.clone()], deadline: None, priority: Priority::Normal, observed: true };
    assert_eq!(block_on(deployment.predict(request)).unwrap().outputs, [input]);
}

#[test]
fn what_goes_wrong_here_goes_wrong_for_one_request() {
    let bench = Bench::new(OPTIONS);
    let late = bench.ask(&[1.0], Some(past())).unwrap_err();
    assert!(matches!(late, PredictError::DeadlineExceeded), "{late}");
    for (row, words) in [(FAIL, "a row cannot be computed"), (PANIC, "it panicked: the engine broke")] {
        let error = bench.ask(&[row], None).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(bench.deployment.last_error().is_some_and(|last| last.contains(words)));
        assert_eq!(values(&bench.ask(&[1.0], None).unwrap()), [1.5]);
    }
    let statistics = bench.deployment.statistics();
    assert_eq!((statistics.success.count, statistics.fail.count), (2, 3));
    assert_eq!(bench.deployment.gauges().in_flight, 0);
}

#[test]
fn threads_that_ask_at_once_all_get_their_own_answers() {
    let bench = Bench::new(OPTIONS);
    let threads = 4 * std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let bench = &bench;
            scope.spawn(move || {
                for n in 0..200 {
                    let row = (thread * 1000 + n) as f32;
                    assert_eq!(values(&bench.ask(&[row], None).unwrap()), [row + 0.5]);
                }
            });
        }
    });
    assert_eq!(bench.deployment.statistics().success.count, threads as u64 * 200);
}

#[test]
fn sessions_are_freed_by_the_instances_threads() {
    let faulty = Faulty::by_row(Ok);
    let alive = faulty.alive();
    let deployment = start(faulty, OPTIONS);
    drop(deployment);
    alive.wait_until_at_most(0);
}
