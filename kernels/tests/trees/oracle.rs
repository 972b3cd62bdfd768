//! What a forest answers, read off its trees as they are documented, without any of the kernels' layouts.

use servoir_kernels::trees::{Feature, Leaf, Node, Split, Sum, Test, Tree};

pub fn predict<X: Feature, T: Sum>(base: &[T], trees: &[Tree<X, T>], row: &[X]) -> Vec<T> {
    let mut out = base.to_vec();
    for tree in trees {
        let mut at = 0;
        let leaf = loop {
            match &tree.nodes[at] {
                Node::Split(split) => at = if goes_left(split, row) { split.left } else { split.right },
                Node::Leaf(leaf) => break leaf,
            }
        };
        for (out, value) in out[tree.output..].iter_mut().zip(values(leaf, row)) {
            *out += value;
        }
    }
    out
}

fn goes_left<X: Feature>(split: &Split<X>, row: &[X]) -> bool {
    let x = row[split.feature];
    if x.is_nan() {
        return split.missing_left;
    }
    match &split.test {
        Test::AtMost(threshold) => x <= *threshold,
        Test::In(set) => {
            let x = x.to_f64();
            let members = (0..32 * set.len()).filter(|category| set[category / 32] >> (category % 32) & 1 == 1);
            x >= 0.0 && members.into_iter().any(|category| x.floor() == category as f64)
        }
    }
}

fn values<X: Feature, T: Sum>(leaf: &Leaf<T>, row: &[X]) -> Vec<T> {
    let mut values = leaf.values.clone();
    if let Some(linear) = &leaf.linear {
        if linear.terms.iter().any(|(feature, _)| row[*feature].is_nan()) {
            values[0] = linear.without;
        } else {
            for (feature, coefficient) in &linear.terms {
                values[0] += coefficient.times(row[*feature]);
            }
        }
    }
    values
}
