//! Walking a model's graphs, and the mistakes in them that are told more clearly here than by an engine.

use super::{broken, proto};
use crate::error::Unsupported;
use std::collections::{HashMap, HashSet};

/// Every tensor of a model: initializers and attributes of all graphs, sub-graphs and functions, sparse ones included.
pub struct Tensors<'a> {
    graphs: Vec<&'a proto::Graph>,
    nodes: Vec<&'a proto::Node>,
    ready: Vec<&'a proto::Tensor>,
}

impl<'a> Tensors<'a> {
    /// The tensors of `model`.
    pub fn of(model: &'a proto::Model) -> Self {
        Self {
            graphs: model.graph.iter().collect(),
            nodes: model.functions.iter().flat_map(|function| &function.nodes).collect(),
            ready: Vec::new(),
        }
    }

    fn add_sparse(&mut self, sparse: &'a proto::SparseTensor) {
        self.ready.extend(sparse.values.iter().chain(&sparse.indices));
    }

    fn open_node(&mut self, node: &'a proto::Node) {
        for attribute in &node.attributes {
            self.ready.extend(attribute.tensor.as_deref().into_iter().chain(&attribute.tensors));
            self.graphs.extend(attribute.graph.as_deref().into_iter().chain(&attribute.graphs));
            attribute
                .sparse_tensor
                .as_deref()
                .into_iter()
                .chain(&attribute.sparse_tensors)
                .for_each(|sparse| self.add_sparse(sparse));
        }
    }

    fn open_graph(&mut self, graph: &'a proto::Graph) {
        self.nodes.extend(&graph.nodes);
        self.ready.extend(&graph.initializers);
        graph.sparse_initializers.iter().for_each(|sparse| self.add_sparse(sparse));
    }
}

impl<'a> Iterator for Tensors<'a> {
    type Item = &'a proto::Tensor;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(tensor) = self.ready.pop() {
                return Some(tensor);
            } else if let Some(node) = self.nodes.pop() {
                self.open_node(node);
            } else {
                let graph = self.graphs.pop()?;
                self.open_graph(graph);
            }
        }
    }
}

/// The nodes of all graphs and functions together.
pub fn count_nodes(model: &proto::Model) -> usize {
    let mut graphs: Vec<&proto::Graph> = model.graph.iter().collect();
    let mut nodes: Vec<&proto::Node> = model.functions.iter().flat_map(|function| &function.nodes).collect();
    let mut count = 0;
    loop {
        if let Some(node) = nodes.pop() {
            count += 1;
            graphs.extend(
                node.attributes
                    .iter()
                    .flat_map(|attribute| attribute.graph.as_deref().into_iter().chain(&attribute.graphs)),
            );
        } else if let Some(graph) = graphs.pop() {
            nodes.extend(&graph.nodes);
        } else {
            return count;
        }
    }
}

/// Whether a node is of the standard operators, or of those for classical machine learning.
pub fn is_op(node: &proto::Node, names: &[&str]) -> bool {
    matches!(node.domain.as_str(), "" | "ai.onnx" | "ai.onnx.ml") && names.contains(&node.op_type.as_str())
}

/// The names that are in the graph before any node runs.
fn given(graph: &proto::Graph) -> HashSet<&str> {
    let sparse = graph.sparse_initializers.iter().filter_map(|sparse| sparse.values.as_ref());
    let tensors = graph.initializers.iter().chain(sparse).map(|tensor| tensor.name.as_str());
    graph.inputs.iter().map(|input| input.name.as_str()).chain(tensors).collect()
}

/// Checks the outermost graph's names: each defined once, each defined somewhere, and none in terms of itself.
pub fn check(graph: &proto::Graph) -> Result<(), Unsupported> {
    unique(graph.inputs.iter().map(|input| input.name.as_str()), "inputs")?;
    unique(graph.outputs.iter().map(|output| output.name.as_str()), "outputs")?;
    unique(graph.initializers.iter().map(|tensor| tensor.name.as_str()), "initializers")?;
    let mut known = given(graph);
    let mut waiting: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut produced = HashSet::new();
    for name in graph.nodes.iter().flat_map(|node| &node.outputs).filter(|name| !name.is_empty()) {
        if known.contains(name.as_str()) || !produced.insert(name.as_str()) {
            return Err(broken(format!("the name '{name}' is defined twice in this graph")));
        }
    }
    let mut missing: Vec<usize> = vec![0; graph.nodes.len()];
    let mut ready = Vec::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        let unknown: HashSet<&str> =
            node.inputs.iter().map(String::as_str).filter(|&name| !name.is_empty() && !known.contains(name)).collect();
        if let Some(name) = unknown.iter().find(|&&name| !produced.contains(name)) {
            return Err(broken(format!("node '{}' ({}) takes '{name}', which nothing gives", node.name, node.op_type)));
        }
        missing[index] = unknown.len();
        if unknown.is_empty() {
            ready.push(index);
        }
        for name in unknown {
            waiting.entry(name).or_default().push(index);
        }
    }
    let mut done = 0;
    while let Some(index) = ready.pop() {
        done += 1;
        for name in graph.nodes[index].outputs.iter().map(String::as_str) {
            known.insert(name);
            for &next in waiting.get(name).into_iter().flatten() {
                missing[next] -= 1;
                if missing[next] == 0 {
                    ready.push(next);
                }
            }
        }
    }
    if done < graph.nodes.len() {
        let stuck = missing.iter().position(|&count| count > 0).map_or("", |index| graph.nodes[index].name.as_str());
        return Err(broken(format!("the nodes of this graph go round in a circle, at '{stuck}'")));
    }
    match graph.outputs.iter().find(|output| !known.contains(output.name.as_str())) {
        Some(output) => Err(broken(format!("nothing gives the output '{}'", output.name))),
        None => Ok(()),
    }
}

fn unique<'a>(names: impl Iterator<Item = &'a str>, what: &str) -> Result<(), Unsupported> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(broken(format!("two of the graph's {what} are named '{name}'")));
        }
    }
    Ok(())
}
