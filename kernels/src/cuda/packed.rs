//! A forest as it lies on a device.
//!
//! Nodes are those of the forest's own layout, siblings side by side, packed into eight bytes where that is possible and
//! sixteen where it is not. A node says how far away its left child is, and a leaf has none: it says zero. Where a leaf's one
//! value fits in place of a threshold it stands there, so that the last load of a walk brings the answer.

use crate::plain::{self, Plain};
use crate::trees::layout::{IS_SET, Layout, MISSING_LEFT, Packed as Node, Root};
use crate::trees::{Feature, Sum};
use std::ops::Range;

/// Everything begins at a multiple of this.
const ALIGNMENT: usize = 256;
/// Bits of a narrow node that are left for its feature and the way to its child.
const LINK_BITS: u32 = 30;

/// A forest's parts, one after the other.
#[derive(Debug)]
pub struct Packed {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Where the parts begin.
    pub places: Places,
    /// How nodes are packed.
    pub form: Form,
    /// Whether leaves hold their values.
    pub direct: bool,
    /// Whether any leaf is linear.
    pub linear: bool,
    /// Groups of trees.
    pub groups: u32,
}

/// Where the parts begin.
#[derive(Debug, Clone, Copy, Default)]
#[allow(missing_docs)] // their names say it, and the source of the kernels
pub struct Places {
    pub nodes: u64,
    pub roots: u64,
    pub groups: u64,
    pub base: u64,
    pub values: u64,
    pub set_ends: u64,
    pub set_words: u64,
    pub linear_at: u64,
    pub linear_ends: u64,
    pub linear_without: u64,
    pub term_features: u64,
    pub term_coefficients: u64,
}

/// How nodes are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// In eight bytes: features take so many bits of a link.
    Narrow {
        /// The bits.
        feature_bits: u32,
    },
    /// In sixteen.
    Wide,
}

impl Form {
    /// The smallest that a forest fits.
    pub fn of<X: Feature, T>(layout: &Layout<X, T>) -> Self {
        let feature_bits = usize::BITS - (layout.features - 1).leading_zeros();
        let farthest = layout.nodes.iter().zip(0..).map(|(node, place)| node.left - place).max().unwrap_or(0);
        let fits = size_of::<X>() == 4 && feature_bits < LINK_BITS && farthest >> (LINK_BITS - feature_bits) == 0;
        if fits { Self::Narrow { feature_bits } } else { Self::Wide }
    }

    /// Bytes of a node.
    pub const fn node_bytes(self) -> usize {
        match self {
            Self::Narrow { .. } => 8,
            Self::Wide => 16,
        }
    }
}

impl Packed {
    /// Packs a forest whose trees are brought together in groups of so many bytes.
    pub fn new<X: Feature, T: Sum>(layout: &Layout<X, T>, base: &[T], form: Form, group_bytes: usize) -> Self {
        let linear = !layout.linear.is_empty();
        let narrow_values = layout.roots.iter().all(|root| root.width <= 1) && size_of::<T>() <= size_of::<X>();
        let direct = narrow_values && !linear;
        let trees = Trees { layout, form, direct };
        let (nodes, starts) = trees.nodes();
        let mut roots = Vec::with_capacity(3 * layout.roots.len());
        for (root, start) in layout.roots.iter().zip(&starts) {
            roots.extend([*start, root.output, root.width]);
        }
        let groups = groups(&starts, form.node_bytes(), group_bytes);
        let mut parts = Parts::default();
        let mut places = Places {
            nodes: parts.add(&nodes),
            roots: parts.add(&roots),
            groups: parts.add(&groups),
            base: parts.add(base),
            ..Places::default()
        };
        if !direct {
            places.values = parts.add(&layout.values);
        }
        let set_words: Vec<u32> = layout.sets.iter().flatten().copied().collect();
        places.set_ends = parts.add(&ends(layout.sets.iter().map(|set| set.len())));
        places.set_words = parts.add(&set_words);
        if linear {
            parts.add_linear(layout, &mut places);
        }
        Self { bytes: parts.bytes, places, form, direct, linear, groups: count(groups.len() / 4) }
    }
}

/// What nodes are packed from.
struct Trees<'a, X, T> {
    layout: &'a Layout<X, T>,
    form: Form,
    direct: bool,
}

impl<X: Feature, T: Sum> Trees<'_, X, T> {
    /// The nodes' words, and where trees begin: one more than there are trees.
    fn nodes(&self) -> (Vec<u32>, Vec<u32>) {
        let (roots, words) = (&self.layout.roots, self.form.node_bytes() / 4);
        let mut nodes = Vec::with_capacity(self.layout.nodes.len() * words);
        let mut starts = Vec::with_capacity(roots.len() + 1);
        for (index, root) in roots.iter().enumerate() {
            // Trees begin where sixteen bytes can be copied at once.
            nodes.resize(nodes.len().next_multiple_of(4), 0);
            starts.push(count(nodes.len() / words));
            for place in self.places_of(index, root) {
                self.pack(place, &mut nodes);
            }
        }
        nodes.resize(nodes.len().next_multiple_of(4), 0);
        starts.push(count(nodes.len() / words));
        (nodes, starts)
    }

    fn places_of(&self, index: usize, root: &Root) -> Range<usize> {
        let end = self.layout.roots.get(index + 1).map_or(self.layout.nodes.len(), |next| next.node as usize);
        root.node as usize..end
    }

    fn pack(&self, place: usize, nodes: &mut Vec<u32>) {
        let node = &self.layout.nodes[place];
        let (delta, number) = (node.left - count(place), self.number(node, place));
        match self.form {
            Form::Narrow { feature_bits } => {
                let (flags, feature) = (node.feature & (MISSING_LEFT | IS_SET), node.feature & (IS_SET - 1));
                nodes.extend([low(number), flags | delta << feature_bits | feature]);
            }
            Form::Wide if size_of::<X>() == 4 => nodes.extend([low(number), node.feature, delta, 0]),
            Form::Wide => nodes.extend([low(number), low(number >> 32), node.feature, delta]),
        }
    }

    /// What stands in place of a threshold: that, a set's number, a leaf's value, or where its values are.
    fn number(&self, node: &Node<X>, place: usize) -> u64 {
        let is_leaf = node.left as usize == place;
        match (is_leaf, self.direct) {
            (true, true) => self.layout.values[node.values as usize].bits(),
            (true, false) => node.values.into(),
            (false, _) if node.feature & IS_SET != 0 => node.values.into(),
            (false, _) => node.threshold.bits(),
        }
    }
}

/// Trees in groups: the first tree, the last's end, the first node, and how many nodes are brought together; none of a tree
/// that is too large for it, which is a group by itself.
fn groups(starts: &[u32], node_bytes: usize, group_bytes: usize) -> Vec<u32> {
    let most = count(group_bytes / node_bytes);
    let mut groups: Vec<u32> = Vec::new();
    let mut first = 0;
    let trees = starts.len() - 1;
    while first < trees {
        let mut end = first + 1;
        while end < trees && starts[end + 1] - starts[first] <= most {
            end += 1;
        }
        let nodes = starts[end] - starts[first];
        groups.extend([count(first), count(end), starts[first], if nodes <= most { nodes } else { 0 }]);
        first = end;
    }
    groups
}

/// Parts, each aligned.
#[derive(Default)]
struct Parts {
    bytes: Vec<u8>,
}

impl Parts {
    fn add<N: Plain>(&mut self, numbers: &[N]) -> u64 {
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGNMENT), 0);
        let place = self.bytes.len() as u64;
        plain::append(&mut self.bytes, numbers);
        place
    }

    fn add_linear<X: Feature, T: Sum>(&mut self, layout: &Layout<X, T>, places: &mut Places) {
        // For each value one more than the number of the linear leaf that it is the first of, and 0 of others.
        let mut at = vec![0u32; layout.values.len()];
        for ((first, _), number) in layout.linear.iter().zip(1..) {
            at[*first as usize] = number;
        }
        let leaves = || layout.linear.iter().map(|(_, linear)| linear);
        let without: Vec<T> = leaves().map(|linear| linear.without).collect();
        let terms = || leaves().flat_map(|linear| &linear.terms);
        let features: Vec<u32> = terms().map(|(feature, _)| count(*feature)).collect();
        let coefficients: Vec<T> = terms().map(|(_, coefficient)| *coefficient).collect();
        places.linear_at = self.add(&at);
        places.linear_ends = self.add(&ends(leaves().map(|linear| linear.terms.len())));
        places.linear_without = self.add(&without);
        places.term_features = self.add(&features);
        places.term_coefficients = self.add(&coefficients);
    }
}

/// Where stretches of so many end, after a zero.
fn ends(lengths: impl Iterator<Item = usize>) -> Vec<u32> {
    let mut end = 0;
    std::iter::once(0)
        .chain(lengths.map(|length| {
            end += length;
            count(end)
        }))
        .collect()
}

/// Half of a number's bits.
#[allow(clippy::cast_possible_truncation)] // that is what it is for
fn low(number: u64) -> u32 {
    number as u32
}

/// What was checked to fit when the forest was put together.
fn count(size: usize) -> u32 {
    crate::trees::layout::position(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_are_grouped_while_they_fit() {
        // Of 10, 10, 30, 10 and 5 nodes of eight bytes, in 25 nodes' room.
        let groups = groups(&[0, 10, 20, 50, 60, 65], 8, 200);
        assert_eq!(groups, [0, 2, 0, 20, 2, 3, 20, 0, 3, 5, 50, 15]);
        assert!(super::groups(&[0], 8, 200).is_empty());
    }

    #[test]
    fn parts_begin_where_they_are_said_to() {
        let mut parts = Parts::default();
        assert_eq!(parts.add(&[1u8]), 0);
        assert_eq!(parts.add::<u32>(&[]), 256);
        assert_eq!(parts.add(&[1.0f32]), 256);
        assert_eq!(parts.bytes[256..], 1.0f32.to_le_bytes());
    }
}
