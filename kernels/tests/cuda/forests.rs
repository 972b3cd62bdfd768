//! Forests on a device give the bits that they give on the processor.

use super::random::{Number, PLAIN, Plan, Random, SPECIAL};
use servoir_kernels::cuda::{CudaError, Device, DeviceForest, ForestSession};
use servoir_kernels::trees::{Feature, Forest, Leaf, Node, Split, Sum, Test, Tree};
use std::sync::Arc;

fn bits<T: Sum + Into<f64>>(values: &[T]) -> Vec<Option<u64>> {
    // Which NaN comes of infinities in linear leaves is left open by the language.
    let bits = |value: &T| Some((*value).into()).filter(|value: &f64| !value.is_nan()).map(f64::to_bits);
    values.iter().map(bits).collect()
}

/// Holds a session to the scalar form, for so many rows of those that there are.
fn check<X: Feature, T: Sum + Into<f64>>(
    forest: &Forest<X, T>,
    session: &mut ForestSession<X, T>,
    rows: &[X],
    what: &str,
) {
    let count = rows.len() / forest.features() * forest.outputs();
    let (mut expected, mut got) = (vec![T::default(); count], vec![T::default(); count]);
    forest.predict_scalar(rows, &mut expected);
    session.predict(rows, &mut got).unwrap_or_else(|error| panic!("{what}: {error}"));
    // Printing thousands of numbers helps nobody.
    let wrong = bits(&got).iter().zip(bits(&expected)).position(|(got, expected)| *got != expected);
    assert!(
        wrong.is_none(),
        "{what}: {wrong:?} is {:?}, not {:?}",
        wrong.map(|at| got[at]),
        wrong.map(|at| expected[at])
    );
}

fn check_plan<X: Feature + Number, T: Sum + Number + Into<f64>>(
    device: &Arc<Device>,
    plan: Plan,
    counts: &[usize],
    seed: u64,
) {
    let mut random = Random(seed);
    let trees = plan.forest::<X, T>(&mut random);
    let base: Vec<T> = (0..plan.outputs).map(|_| random.value()).collect();
    let forest = Forest::new(plan.features, base, &trees).unwrap();
    let mut session = DeviceForest::new(device, &forest).unwrap().session().unwrap();
    for count in counts {
        let rows = plan.rows(*count, &mut random);
        check(&forest, &mut session, &rows, &format!("seed {seed}, {count} rows, {plan:?}"));
    }
}

/// Random forests of every precision.
pub fn random_forests(device: &Arc<Device>, seeds: u64) {
    for seed in 1..=seeds {
        let mut random = Random(seed * 0x9e37_79b9_7f4a);
        let plan = Plan::random(&mut random);
        let counts = [1 + random.below(12), 12 + random.below(600)];
        match seed % 4 {
            0 => check_plan::<f32, f32>(device, plan, &counts, random.next()),
            1 => check_plan::<f32, f64>(device, plan, &counts, random.next()),
            2 => check_plan::<f64, f64>(device, plan, &counts, random.next()),
            _ => check_plan::<f64, f32>(device, plan, &counts, random.next()),
        }
    }
}

/// One plan for each form that a tree can take, and for each place that rows, trees and sums can lie in.
pub fn every_form(device: &Arc<Device>) {
    let plans = [
        PLAIN,
        Plan { missing_percent: 20, ..PLAIN },
        Plan { depth: 40, leaves: 600, trees: 9, ..PLAIN },
        // A tree that no group holds, beside others that one does.
        Plan { depth: 16, leaves: 5_000, trees: 3, missing_percent: 5, ..PLAIN },
        Plan { depth: 10, leaves: 40, trees: 17, outputs: 3, missing_percent: 5, ..PLAIN },
        Plan { outputs: 3, vector: true, ..PLAIN },
        Plan { sets_percent: 30, missing_percent: 10, trees: 40, ..PLAIN },
        Plan { linear_percent: 5, missing_percent: 10, ..PLAIN },
        Plan { linear_percent: 20, missing_percent: 5, outputs: 3, vector: true, ..PLAIN },
        Plan { features: 1, ..PLAIN },
        Plan { features: 300, ..PLAIN },
        Plan { features: 2_000, trees: 50, missing_percent: 5, ..PLAIN },
        Plan { features: 10_000, trees: 5, outputs: 2, ..PLAIN },
        Plan { outputs: 2_000, trees: 100, ..PLAIN },
        Plan { outputs: 2_000, features: 2_000, trees: 100, ..PLAIN },
        Plan { trees: 1, depth: 0, ..PLAIN },
        Plan { trees: 0, outputs: 2, ..PLAIN },
    ];
    for (seed, plan) in (1..).zip(plans) {
        let counts = [0, 1, 31, 33, 130, 700];
        check_plan::<f32, f32>(device, plan, &counts, seed);
        check_plan::<f64, f64>(device, plan, &counts, seed);
    }
}

/// More trees than a group holds, and a feature's number beside a way too far for eight bytes.
pub fn large_forests(device: &Arc<Device>) {
    let boosted = Plan { trees: 1_500, leaves: 64, features: 30, missing_percent: 5, ..PLAIN };
    check_plan::<f32, f32>(device, boosted, &[300], 1);
    let deep = Plan { trees: 60, depth: 16, leaves: 1_000, features: 10, ..PLAIN };
    check_plan::<f32, f64>(device, deep, &[300], 2);
    let classes = Plan { trees: 700, depth: 12, leaves: 31, features: 10, outputs: 10, ..PLAIN };
    check_plan::<f64, f32>(device, classes, &[300], 3);
    // Fifteen bits for the feature leave as many for the way, and a tree that is four thousand leaves wide.
    let far = Plan { trees: 2, depth: 30, leaves: 40_000, features: 20_000, sets_percent: 5, ..PLAIN };
    check_plan::<f32, f32>(device, far, &[40], 4);
}

/// More rows than a piece holds: several pieces on both streams, and the same session afterwards.
pub fn many_pieces(device: &Arc<Device>) {
    let wide = Plan { features: 2_000, trees: 30, missing_percent: 5, ..PLAIN };
    check_plan::<f32, f32>(device, wide, &[2_500, 3, 1_100, 524, 525], 1);
    let answers = Plan { features: 2, trees: 30, outputs: 1_000, ..PLAIN };
    check_plan::<f64, f64>(device, answers, &[1_300, 1, 2_000], 2);
}

/// Every special number against every special threshold.
pub fn special_numbers(device: &Arc<Device>) {
    special::<f32>(device);
    special::<f64>(device);
}

fn special<X: Feature + Number>(device: &Arc<Device>) {
    let specials: Vec<X> = SPECIAL.iter().chain(&[f64::NAN]).map(|x| X::of(*x)).collect();
    let tests = specials.iter().flat_map(|threshold| [Test::AtMost(*threshold), Test::less_than(*threshold)]);
    let mut every_word = vec![0; 1 << 19];
    every_word[3] = 1 << 4;
    every_word[(1 << 19) - 1] = 1 << 31;
    let sets = [vec![], vec![1], vec![0, 0x8000_0001], every_word].map(Test::In);
    let splits = tests.chain(sets).flat_map(|test| [(test.clone(), false), (test, true)]);
    let trees: Vec<Tree<X, f64>> = splits
        .enumerate()
        .map(|(index, (test, missing_left))| {
            let leaf = |value| Node::Leaf(Leaf { values: vec![value], linear: None });
            let split = Split { feature: 0, test, missing_left, left: 1, right: 2 };
            // Every tree has an output of its own, so that a wrong turn is seen.
            Tree { nodes: vec![Node::Split(split), leaf(1.0), leaf(-1.0)], output: index }
        })
        .collect();
    let edges = [100.0, 101.0, 16_777_215.0, 31.0, 32.0, 63.5, 64.0, 16_777_216.0, 1e300, -0.5, -1.0].map(X::of);
    let rows: Vec<X> = specials.into_iter().chain(edges).collect();
    let forest = Forest::new(1, vec![0.0; trees.len()], &trees).unwrap();
    let mut session = DeviceForest::new(device, &forest).unwrap().session().unwrap();
    check(&forest, &mut session, &rows, "special numbers");
}

/// Threads that share a device and a forest, each with a session.
pub fn threads_beside_each_other(device: &Arc<Device>) {
    let plan = Plan { features: 12, trees: 60, ..PLAIN };
    let mut random = Random(77);
    let trees = plan.forest::<f32, f32>(&mut random);
    let forest = Forest::new(plan.features, vec![0.25], &trees).unwrap();
    let on_device = DeviceForest::new(device, &forest).unwrap();
    assert!(on_device.memory_bytes() > 0);
    std::thread::scope(|scope| {
        for thread in 1..=4 {
            let (forest, on_device) = (&forest, &on_device);
            scope.spawn(move || {
                let mut random = Random(thread);
                let mut session = on_device.session().unwrap();
                for _ in 0..10 {
                    let rows = plan.rows(1 + random.below(300), &mut random);
                    check(forest, &mut session, &rows, &format!("thread {thread}"));
                }
            });
        }
    });
    // A session outlives what it came from.
    let mut session = on_device.session().unwrap();
    drop(on_device);
    check(&forest, &mut session, &plan.rows(10, &mut random), "the last session");
}

/// Lengths that do not fit are refused in words, and the session works on.
pub fn lengths_that_do_not_fit(device: &Arc<Device>) {
    let forest = Forest::<f32, f32>::new(3, vec![0.5], &[]).unwrap();
    let mut session = DeviceForest::new(device, &forest).unwrap().session().unwrap();
    for (rows, out) in [(4, 1), (6, 1), (3, 2)] {
        let error = session.predict(&vec![0.0; rows], &mut vec![0.0; out]).unwrap_err();
        assert!(matches!(&error, CudaError::Shape(_)), "{error}");
    }
    check(&forest, &mut session, &[0.0; 6], "afterwards");
}
