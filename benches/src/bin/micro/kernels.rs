//! The tree kernel on a forest of churn's size, on every tier of this processor.

use anyhow::Result;
use servoir_benches::random::Random;
use servoir_benches::rounds::{Subject, measure};
use servoir_kernels::Tier;
use servoir_kernels::trees::{Forest, Leaf, Node, Split, Test, Tree};
use std::hint::black_box;

const TREES: usize = 300;
const DEPTH: u32 = 6;
const FEATURES: usize = 30;
/// Rows that are predicted together.
pub const BATCHES: [usize; 5] = [1, 8, 32, 128, 1024];

/// Measures all tiers at every batch.
pub fn measure_all() -> Result<()> {
    let mut random = Random::new();
    let trees: Vec<_> = (0..TREES).map(|_| tree(&mut random)).collect();
    let forest = Forest::new(FEATURES, vec![0.5], &trees)?;
    println!("tree kernel, {TREES} trees of depth {DEPTH} over {FEATURES} features: ns per row\n");
    for rows in BATCHES {
        println!("{rows} rows");
        let values: Vec<f32> = (0..rows * FEATURES).map(|_| random.number()).collect();
        let (forest, values) = (&forest, &*values);
        let mut sums = vec![0.0; rows];
        let one_tree_at_a_time = Subject::new("one tree at a time", move || {
            forest.predict_scalar(black_box(values), black_box(&mut sums));
        });
        let on = |tier: Tier| {
            let mut sums = vec![0.0; rows];
            Subject::new(tier.as_str(), move || forest.predict_on(tier, black_box(values), black_box(&mut sums)))
        };
        let tiers = Tier::available().into_iter().map(on);
        measure(std::iter::once(one_tree_at_a_time).chain(tiers).collect(), rows);
    }
    Ok(())
}

/// A whole tree with thresholds and leaves by chance.
fn tree(random: &mut Random) -> Tree<f32, f32> {
    let splits = (1usize << DEPTH) - 1;
    let node = |position: usize| {
        if position >= splits {
            return Node::Leaf(Leaf { values: vec![random.number() / 10.0], linear: None });
        }
        Node::Split(Split {
            feature: random.below(FEATURES),
            // About as many different thresholds as a histogram of xgboost has.
            test: Test::less_than(random.below(250) as f32 / 250.0),
            missing_left: random.below(2) == 0,
            left: 2 * position + 1,
            right: 2 * position + 2,
        })
    };
    Tree { nodes: (0..=2 * splits).map(node).collect(), output: 0 }
}
