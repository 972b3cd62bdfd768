//! `TreeEnsemble`: lists of branches and of leaves that name one another by position.

use super::attributes::Attributes;
use super::constant::Constant;
use super::ensemble::{Branch, Ensemble, Mode, Node, Transform, Tree, targets};
use servoir_types::Data;

/// The lists of a node.
struct Lists<'a> {
    features: &'a [i64],
    modes: Vec<Mode>,
    when_true: &'a [i64],
    true_is_leaf: &'a [i64],
    when_false: &'a [i64],
    false_is_leaf: &'a [i64],
    missing_is_true: &'a [i64],
    leaf_targets: &'a [i64],
    leaf_weights: Vec<f64>,
    targets: usize,
}

/// Reads the trees.
pub fn read(attributes: Attributes<'_>) -> Result<Ensemble, String> {
    let lists = Lists::read(attributes)?;
    let mut is_taken = vec![false; lists.features.len()];
    let roots = attributes.ints("tree_roots");
    if roots.is_empty() {
        return Err("it has no trees".into());
    }
    Ok(Ensemble {
        trees: roots.iter().map(|&root| lists.tree(root, &mut is_taken)).collect::<Result<_, _>>()?,
        targets: lists.targets,
        is_average: match attributes.int("aggregate_function", 1) {
            0 => true,
            1 => false,
            other => return Err(format!("aggregate_function {other} is not computed here")),
        },
        base: Vec::new(),
        transform: Transform::numbered(attributes.int("post_transform", 0))?,
    })
}

/// The numbers of a tensor that is of type float or double.
fn floats(attributes: Attributes<'_>, name: &str) -> Result<Vec<f64>, String> {
    let tensor = attributes.tensor(name).ok_or_else(|| format!("it has no {name}"))?;
    match Constant::read(tensor)?.data {
        Data::Fp64(numbers) => Ok(numbers.to_vec()),
        Data::Fp32(numbers) => Ok(numbers.iter().map(|&number| number.into()).collect()),
        other => Err(format!("{name} has elements of type {}", other.datatype())),
    }
}

/// What each branch tests; sets lie one behind the other in `membership_values`, NaN between them. Sets of several numbers
/// are left to ONNX Runtime, which finds 2.5 in a set that holds 2.
fn modes(attributes: Attributes<'_>) -> Result<Vec<Mode>, String> {
    let values = floats(attributes, "nodes_splits")?;
    let tensor = attributes.tensor("nodes_modes").ok_or("it has no nodes_modes")?;
    let Data::Uint8(modes) = Constant::read(tensor)?.data else { return Err("nodes_modes are not bytes".into()) };
    if modes.len() != values.len() {
        return Err(format!("nodes_modes has {} entries, and nodes_splits {}", modes.len(), values.len()));
    }
    let members = if attributes.has("membership_values") { floats(attributes, "membership_values")? } else { vec![] };
    let mut sets = members.split(|member| member.is_nan());
    let mode = |(&mode, &value): (&u8, &f64)| {
        Ok::<_, String>(match mode {
            0 => Mode::AtMost(value),
            1 => Mode::Less(value),
            2 => Mode::AtLeast(value),
            3 => Mode::Greater(value),
            4 => Mode::Equal(value),
            5 => Mode::NotEqual(value),
            6 => match sets.next() {
                Some(&[member]) => Mode::Equal(member),
                Some([_, ..]) => return Err("BRANCH_MEMBER with several members is not computed here".into()),
                _ => return Err("membership_values has fewer sets than nodes_modes asks for".into()),
            },
            other => return Err(format!("nodes_modes has {other}, and the operator knows 0 to 6")),
        })
    };
    let modes = modes.iter().zip(&values).map(mode).collect::<Result<Vec<_>, _>>()?;
    if sets.any(|set| !set.is_empty()) {
        return Err("membership_values has more sets than nodes_modes asks for".into());
    }
    Ok(modes)
}

impl<'a> Lists<'a> {
    fn read(attributes: Attributes<'a>) -> Result<Self, String> {
        let lists = Self {
            features: attributes.ints("nodes_featureids"),
            modes: modes(attributes)?,
            when_true: attributes.ints("nodes_truenodeids"),
            true_is_leaf: attributes.ints("nodes_trueleafs"),
            when_false: attributes.ints("nodes_falsenodeids"),
            false_is_leaf: attributes.ints("nodes_falseleafs"),
            missing_is_true: attributes.ints("nodes_missing_value_tracks_true"),
            leaf_targets: attributes.ints("leaf_targetids"),
            leaf_weights: floats(attributes, "leaf_weights")?,
            targets: targets(attributes.int("n_targets", 0))?,
        };
        let count = lists.features.len();
        let lengths = [
            ("nodes_modes", lists.modes.len()),
            ("nodes_truenodeids", lists.when_true.len()),
            ("nodes_trueleafs", lists.true_is_leaf.len()),
            ("nodes_falsenodeids", lists.when_false.len()),
            ("nodes_falseleafs", lists.false_is_leaf.len()),
        ];
        if let Some((name, length)) = lengths.into_iter().find(|(_, length)| *length != count) {
            return Err(format!("{name} has {length} entries, and nodes_featureids {count}"));
        }
        if ![0, count].contains(&lists.missing_is_true.len()) {
            return Err("nodes_missing_value_tracks_true has an entry for some nodes only".into());
        }
        if lists.leaf_targets.len() != lists.leaf_weights.len() {
            return Err("leaf_targetids and leaf_weights differ in length".into());
        }
        Ok(lists)
    }

    /// The tree below a root. Every branch is in one tree, once.
    fn tree(&self, root: i64, is_taken: &mut [bool]) -> Result<Tree, String> {
        let mut nodes = Vec::new();
        // Branches whose place is known, and which that is.
        let mut waiting = vec![(self.take(root, is_taken)?, 0)];
        nodes.push(Node::Leaf(Vec::new()));
        while let Some((at, place)) = waiting.pop() {
            let mut child = |child: i64, is_leaf: i64| -> Result<usize, String> {
                let next = nodes.len();
                if is_leaf == 0 {
                    waiting.push((self.take(child, is_taken)?, next));
                    nodes.push(Node::Leaf(Vec::new()));
                } else {
                    nodes.push(self.leaf(child)?);
                }
                Ok(next)
            };
            let when_true = child(self.when_true[at], self.true_is_leaf[at])?;
            let when_false = child(self.when_false[at], self.false_is_leaf[at])?;
            nodes[place] = Node::Branch(Branch {
                feature: usize::try_from(self.features[at])
                    .map_err(|_| format!("node {at} tests feature {}", self.features[at]))?,
                mode: self.modes[at].clone(),
                missing_is_true: self.missing_is_true.get(at).is_some_and(|&is| is != 0),
                when_true,
                when_false,
            });
        }
        Ok(Tree { nodes })
    }

    fn take(&self, node: i64, is_taken: &mut [bool]) -> Result<usize, String> {
        let at = usize::try_from(node).ok().filter(|&at| at < self.features.len());
        let at = at.ok_or_else(|| format!("node {node} does not exist; there are {}", self.features.len()))?;
        if std::mem::replace(&mut is_taken[at], true) {
            return Err(format!("node {node} is reached twice"));
        }
        Ok(at)
    }

    fn leaf(&self, leaf: i64) -> Result<Node, String> {
        let at = usize::try_from(leaf).ok().filter(|&at| at < self.leaf_weights.len());
        let at = at.ok_or_else(|| format!("leaf {leaf} does not exist; there are {}", self.leaf_weights.len()))?;
        let target = usize::try_from(self.leaf_targets[at]).ok().filter(|&target| target < self.targets);
        let target = target.ok_or_else(|| {
            format!("leaf {leaf} is for target {}, and there are {}", self.leaf_targets[at], self.targets)
        })?;
        Ok(Node::Leaf(vec![(target, self.leaf_weights[at])]))
    }
}
