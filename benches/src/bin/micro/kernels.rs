//! The tree kernel on a forest of churn's size, on every tier of this processor.

use anyhow::Result;
use servoir_benches::forest::{DEPTH, FEATURES, TREES, trees};
use servoir_benches::random::Random;
use servoir_benches::rounds::{Subject, measure};
use servoir_kernels::Tier;
use servoir_kernels::trees::Forest;
use std::hint::black_box;

/// Rows that are predicted together.
pub const BATCHES: [usize; 5] = [1, 8, 32, 128, 1024];

/// Measures all tiers at every batch.
pub fn measure_all() -> Result<()> {
    let mut random = Random::new();
    let forest = Forest::new(FEATURES, vec![0.5], &trees(&mut random))?;
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
