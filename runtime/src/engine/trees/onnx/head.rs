//! From a forest's sums to an operator's outputs: scores, and a classifier's labels.

use super::ensemble::{Ensemble, Node, Transform};
use super::number::Number;
use super::transform::{logistic_of_both, probit};
use std::ops::Range;

/// How sums become scores.
pub struct Head<N> {
    base: Vec<N>,
    /// What sums are divided by, when they are.
    divisor: Option<N>,
    transform: Transform,
    kind: Kind,
}

/// What the operator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A regressor of so many targets.
    Regressor(usize),
    /// A classifier of two classes whose weights are all for one of them.
    Binary { class: usize, all_positive: bool },
    /// A classifier of so many classes, three and more.
    Classes(usize),
}

impl<N: Number> Head<N> {
    /// Of a regressor.
    pub fn regressor(ensemble: &Ensemble) -> Result<Self, String> {
        let base = base(ensemble)?;
        if ![0, ensemble.targets].contains(&base.len()) {
            return Err(format!("it has {} base values for {} targets", base.len(), ensemble.targets));
        }
        if ensemble.targets > 1 && !base.is_empty() && !all_have_weights(ensemble) {
            return Err("its leaves do not all have weights for the same targets".into());
        }
        // A count of trees; exact far beyond what a file holds.
        #[allow(clippy::cast_precision_loss)]
        let divisor = ensemble.is_average.then(|| N::of_f64(ensemble.trees.len() as f64));
        Ok(Self { base, divisor, transform: ensemble.transform, kind: Kind::Regressor(ensemble.targets) })
    }

    /// Of a classifier, where what ONNX Runtime answers depends on the sums alone.
    pub fn classifier(ensemble: &Ensemble) -> Result<Self, String> {
        let mut base = base(ensemble)?;
        let classes = ensemble.targets;
        let kind = match (classes, weights(ensemble)) {
            (_, _) if ensemble.transform == Transform::Probit => return Err("it classifies with PROBIT".into()),
            (2, Weights { targets, .. }) if targets.len() > 1 => return Err("both of two classes have weights".into()),
            (2, Weights { targets, all_positive, .. }) => Kind::Binary { class: targets.start, all_positive },
            (0 | 1, _) => return Err(format!("it has {classes} classes")),
            (_, weights) if !base.is_empty() || weights.decide => Kind::Classes(classes),
            _ => return Err("its leaves do not all have weights for the same classes".into()),
        };
        match (kind, base.len()) {
            // A base value is for the first class, which has no weights.
            (Kind::Binary { class: 1, .. }, 1) => base.clear(),
            (_, 0) | (Kind::Binary { .. }, 1) => {}
            (Kind::Classes(classes), count) if count == classes => {}
            (_, count) => return Err(format!("it has {count} base values for {classes} classes")),
        }
        Ok(Self { base, divisor: None, transform: ensemble.transform, kind })
    }

    /// The targets that the forest has sums for.
    pub fn sums(&self) -> Range<usize> {
        match self.kind {
            Kind::Regressor(targets) | Kind::Classes(targets) => 0..targets,
            Kind::Binary { class, .. } => class..class + 1,
        }
    }

    /// The targets' values in the forest's own precision, when nothing but adding is to be done.
    pub fn plain(&self, sums: &mut [N]) -> bool {
        if !matches!(self.kind, Kind::Regressor(_)) || self.transform_of_row() != Transform::None {
            return false;
        }
        self.complete(sums);
        true
    }

    /// Scores with 32 bits, `[rows, targets]`. A classifier tells each row's class, in order.
    pub fn scores(&self, sums: &mut [N], mut tell: impl FnMut(usize)) -> Vec<f32> {
        self.complete(sums);
        match self.kind {
            Kind::Binary { class, all_positive } => self.binary(sums, class, all_positive, tell),
            Kind::Classes(classes) => {
                sums.chunks_exact(classes).for_each(|row| tell(position_of_largest(row)));
                self.transformed(sums, classes)
            }
            Kind::Regressor(targets) => self.transformed(sums, targets),
        }
    }

    /// A single target knows PROBIT alone.
    fn transform_of_row(&self) -> Transform {
        match self.kind {
            Kind::Regressor(1) if self.transform != Transform::Probit => Transform::None,
            _ => self.transform,
        }
    }

    /// Divides, and adds the base values, which come last.
    fn complete(&self, sums: &mut [N]) {
        if let Some(divisor) = self.divisor {
            sums.iter_mut().for_each(|sum| *sum = *sum / divisor);
        }
        if !self.base.is_empty() {
            for row in sums.chunks_exact_mut(self.base.len()) {
                row.iter_mut().zip(&self.base).for_each(|(sum, base)| *sum += *base);
            }
        }
    }

    fn transformed(&self, sums: &[N], targets: usize) -> Vec<f32> {
        let mut scores: Vec<f32> = sums.iter().map(|sum| sum.to_f32()).collect();
        match self.transform_of_row() {
            Transform::None => {}
            Transform::Probit => scores.iter_mut().for_each(|score| *score = probit(*score)),
            transform => scores.chunks_exact_mut(targets).for_each(|row| transform.apply(row)),
        }
        scores
    }

    fn binary(&self, sums: &[N], class: usize, all_positive: bool, mut tell: impl FnMut(usize)) -> Vec<f32> {
        let boundary = if all_positive { N::of_f64(0.5) } else { N::default() };
        let mut scores = Vec::with_capacity(2 * sums.len());
        for &sum in sums {
            tell(usize::from(sum > boundary));
            let sum = sum.to_f32();
            let mut row = [0.0, sum];
            match (class, self.transform) {
                (0, Transform::Logistic) => row = logistic_of_both(sum),
                (0, _) if all_positive => row = [1.0 - sum, sum],
                (0, _) => row = [-sum, sum],
                (_, transform) => transform.apply(&mut row),
            }
            scores.extend(row);
        }
        scores
    }
}

fn base<N: Number>(ensemble: &Ensemble) -> Result<Vec<N>, String> {
    if ensemble.base.iter().all(|base| base.is_finite()) {
        Ok(ensemble.base.iter().map(|&base| N::of_f64(base)).collect())
    } else {
        Err("a base value is no finite number".into())
    }
}

/// The first of the largest.
fn position_of_largest<N: Number>(row: &[N]) -> usize {
    let mut best = 0;
    for (at, score) in row.iter().enumerate() {
        if *score > row[best] {
            best = at;
        }
    }
    best
}

/// What the weights of all leaves are like.
struct Weights {
    /// From the first target that has one to the last.
    targets: Range<usize>,
    /// None is below zero.
    all_positive: bool,
    /// Whether the largest score is one that the row's leaves have weights for, as ONNX Runtime demands of it.
    decide: bool,
}

fn weights(ensemble: &Ensemble) -> Weights {
    let leaves = || {
        ensemble.trees.iter().flat_map(|tree| &tree.nodes).filter_map(|node| match node {
            Node::Leaf(leaf) => Some(leaf),
            Node::Branch(_) => None,
        })
    };
    let all = || leaves().flatten();
    let first = all().map(|(target, _)| *target).min().unwrap_or(0);
    let last = all().map(|(target, _)| *target).max().unwrap_or(0);
    let all_positive = all().all(|(_, weight)| *weight >= 0.0);
    let one_above = || leaves().all(|leaf| leaf.iter().any(|(_, weight)| *weight > 0.0));
    Weights {
        targets: first..last + 1,
        all_positive,
        decide: (all_positive && one_above()) || all_have_weights(ensemble),
    }
}

/// Whether every row has a weight for every class, whatever way it goes.
fn all_have_weights(ensemble: &Ensemble) -> bool {
    let mut has = vec![false; ensemble.targets];
    for tree in &ensemble.trees {
        let mut leaves =
            tree.nodes.iter().filter_map(|node| if let Node::Leaf(leaf) = node { Some(leaf) } else { None });
        let targets = |leaf: &[(usize, f64)]| leaf.iter().map(|(target, _)| *target).collect::<Vec<_>>();
        let Some(first) = leaves.next().map(|leaf| targets(leaf)) else { continue };
        if leaves.all(|leaf| leaf.iter().map(|(target, _)| target).eq(&first)) {
            first.into_iter().for_each(|target| has[target] = true);
        }
    }
    has.into_iter().all(|has| has)
}
