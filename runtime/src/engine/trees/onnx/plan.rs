//! A graph as steps to one ensemble of trees, and steps from it to the outputs.

use super::attributes::called;
use super::constant::Constant;
use super::operators::{self, Given, Shape};
use super::steps::Steps;
use crate::onnx::proto;
use servoir_types::{Datatype, Signature, TensorSpec};
use std::collections::HashMap;

/// The most elements that one row has in all blocks together.
const ROW_ELEMENTS_MAX: usize = 1 << 22;

/// The most elements that are read from constants, each time that one is used.
const CONSTANT_ELEMENTS_MAX: usize = 1 << 26;

/// Where a graph's ensemble is, and what is to be done before and after it.
pub struct Plan<'g> {
    /// The node of the ensemble.
    pub ensemble: &'g proto::Node,
    /// The matrix that the trees look at, among the registers of `before`.
    pub matrix: usize,
    /// The type and width of that.
    pub shape: Shape,
    /// Steps over the inputs, which are still to be finished.
    pub before: Steps,
    /// Steps over the scores, in register [`SCORES`], and the labels, in [`LABELS`].
    pub after: Steps,
    /// For each output, its register in `after` and its dimensions but the first.
    pub outputs: Vec<(usize, Vec<usize>)>,
}

/// The register of the scores, `[rows, targets]`.
pub const SCORES: usize = 0;
/// The register of the labels, `[rows]`.
pub const LABELS: usize = 1;

/// What an ensemble gives.
pub struct Gives {
    /// Of its labels, when it has those.
    pub labels: Option<Datatype>,
    /// Of its scores.
    pub scores: Shape,
}

/// A name's value.
#[derive(Clone)]
enum Value<'g> {
    Constant(&'g proto::Tensor),
    Block(Block),
}

#[derive(Clone)]
struct Block {
    /// Whether it depends on the trees.
    is_after: bool,
    register: usize,
    shape: Shape,
}

/// A plan that is being made.
struct Planner<'g> {
    values: HashMap<&'g str, Value<'g>>,
    before: Steps,
    after: Steps,
    /// The node of the ensemble, with its matrix.
    found: Option<(&'g proto::Node, Block)>,
    row_elements: usize,
    constant_elements: usize,
}

/// Plans a graph. `gives` tells what the ensemble of a node gives for a matrix.
///
/// # Errors
/// The first node that is not one that is computed here.
pub fn plan<'g>(
    graph: &'g proto::Graph,
    signature: &Signature,
    gives: impl Fn(&proto::Node, &Shape) -> Result<Option<Gives>, String>,
) -> Result<Plan<'g>, String> {
    if !graph.sparse_initializers.is_empty() {
        return Err("it has sparse initializers".into());
    }
    let mut planner = Planner::new(graph, signature)?;
    for node in &graph.nodes {
        planner.add(node, &gives).map_err(|reason| format!("{}: {reason}", called(node)))?;
    }
    planner.finish(&signature.outputs)
}

impl<'g> Planner<'g> {
    fn new(graph: &'g proto::Graph, signature: &Signature) -> Result<Self, String> {
        let constants = graph.initializers.iter().map(|tensor| (tensor.name.as_str(), Value::Constant(tensor)));
        let mut values: HashMap<&str, Value<'_>> = constants.collect();
        let names: HashMap<&str, &'g str> = graph.inputs.iter().map(|input| (&*input.name, &*input.name)).collect();
        for (register, input) in signature.inputs.iter().enumerate() {
            let name = names.get(input.name.as_str()).ok_or("the file is not the one that was read before")?;
            let dims = input.shape.dims().and_then(<[i64]>::split_first).map(|(_, dims)| dims).unwrap_or(&[-1]);
            let dims = dims.iter().map(|&dim| usize::try_from(dim)).collect::<Result<Vec<_>, _>>();
            let shape = dims.ok().map(|dims| Shape { datatype: input.datatype, dims });
            match shape.filter(|shape| shape.width() <= ROW_ELEMENTS_MAX) {
                Some(shape) => values.insert(name, Value::Block(Block { is_after: false, register, shape })),
                None => return Err(format!("input '{}' is {}: not rows of a known width", input.name, input.shape)),
            };
        }
        let (before, after) = (Steps::over(signature.inputs.len()), Steps::over(2));
        Ok(Self { values, before, after, found: None, row_elements: 0, constant_elements: 0 })
    }

    fn value(&self, name: &str) -> Result<Value<'g>, String> {
        let found = self.values.get(name).cloned();
        found.ok_or_else(|| format!("it takes '{name}', which comes later"))
    }

    fn define(&mut self, name: &'g str, block: Block) -> Result<(), String> {
        self.row_elements = self.row_elements.saturating_add(block.shape.width());
        if self.row_elements > ROW_ELEMENTS_MAX {
            return Err(format!("a row has more than {ROW_ELEMENTS_MAX} elements in all steps together"));
        }
        self.values.insert(name, Value::Block(block));
        Ok(())
    }

    fn add(
        &mut self,
        node: &'g proto::Node,
        gives: &impl Fn(&proto::Node, &Shape) -> Result<Option<Gives>, String>,
    ) -> Result<(), String> {
        if node.op_type == "Constant" && matches!(node.domain.as_str(), "" | "ai.onnx") {
            let value = node.attribute("value").and_then(|value| value.tensor.as_deref());
            let (Some(tensor), [name]) = (value, &node.outputs[..]) else { return Err("it has no tensor".into()) };
            self.values.insert(name, Value::Constant(tensor));
            return Ok(());
        }
        if let [input] = &node.inputs[..]
            && let Ok(Value::Block(matrix)) = self.value(input)
            && let Some(gives) = gives(node, &matrix.shape)?
        {
            return self.add_ensemble(node, matrix, gives);
        }
        let (block, name) = match (node.op_type.as_str(), &node.outputs[..]) {
            (_, [name]) if node.op_type == "Concat" && node.domain != "ai.onnx.ml" => (self.concat(node)?, name),
            (_, [name]) => (self.make(node)?, name),
            (_, outputs) => return Err(format!("it has {} outputs", outputs.len())),
        };
        self.define(name, block)
    }

    fn add_ensemble(&mut self, node: &'g proto::Node, matrix: Block, gives: Gives) -> Result<(), String> {
        if matrix.is_after || self.found.is_some() {
            return Err("it is a second ensemble".into());
        }
        let labels = gives.labels.map(|datatype| (LABELS, Shape { datatype, dims: Vec::new() }));
        let given = labels.into_iter().chain([(SCORES, gives.scores)]);
        for (name, (register, shape)) in node.outputs.iter().zip(given).filter(|(name, _)| !name.is_empty()) {
            self.define(name, Block { is_after: true, register, shape })?;
        }
        self.found = Some((node, matrix));
        Ok(())
    }

    fn make(&mut self, node: &'g proto::Node) -> Result<Block, String> {
        let mut block = None;
        let mut constants = Vec::with_capacity(node.inputs.len());
        for (position, name) in node.inputs.iter().enumerate() {
            constants.push(None);
            if name.is_empty() {
                continue;
            }
            match self.value(name)? {
                Value::Constant(tensor) => constants[position] = Some(self.constant(tensor)?),
                Value::Block(found) if block.is_none() => block = Some((found, position)),
                Value::Block(_) => return Err("it is not one that is computed here with two blocks".into()),
            }
        }
        let (Block { is_after, register, shape }, position) = block.ok_or("it is given constants alone")?;
        let made = operators::make(&Given { node, shape, position, constants })?;
        let steps = if is_after { &mut self.after } else { &mut self.before };
        let register = made.map.map_or(register, |map| steps.push_map(register, map));
        Ok(Block { is_after, register, shape: made.shape })
    }

    fn constant(&mut self, tensor: &proto::Tensor) -> Result<Constant, String> {
        let constant = Constant::read(tensor)?;
        self.constant_elements = self.constant_elements.saturating_add(constant.data.len());
        if self.constant_elements > CONSTANT_ELEMENTS_MAX {
            return Err(format!("constants of more than {CONSTANT_ELEMENTS_MAX} elements are used"));
        }
        Ok(constant)
    }

    fn concat(&mut self, node: &'g proto::Node) -> Result<Block, String> {
        let mut blocks = Vec::with_capacity(node.inputs.len());
        for name in &node.inputs {
            match self.value(name)? {
                Value::Block(block) => blocks.push(block),
                Value::Constant(_) => return Err(format!("it puts the constant '{name}' beside rows")),
            }
        }
        let Some((first, others)) = blocks.split_first() else { return Err("it has no inputs".into()) };
        let mut shape = first.shape.clone();
        let axis = shape.axis(node.attribute("axis").map_or(0, |axis| axis.int), shape.dims.len() + 1)? - 1;
        if shape.dims[..axis].iter().any(|&dim| dim != 1) {
            return Err(format!("its axis {} lies inside rows of {:?}", axis + 1, shape.dims));
        }
        for other in others {
            let length = other.shape.dims.get(axis).copied().unwrap_or(0);
            let mut expected = first.shape.clone();
            expected.dims[axis] = length;
            if other.shape != expected || other.is_after != first.is_after {
                return Err(format!("it puts {:?} beside {:?}", other.shape, first.shape));
            }
            shape.dims[axis] = shape.dims[axis].saturating_add(length);
        }
        let from: Vec<(usize, usize)> = blocks.iter().map(|block| (block.register, block.shape.width())).collect();
        let steps = if first.is_after { &mut self.after } else { &mut self.before };
        let register = if let [(only, _)] = from[..] { only } else { steps.push_concat(&from) };
        Ok(Block { is_after: first.is_after, register, shape })
    }

    fn finish(mut self, outputs: &[TensorSpec]) -> Result<Plan<'g>, String> {
        let (ensemble, matrix) = self.found.take().ok_or("it has no ensemble of trees")?;
        let places = outputs.iter().map(|output| self.output(output)).collect::<Result<Vec<_>, _>>()?;
        self.after.finish(&places.iter().map(|(register, _)| *register).collect::<Vec<_>>());
        let Self { before, after, .. } = self;
        Ok(Plan { ensemble, matrix: matrix.register, shape: matrix.shape, before, after, outputs: places })
    }

    /// Where an output is. It is of the type and rank that the file declares.
    fn output(&self, output: &TensorSpec) -> Result<(usize, Vec<usize>), String> {
        let Some(Value::Block(Block { is_after: true, register, shape })) = self.values.get(output.name.as_str())
        else {
            return Err(format!("output '{}' does not come from the trees", output.name));
        };
        let rank = output.shape.dims().map(<[i64]>::len);
        if shape.datatype != output.datatype || rank.is_some_and(|rank| rank != shape.dims.len() + 1) {
            return Err(format!("output '{}' is declared as other than it is", output.name));
        }
        Ok((*register, shape.dims.clone()))
    }
}
