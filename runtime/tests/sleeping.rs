//! Deployments that sleep while nobody asks them anything.

mod support;

use servoir_runtime::faulty::{Faulty, FaultyProgram, Gate, column};
use servoir_runtime::{Deployment, Identity, PoolOptions, PredictError, Program, Request, Scaling};
use servoir_types::{Data, Datatype, ModelId, Shape, Signature, TensorSpec};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use support::{Asked, Dice, OPTIONS, block_on, request, runtime};
use tokio::sync::Notify;

/// Two instances, and none while it sleeps.
const MAY_SLEEP: PoolOptions = PoolOptions {
    instances: 2,
    inline_cost_max: Duration::from_secs(1),
    scaling: Some(Scaling { instances_min: 0, instances_max: 2, utilization: 0.5 }),
    ..OPTIONS
};

/// A program that adds a half to each row.
fn program() -> (Arc<Faulty>, Arc<dyn Program>) {
    let faulty = Faulty::by_row(|row| Ok(row + 0.5));
    (Arc::clone(&faulty), Arc::new(FaultyProgram(faulty)))
}

fn start(program: Arc<dyn Program>, options: PoolOptions) -> Arc<Deployment> {
    let identity = Identity { model: ModelId::random(), name: "sleeper".into(), version: 1 };
    Deployment::start(identity, program, options).expect("instances start")
}

#[track_caller]
fn answered(asked: Asked<'_>, row: f32) {
    let answer = asked.answer().expect("the request is answered");
    let Data::Fp32(rows) = answer.outputs[0].data() else { panic!("not FP32") };
    assert_eq!(rows[..], [row + 0.5]);
}

fn ask(deployment: &Deployment, row: f32) -> Asked<'_> {
    Asked::of(deployment, request(vec![column(&[row])]))
}

#[test]
fn what_sleeps_is_freed_and_what_is_asked_meanwhile_waits_for_it() {
    let (faulty, first) = program();
    let alive = faulty.alive();
    let deployment = start(first, MAY_SLEEP);
    drop(faulty);
    let called = Arc::new(Notify::new());
    deployment.tell_when_called(Arc::clone(&called));
    answered(ask(&deployment, 1.0), 1.0);
    assert!(deployment.fall_asleep() && deployment.is_asleep() && !deployment.is_called());
    alive.wait_until_at_most(0);
    assert!(deployment.program().is_none());
    assert_eq!((deployment.instances_wanted(), deployment.sessions()), (0, 0));
    assert!(!deployment.fall_asleep(), "it sleeps already");
    deployment.scale_to(2).expect("nothing is done");
    assert_eq!(deployment.instances_wanted(), 0);

    let waiting: Vec<_> = [2.0, 3.0, 4.0].map(|row| ask(&deployment, row)).into();
    block_on(called.notified());
    assert!(deployment.is_called());
    let (faulty, again) = program();
    deployment.wake(again).expect("it wakes");
    for (row, asked) in [2.0, 3.0, 4.0].into_iter().zip(waiting) {
        answered(asked, row);
    }
    assert_eq!((deployment.instances_wanted(), faulty.sessions_made(), deployment.is_asleep()), (2, 2, false));
    let (unused, another) = program();
    deployment.wake(another).expect("it is awake");
    assert_eq!(unused.sessions_made(), 0);
    assert_eq!((deployment.statistics().success.count, deployment.requests()), (4, 4));
}

#[test]
fn who_is_asked_something_does_not_fall_asleep() {
    let gate = Arc::new(Gate::default());
    let inside = Arc::clone(&gate);
    let faulty = Faulty::by_row(move |row| {
        if row > 0.0 {
            inside.pass();
        }
        Ok(row + 0.5)
    });
    let deployment = start(Arc::new(FaultyProgram(faulty)), MAY_SLEEP);
    gate.shut();
    let held = ask(&deployment, 1.0);
    gate.wait_until_held(1);
    assert!(!deployment.fall_asleep());
    gate.open();
    answered(held, 1.0);
    assert!(deployment.fall_asleep());
    // What runs where it is asked has nowhere to wait.
    let inline = PoolOptions { scaling: None, ..MAY_SLEEP };
    let always = start(program().1, inline);
    assert!(always.inline_rows_max() > 0 && !always.fall_asleep());
}

#[test]
fn a_failure_to_wake_is_answered_and_another_try_is_made_with_the_next_request() {
    let deployment = start(program().1, MAY_SLEEP);
    assert!(deployment.fall_asleep());
    let spec = |name: &str| TensorSpec::new(name, Datatype::Fp64, Shape::ranked([-1, 1]));
    let signature = Signature { inputs: vec![spec("x")], outputs: vec![spec("y")] };
    let other = Faulty::new(signature, |inputs| Ok(inputs.to_vec()));
    let waiting = ask(&deployment, 1.0);
    let error = deployment.wake(Arc::new(FaultyProgram(other))).expect_err("it is another program");
    assert!(error.to_string().contains("not what it was"), "{error}");
    deployment.refuse_waiting(&PredictError::NotLoaded { reason: error.to_string(), retry_after_seconds: 3 });
    let refused = waiting.answer().expect_err("it is refused");
    assert!(matches!(&refused, PredictError::NotLoaded { retry_after_seconds: 3, .. }), "{refused:?}");
    assert!(deployment.is_asleep() && !deployment.is_called());
    let waiting = ask(&deployment, 2.0);
    deployment.wake(program().1).expect("it wakes");
    answered(waiting, 2.0);
}

#[test]
fn a_request_does_not_wait_longer_than_its_deadline() {
    let deployment = start(program().1, MAY_SLEEP);
    assert!(deployment.fall_asleep());
    let deadline = Some(Instant::now() + Duration::from_millis(1));
    let late = runtime().block_on(deployment.predict(Request { deadline, ..request(vec![column(&[1.0])]) }));
    assert!(matches!(late, Err(PredictError::DeadlineExceeded)), "{late:?}");
    deployment.wake(program().1).expect("it wakes");
    answered(ask(&deployment, 2.0), 2.0);
}

#[test]
fn no_request_is_lost_between_falling_asleep_and_waking() {
    const CLIENTS: u64 = 3;
    const REQUESTS: u64 = 300;
    /// Clients go on until it has slept so often.
    const SLEEPS: u64 = 6;
    let deployment = start(program().1, MAY_SLEEP);
    let called = Arc::new(Notify::new());
    deployment.tell_when_called(Arc::clone(&called));
    let (done, asked, sleeps) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (deployment, done, asked, sleeps) = (&deployment, &done, &asked, &sleeps);
            scope.spawn(move || {
                let mut dice = Dice::new(client + 1);
                let mut number = 0;
                while number < REQUESTS || sleeps.load(Ordering::SeqCst) < SLEEPS {
                    let row = (number * CLIENTS + client) as f32;
                    answered(ask(deployment, row), row);
                    number += 1;
                    (0..dice.roll(200)).for_each(|_| std::thread::yield_now());
                }
                asked.fetch_add(number, Ordering::SeqCst);
                done.fetch_add(1, Ordering::SeqCst);
            });
        }
        let (deployment, called, done) = (&deployment, &called, &done);
        let waking = scope.spawn(move || {
            let mut wakes = 0;
            loop {
                block_on(called.notified());
                if done.load(Ordering::SeqCst) == CLIENTS {
                    return wakes;
                }
                if deployment.is_called() {
                    deployment.wake(program().1).expect("it wakes");
                    wakes += 1;
                }
            }
        });
        while done.load(Ordering::SeqCst) < CLIENTS {
            sleeps.fetch_add(u64::from(deployment.fall_asleep()), Ordering::SeqCst);
            std::thread::yield_now();
        }
        called.notify_one();
        let wakes: u64 = waking.join().expect("it has woken all");
        let sleeps = sleeps.load(Ordering::SeqCst);
        assert!(wakes <= sleeps && sleeps <= wakes + 1, "{sleeps} sleeps and {wakes} wakes");
    });
    assert_eq!(deployment.statistics().success.count, asked.load(Ordering::SeqCst));
}
