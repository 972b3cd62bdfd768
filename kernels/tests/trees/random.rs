//! Random forests and rows, the same on every run.

use servoir_kernels::trees::{Feature, Leaf, Linear, Node, Split, Sum, Test, Tree};

/// A number of a feature or a sum.
pub trait Number {
    fn of(x: f64) -> Self;
}

impl Number for f32 {
    #[allow(clippy::cast_possible_truncation)] // rounded to nearest
    fn of(x: f64) -> Self {
        x as Self
    }
}

impl Number for f64 {
    fn of(x: f64) -> Self {
        x
    }
}

/// Numbers at which comparisons go wrong.
pub const SPECIAL: [f64; 11] = [
    0.0,
    -0.0,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::MAX,
    f32::MAX as f64,
    f32::MIN as f64,
    f32::MIN_POSITIVE as f64,
    1e-40,
    -1e-40,
    -1e-310,
];

/// Marsaglia's xorshift.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 16).unwrap() % end
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Mostly of a coarse grid, so that values meet thresholds; sometimes a special one.
    pub fn number<N: Number>(&mut self) -> N {
        let x = if self.chance(4) { SPECIAL[self.below(SPECIAL.len())] } else { self.below(200) as f64 / 8.0 - 12.5 };
        N::of(x)
    }

    /// A leaf's value: no special one, and not exact in binary.
    pub fn value<N: Number>(&mut self) -> N {
        N::of(self.below(2_000) as f64 / 300.0 - 3.0)
    }
}

/// What a random forest is made of.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub trees: usize,
    pub depth: usize,
    /// The most leaves of a tree; it grows where chance has it until it has so many.
    pub leaves: usize,
    pub features: usize,
    pub outputs: usize,
    /// Whether leaves have a value for every output.
    pub vector: bool,
    pub sets_percent: usize,
    pub linear_percent: usize,
    pub missing_percent: usize,
    /// Of a hundred thresholds, how many are NaN.
    pub nan_percent: usize,
}

/// Twenty trees as boosting grows them.
pub const PLAIN: Plan = Plan {
    trees: 20,
    depth: 6,
    leaves: 60,
    features: 4,
    outputs: 1,
    vector: false,
    sets_percent: 0,
    linear_percent: 0,
    missing_percent: 0,
    nan_percent: 0,
};

impl Plan {
    /// A plan of its own for each seed.
    pub fn random(random: &mut Random) -> Self {
        let sometimes = |random: &mut Random, percent: usize| if random.chance(30) { percent } else { 0 };
        Self {
            trees: random.below(24),
            depth: random.below(13),
            leaves: if random.chance(10) { 1 + random.below(400) } else { 1 + random.below(40) },
            features: 1 + random.below(4),
            outputs: if random.chance(70) { 1 } else { 3 },
            vector: random.chance(50),
            sets_percent: sometimes(random, 20),
            linear_percent: sometimes(random, 5),
            missing_percent: sometimes(random, 20),
            nan_percent: sometimes(random, 5),
        }
    }

    pub fn forest<X: Feature + Number, T: Sum + Number>(&self, random: &mut Random) -> Vec<Tree<X, T>> {
        (0..self.trees).map(|_| self.tree(random)).collect()
    }

    pub fn rows<X: Number>(&self, count: usize, random: &mut Random) -> Vec<X> {
        let number = |random: &mut Random| match random.chance(self.missing_percent) {
            true => X::of(f64::NAN),
            false => random.number(),
        };
        (0..count * self.features).map(|_| number(random)).collect()
    }

    fn tree<X: Feature + Number, T: Sum + Number>(&self, random: &mut Random) -> Tree<X, T> {
        let mut nodes = vec![Node::Leaf(self.leaf(random))];
        let mut open = vec![(0, 0)];
        for _ in 1..self.leaves {
            if open.is_empty() {
                break;
            }
            let (place, depth) = open.swap_remove(random.below(open.len()));
            if depth == self.depth {
                continue;
            }
            let (left, right) = (nodes.len(), nodes.len() + 1);
            nodes[place] = Node::Split(self.split(left, right, random));
            nodes.extend([Node::Leaf(self.leaf(random)), Node::Leaf(self.leaf(random))]);
            open.extend([(left, depth + 1), (right, depth + 1)]);
        }
        Tree { nodes, output: if self.vector { 0 } else { random.below(self.outputs) } }
    }

    fn split<X: Feature + Number>(&self, left: usize, right: usize, random: &mut Random) -> Split<X> {
        let test = if random.chance(self.sets_percent) {
            Test::In((0..random.below(3)).map(|_| (random.next() >> 32) as u32).collect())
        } else if random.chance(self.nan_percent) {
            Test::AtMost(X::of(f64::NAN))
        } else if random.chance(50) {
            Test::AtMost(random.number())
        } else {
            Test::less_than(random.number())
        };
        Split { feature: random.below(self.features), test, missing_left: random.chance(50), left, right }
    }

    fn leaf<T: Number>(&self, random: &mut Random) -> Leaf<T> {
        let width = if self.vector { self.outputs } else { 1 };
        let linear = random.chance(self.linear_percent).then(|| Linear {
            terms: (0..2).map(|_| (random.below(self.features), random.value())).collect(),
            without: random.value(),
        });
        Leaf { values: (0..width).map(|_| random.value()).collect(), linear }
    }
}
