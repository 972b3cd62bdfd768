//! Instances that are added to a deployment and taken from it while it answers.

mod support;

use servoir_runtime::faulty::{Faulty, FaultyProgram, Gate, column};
use servoir_runtime::{Deployment, Identity, Priority, Request};
use servoir_types::{Data, ModelId};
use std::sync::Arc;
use std::time::Duration;
use support::{Asked, OPTIONS};

/// The row that stops an instance until the gate opens.
const HOLD: f32 = -1.0;

struct Bench {
    deployment: Arc<Deployment>,
    gate: Arc<Gate>,
    faulty: Arc<Faulty>,
}

impl Bench {
    fn new() -> Self {
        let gate = Arc::new(Gate::default());
        let inside = Arc::clone(&gate);
        let faulty = Faulty::by_row(move |row| {
            if row.total_cmp(&HOLD).is_eq() {
                inside.pass();
                inside.pass();
            }
            Ok(row + 0.5)
        });
        let identity = Identity { model: ModelId::random(), name: "bench".into(), version: 1 };
        let program = Arc::new(FaultyProgram(Arc::clone(&faulty)));
        let deployment = Deployment::start(identity, program, OPTIONS).expect("an instance starts");
        Self { deployment, gate, faulty }
    }

    fn ask(&self, row: f32) -> Asked<'_> {
        let inputs = vec![column(&[row])];
        Asked::of(&self.deployment, Request { inputs, deadline: None, priority: Priority::Normal, observed: true })
    }

    /// Waits until there are so many instances; they come and go on threads of their own.
    #[track_caller]
    fn settle(&self, instances: usize) {
        let end = std::time::Instant::now() + Duration::from_secs(30);
        while self.deployment.gauges().instances != instances {
            assert!(std::time::Instant::now() < end, "{:?}, not {instances}", self.deployment.gauges());
            std::thread::yield_now();
        }
    }
}

#[track_caller]
fn answered(asked: Asked<'_>, row: f32) {
    let answer = asked.answer().expect("the request is answered");
    let Data::Fp32(rows) = answer.outputs[0].data() else { panic!("not FP32") };
    assert_eq!(rows[..], [row + 0.5]);
}

#[test]
fn a_new_instance_takes_what_waits_and_one_that_leaves_loses_nothing() {
    let bench = Bench::new();
    bench.gate.shut();
    let held = bench.ask(HOLD);
    bench.gate.wait_until_held(1);
    let waiting = bench.ask(1.0);
    bench.deployment.scale_to(3).expect("instances start");
    answered(waiting, 1.0);
    assert_eq!((bench.deployment.gauges().instances, bench.deployment.instances_wanted()), (3, 3));
    // Two have nothing to do and leave; the third is at work and stays.
    bench.deployment.scale_to(1).expect("nothing has to start");
    bench.settle(1);
    let behind = bench.ask(2.0);
    bench.gate.open();
    answered(held, HOLD);
    answered(behind, 2.0);
    assert_eq!(bench.deployment.statistics().success.count, 3);
}

#[test]
fn an_instance_that_was_to_leave_and_has_not_stays_when_it_is_wanted_again() {
    let bench = Bench::new();
    bench.deployment.scale_to(2).expect("an instance starts");
    bench.gate.shut();
    let held = [bench.ask(HOLD), bench.ask(HOLD)];
    bench.gate.wait_until_held(2);
    let made = bench.faulty.sessions_made();
    bench.deployment.scale_to(1).expect("nothing has to start");
    bench.deployment.scale_to(2).expect("nothing has to start");
    assert_eq!(bench.faulty.sessions_made(), made, "both are at work still");
    bench.gate.open();
    held.into_iter().for_each(|held| answered(held, HOLD));
    for row in 0..10 {
        answered(bench.ask(row as f32), row as f32);
    }
    assert_eq!(bench.deployment.gauges().instances, 2);
}

#[test]
fn coming_and_going_leaks_nothing_and_forgets_nothing() {
    let bench = Bench::new();
    let alive = bench.faulty.alive();
    let mut asked = 0;
    for round in 0..50 {
        bench.deployment.scale_to(4).expect("instances start");
        for row in 0..8 {
            answered(bench.ask(row as f32), row as f32);
            asked += 1;
        }
        bench.deployment.scale_to(if round % 2 == 0 { 0 } else { 1 }).expect("nothing has to start");
        bench.settle(1);
    }
    let statistics = bench.deployment.statistics();
    assert_eq!((statistics.success.count, statistics.executions), (asked, asked), "{statistics:?}");
    // One session for each instance that ever was, and none left but the last.
    alive.wait_until_at_most(1);
    assert!(bench.faulty.sessions_made() > 100, "{}", bench.faulty.sessions_made());
    drop(bench);
    alive.wait_until_at_most(0);
}
