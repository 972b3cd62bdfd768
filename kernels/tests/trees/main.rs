//! Every way through a forest gives the bits that its trees, read one by one, give.

mod oracle;
mod random;

use random::{Number, PLAIN, Plan, Random, SPECIAL};
use servoir_kernels::Tier;
use servoir_kernels::trees::{Feature, Forest, Leaf, Node, Split, Sum, Test, Tree};

/// What must be the same. Which NaN comes of infinities in linear leaves is left open by the language.
fn bits<T: Sum + Into<f64>>(values: &[T]) -> Vec<Option<u64>> {
    let bits = |value: &T| Some((*value).into()).filter(|value: &f64| !value.is_nan()).map(f64::to_bits);
    values.iter().map(bits).collect()
}

/// Holds every tier, and the scalar form, to the oracle.
fn check<X: Feature, T: Sum + Into<f64>>(features: usize, base: &[T], trees: &[Tree<X, T>], rows: &[X], what: &str) {
    let expected: Vec<T> = rows.chunks_exact(features).flat_map(|row| oracle::predict(base, trees, row)).collect();
    let forest = Forest::new(features, base.to_vec(), trees).unwrap();
    let mut got = vec![T::default(); expected.len()];
    forest.predict_scalar(rows, &mut got);
    assert_eq!(bits(&got), bits(&expected), "{what}, scalar form");
    check_tiers(&forest, rows, &expected, what);
}

/// Holds every tier to what is expected.
fn check_tiers<X: Feature, T: Sum + Into<f64>>(forest: &Forest<X, T>, rows: &[X], expected: &[T], what: &str) {
    let mut got = vec![T::default(); expected.len()];
    for tier in Tier::available() {
        got.fill(T::default());
        forest.predict_on(tier, rows, &mut got);
        assert_eq!(bits(&got), bits(expected), "{what}, {}", tier.as_str());
    }
}

fn check_plan<X: Feature + Number, T: Sum + Number + Into<f64>>(plan: Plan, count: usize, seed: u64) {
    let mut random = Random(seed);
    let trees = plan.forest::<X, T>(&mut random);
    let base: Vec<T> = (0..plan.outputs).map(|_| random.value()).collect();
    let rows = plan.rows(count, &mut random);
    check(plan.features, &base, &trees, &rows, &format!("seed {seed}, {count} rows, {plan:?}"));
}

#[test]
fn random_forests_give_the_same_bits_in_every_way() {
    for seed in 1..=2_000 {
        let mut random = Random(seed * 0x9e37_79b9_7f4a);
        let plan = Plan::random(&mut random);
        let count = if random.chance(70) { 1 + random.below(12) } else { 12 + random.below(180) };
        match seed % 4 {
            0 => check_plan::<f32, f32>(plan, count, random.next()),
            1 => check_plan::<f32, f64>(plan, count, random.next()),
            2 => check_plan::<f64, f64>(plan, count, random.next()),
            _ => check_plan::<f64, f32>(plan, count, random.next()),
        }
    }
}

/// One plan for each form that a tree can take.
#[test]
fn every_form_of_tree_gives_the_same_bits_for_every_number_of_rows() {
    let plans = [
        PLAIN,
        Plan { missing_percent: 20, ..PLAIN },
        Plan { depth: 1, ..PLAIN },
        Plan { depth: 8, leaves: 400, trees: 9, ..PLAIN },
        Plan { depth: 30, leaves: 31, missing_percent: 5, trees: 9, ..PLAIN },
        Plan { depth: 40, leaves: 256, trees: 9, ..PLAIN },
        Plan { depth: 40, leaves: 600, trees: 9, ..PLAIN },
        Plan { depth: 10, leaves: 40, trees: 17, outputs: 3, missing_percent: 5, ..PLAIN },
        Plan { outputs: 3, vector: true, ..PLAIN },
        Plan { sets_percent: 30, missing_percent: 10, trees: 40, ..PLAIN },
        Plan { linear_percent: 5, missing_percent: 10, ..PLAIN },
        Plan { features: 1, ..PLAIN },
        Plan { trees: 1, depth: 0, ..PLAIN },
        Plan { trees: 0, ..PLAIN },
    ];
    for (seed, plan) in (1..).zip(plans) {
        for count in [0, 1, 2, 7, 8, 9, 15, 16, 63, 64, 65, 130] {
            check_plan::<f32, f32>(plan, count, seed);
            check_plan::<f64, f64>(plan, count, seed);
        }
    }
}

/// More rows than blocks are taken together, more trees than fit the cache, and more outputs than one.
#[test]
fn forests_larger_than_the_cache_give_the_same_bits() {
    let plans = [
        Plan { trees: 60, depth: 16, leaves: 1_000, features: 10, ..PLAIN },
        Plan { trees: 2_500, depth: 6, leaves: 64, features: 10, missing_percent: 5, ..PLAIN },
        Plan { trees: 700, depth: 12, leaves: 31, features: 10, outputs: 3, ..PLAIN },
    ];
    for (seed, plan) in (1..).zip(plans) {
        check_plan::<f32, f32>(plan, 200, seed);
    }
    check_plan::<f32, f64>(PLAIN, 2_500, 4);
}

/// As many trees as the largest models have that boosting makes: most are small, some sparse and deep. Those are walked through beside
/// those that blocks are compared with, and all together are many times what the caches hold.
#[test]
fn ten_thousand_deep_trees_give_the_same_bits() {
    let plan = Plan { trees: 1, depth: 16, features: 40, missing_percent: 3, ..PLAIN };
    let leaves = |tree| match tree % 100 {
        0 => 1_000,
        1..4 => 300,
        4..20 => 100,
        _ => 20,
    };
    let mut random = Random(10_000);
    let trees: Vec<Tree<f32, f32>> =
        (0..10_000).flat_map(|tree| Plan { leaves: leaves(tree), ..plan }.forest(&mut random)).collect();
    let forest = Forest::new(plan.features, vec![0.5], &trees).unwrap();
    let rows = plan.rows(300, &mut random);
    let mut expected = vec![0.0; 300];
    forest.predict_scalar(&rows, &mut expected);
    // The oracle reads far more memory than the rest: a few rows are enough for it.
    let few = rows.chunks_exact(plan.features).take(7).flat_map(|row| oracle::predict(&[0.5], &trees, row));
    assert_eq!(bits(&few.collect::<Vec<_>>()), bits(&expected[..7]), "scalar form");
    for count in [1, 7, 64, 300] {
        check_tiers(&forest, &rows[..count * plan.features], &expected[..count], &format!("{count} rows"));
    }
}

/// Every special number against every special threshold, in enough trees that they are compared by rank.
fn check_special<X: Feature + Number>() {
    let specials: Vec<X> = SPECIAL.iter().chain(&[f64::NAN]).map(|x| X::of(*x)).collect();
    let tests = specials.iter().flat_map(|threshold| [Test::AtMost(*threshold), Test::less_than(*threshold)]);
    let sets = [vec![], vec![1], vec![0, 0x8000_0001]].map(Test::In);
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
    let edges = [31.0, 32.0, 63.5, 64.0, 16_777_216.0, 1e300, -0.5, -1.0].map(X::of);
    let rows: Vec<X> = specials.into_iter().chain(edges).cycle().take(64).collect();
    check(1, &vec![0.0; trees.len()], &trees, &rows, "special numbers");
    check(1, &vec![0.0; trees.len()], &trees, &rows[..20], "special numbers");
    check(1, &vec![0.0; trees.len()], &trees, &rows[..3], "special numbers");
}

#[test]
fn special_numbers_go_the_same_way() {
    check_special::<f32>();
    check_special::<f64>();
}

/// More thresholds of one feature than a column of ranks holds, at the borders of columns and between them.
#[test]
fn features_with_many_thresholds_are_ranked_in_several_columns() {
    for thresholds in [252, 253, 254, 255, 506, 507, 1_000] {
        let leaf = |value| Node::Leaf(Leaf { values: vec![value], linear: None });
        let trees: Vec<Tree<f32, f32>> = (0..thresholds)
            .map(|n| {
                let (test, missing_left) = (Test::AtMost(n as f32), n % 3 == 0);
                let split = Split { feature: 0, test, missing_left, left: 1, right: 2 };
                Tree { nodes: vec![Node::Split(split), leaf(n as f32 / 7.0), leaf(-0.5)], output: 0 }
            })
            .collect();
        let mut rows: Vec<f32> = (-1..=thresholds).flat_map(|n| [n as f32, n as f32 + 0.5]).collect();
        rows.push(f32::NAN);
        check(1, &[0.0], &trees, &rows, &format!("{thresholds} thresholds"));
    }
}

#[test]
fn thresholds_of_64_bits_are_compared_exactly_with_numbers_of_32() {
    let near = |x: f32| [x.next_down(), x, x.next_up()];
    for around in [0.1f32, -0.1, 1.0, 3e38, 1e-40, 0.0] {
        let exact = near(around).map(f64::from);
        let thresholds = exact.iter().flat_map(|x| [x.next_down(), *x, x.next_up()]).chain([f64::INFINITY, f64::NAN]);
        for threshold in thresholds {
            let Test::AtMost(at_most) = Test::at_most_f64(threshold) else { panic!("a threshold stays one") };
            for x in near(around) {
                assert_eq!(x <= at_most, f64::from(x) <= threshold, "{x:e} and {threshold:e}");
            }
        }
    }
}

#[test]
fn what_is_no_forest_is_refused_in_words() {
    let leaf = || Node::Leaf(Leaf { values: vec![1.0f32], linear: None });
    let split = |feature, left, right| {
        Node::Split(Split { feature, test: Test::AtMost(0.0), missing_left: false, left, right })
    };
    let cases = [
        (vec![], 0, "tree 0 has no nodes"),
        (vec![split(0, 1, 5), leaf()], 0, "tree 0, node 0: child 5 does not exist; the tree has 2 nodes"),
        (vec![split(0, 0, 1), leaf()], 0, "tree 0: node 0 is reached twice; in a tree every node has one way to it"),
        (vec![split(0, 1, 1), leaf()], 0, "tree 0: node 1 is reached twice; in a tree every node has one way to it"),
        (vec![split(2, 1, 2), leaf(), leaf()], 0, "tree 0, node 0: feature 2 does not exist; the model has 2 features"),
        (vec![leaf()], 1, "tree 0, node 0: the leaf adds to output 1; the model has 1 outputs"),
        (
            vec![leaf()],
            usize::MAX,
            "tree 0, node 0: the leaf adds to output 18446744073709551615; the model has 1 outputs",
        ),
    ];
    for (nodes, output, expected) in cases {
        let error = Forest::new(2, vec![0.0], &[Tree { nodes, output }]).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    assert!(Forest::<f32, f32>::new(0, vec![0.0], &[]).is_err());
    assert!(Forest::<f32, f32>::new(1 << 31, vec![0.0], &[]).is_err());
}

/// One leaf as wide as the model must not make all others as wide.
#[test]
fn leaves_of_very_different_widths_are_refused() {
    let leaf = |width| Node::Leaf(Leaf { values: vec![1.0f32; width], linear: None });
    let mut nodes = Vec::new();
    for left in (1..4_000).step_by(2) {
        nodes.extend([
            Node::Split(Split { feature: 0, test: Test::AtMost(0.0f32), missing_left: true, left, right: left + 1 }),
            leaf(1),
        ]);
    }
    nodes.push(leaf(4_000));
    let error = Forest::new(1, vec![0.0; 4_000], &[Tree { nodes, output: 0 }]).unwrap_err();
    let expected = "the leaves have 8004000 values when each tree's are made equally many, but only 6000 are given";
    assert_eq!(error.to_string(), expected);
}
