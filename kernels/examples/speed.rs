//! How long a forest takes, by instructions and by rows at a time: `speed [trees depth features thresholds]`.

use servoir_kernels::Tier;
use servoir_kernels::trees::{Forest, Leaf, Node, Split, Test, Tree};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

/// Times are the least of so many rounds over everything, so that other work on the machine is between them.
const ROUNDS: usize = 12;
/// Predictions in a row.
const SAMPLES: usize = 40;

fn main() {
    let arguments: Vec<usize> = std::env::args().skip(1).filter_map(|number| number.parse().ok()).collect();
    let [trees, depth, features, thresholds] = *arguments else {
        return speed(300, 6, 30, 250);
    };
    speed(trees, depth, features, thresholds);
}

fn speed(trees: usize, depth: usize, features: usize, thresholds: usize) {
    let mut random = Random(88_172_645_463_325_252);
    let trees: Vec<Tree<f32, f32>> = (0..trees).map(|_| tree(depth, features, thresholds, &mut random)).collect();
    let forest = Forest::new(features, vec![0.5], &trees).expect("the trees are whole");
    let mut least = BTreeMap::new();
    for _ in 0..ROUNDS {
        for tier in Tier::available() {
            for count in [1, 2, 4, 8, 12, 16, 32, 64, 128, 1024] {
                let rows: Vec<f32> = (0..count * features).map(|_| random.below(10_007) as f32 / 10_007.0).collect();
                let mut out = vec![0.0; count];
                for _ in 0..SAMPLES {
                    let start = Instant::now();
                    forest.predict_on(tier, black_box(&rows), black_box(&mut out));
                    let time = start.elapsed();
                    let least = least.entry((tier, count)).or_insert(time);
                    *least = time.min(*least);
                }
            }
        }
    }
    for ((tier, count), time) in least {
        let time = time.as_secs_f64() * 1e6;
        println!("{:8} {count:5} rows {time:9.2} us {:8.3} us a row", tier.as_str(), time / count as f64);
    }
}

/// A complete tree.
fn tree(depth: usize, features: usize, thresholds: usize, random: &mut Random) -> Tree<f32, f32> {
    let splits = (1 << depth) - 1;
    let split = |node: usize, random: &mut Random| Split {
        feature: random.below(features),
        test: Test::less_than(random.below(thresholds) as f32 / thresholds as f32),
        missing_left: random.below(2) == 0,
        left: 2 * node + 1,
        right: 2 * node + 2,
    };
    let leaf = |random: &mut Random| Leaf { values: vec![random.below(1000) as f32 / 1e4], linear: None };
    let node = |node| if node < splits { Node::Split(split(node, random)) } else { Node::Leaf(leaf(random)) };
    Tree { nodes: (0..2 * splits + 1).map(node).collect(), output: 0 }
}

/// The same forest on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}
