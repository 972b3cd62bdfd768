//! Permutation importance (Breiman 2001), as scikit-learn's `permutation_importance` has it: how far the score falls when one
//! feature's values change places among the rows.

use super::Ranking;
use super::encoding::{Encoding, ranking};
use crate::evaluate::sum::{finite, mean, sum};
use crate::prepare::random::Random;

/// What the shuffles take from the seed, apart from its other uses.
const SHUFFLES: u64 = 4;

/// How features are shuffled.
#[derive(Debug, Clone, Copy)]
pub struct Permutation {
    /// Where the shuffles come from.
    pub seed: u64,
    /// How often each feature is shuffled, at least once.
    pub repeats: usize,
}

impl Permutation {
    /// Scores rows with each feature shuffled in turn. `matrix` holds encoded rows, one after another; `score` says how good
    /// the model is on such a matrix, more being better. All columns of a feature move together: a row keeps a value that
    /// occurs.
    pub fn ranking(&self, encoding: &Encoding, matrix: &[f32], score: &mut dyn FnMut(&[f32]) -> f64) -> Ranking {
        let width = encoding.sources.len().max(1);
        let rows = matrix.len() / width;
        let unshuffled = score(matrix);
        let mut random = Random::new(self.seed, SHUFFLES);
        let mut shuffled = matrix.to_vec();
        let mut order: Vec<usize> = (0..rows).collect();
        let falls: Vec<Vec<f64>> = (0..encoding.features.len())
            .map(|feature| {
                let columns = encoding.columns(feature);
                let falls = (0..self.repeats.max(1))
                    .map(|_| {
                        random.shuffle(&mut order);
                        for (row, from) in order.iter().enumerate() {
                            columns
                                .iter()
                                .for_each(|column| shuffled[row * width + column] = matrix[from * width + column]);
                        }
                        unshuffled - score(&shuffled)
                    })
                    .collect();
                shuffled.copy_from_slice(matrix);
                falls
            })
            .collect();
        ranking(encoding.features, falls.iter().map(|falls| mean_and_deviation(falls)))
    }
}

fn mean_and_deviation(falls: &[f64]) -> (f64, Option<f64>) {
    let middle = mean(falls.iter().copied());
    let variance = sum(falls.iter().map(|fall| (fall - middle).powi(2))) / falls.len() as f64;
    (middle, finite(variance.sqrt()))
}
