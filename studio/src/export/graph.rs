//! A graph that is being written.

use super::proto::{Attribute, Dimension, Element, Graph, Node, Shape, Tensor, TensorType, Type, Value};
use std::collections::HashSet;

/// A graph that is being written.
#[derive(Default)]
pub struct Writer {
    graph: Graph,
    /// Every name that stands for a value: inputs are called like columns, which may be called anything.
    taken: HashSet<String>,
}

impl Writer {
    /// Adds an input of rows of one element.
    pub fn input(&mut self, name: &str, element: Element) {
        self.taken.insert(name.into());
        self.graph.inputs.push(value(name, element, &[None, Some(1)]));
    }

    /// Adds an output and tells its name: `name`, or that with underscores behind it where a column has that name.
    pub fn output(&mut self, name: &str, element: Element, dims: &[Option<i64>]) -> String {
        let name = self.name(name);
        self.graph.outputs.push(value(&name, element, dims));
        name
    }

    /// Adds a constant.
    pub fn constant(&mut self, name: &str, dims: &[usize], data: Constant) -> String {
        let name = self.name(name);
        let dims = dims.iter().map(|&dim| i64::try_from(dim).unwrap_or(i64::MAX)).collect();
        let mut tensor = Tensor { dims, name: name.clone(), ..Default::default() };
        let element = match data {
            Constant::Integers(integers) => {
                tensor.int64_data = integers;
                Element::Int64
            }
            Constant::Texts(texts) => {
                tensor.string_data = texts.into_iter().map(String::into_bytes).collect();
                Element::String
            }
            Constant::Doubles(numbers) => {
                tensor.double_data = numbers;
                Element::Double
            }
        };
        tensor.data_type = element as i32;
        self.graph.initializers.push(tensor);
        name
    }

    /// Adds a node with one output, and tells that.
    pub fn node(&mut self, op_type: &str, inputs: Vec<String>, attributes: Vec<Attribute>) -> String {
        let output = self.name(&op_type.to_lowercase());
        self.node_to(op_type, inputs, vec![output.clone()], attributes);
        output
    }

    /// Adds a node with the outputs that it is given.
    pub fn node_to(&mut self, op_type: &str, inputs: Vec<String>, outputs: Vec<String>, attributes: Vec<Attribute>) {
        let is_of_trees = op_type.starts_with("TreeEnsemble");
        let is_ml = is_of_trees
            || matches!(op_type, "LabelEncoder" | "OneHotEncoder" | "Imputer" | "Scaler" | "ArrayFeatureExtractor");
        self.graph.nodes.push(Node {
            inputs,
            outputs,
            name: format!("{op_type}-{}", self.graph.nodes.len() + 1),
            op_type: op_type.into(),
            attributes,
            domain: if is_ml { "ai.onnx.ml" } else { "" }.into(),
        });
    }

    /// The graph.
    pub fn finish(self) -> Graph {
        self.graph
    }

    fn name(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        while !self.taken.insert(name.clone()) {
            name.push('_');
        }
        name
    }
}

/// The elements of a constant.
pub enum Constant {
    /// 64-bit integers.
    Integers(Vec<i64>),
    /// Texts.
    Texts(Vec<String>),
    /// 64-bit floats.
    Doubles(Vec<f64>),
}

fn value(name: &str, element: Element, dims: &[Option<i64>]) -> Value {
    let dims = dims.iter().map(|&value| Dimension { value, name: value.is_none().then(|| "rows".into()) }).collect();
    let tensor = TensorType { element: element as i32, shape: Some(Shape { dims }) };
    Value { name: name.into(), kind: Some(Type { tensor: Some(tensor) }) }
}

/// An attribute of one integer.
pub fn int(name: &str, int: i64) -> Attribute {
    Attribute { name: name.into(), int, kind: 2, ..Default::default() }
}

/// An attribute of one number.
pub fn float(name: &str, float: f32) -> Attribute {
    Attribute { name: name.into(), float, kind: 1, ..Default::default() }
}

/// An attribute of one text.
pub fn text(name: &str, text: &str) -> Attribute {
    Attribute { name: name.into(), string: text.into(), kind: 3, ..Default::default() }
}

/// An attribute of numbers.
pub fn floats(name: &str, floats: Vec<f32>) -> Attribute {
    Attribute { name: name.into(), floats, kind: 6, ..Default::default() }
}

/// An attribute of integers.
pub fn ints(name: &str, ints: Vec<i64>) -> Attribute {
    Attribute { name: name.into(), ints, kind: 7, ..Default::default() }
}

/// An attribute of texts.
pub fn texts<'a>(name: &str, texts: impl IntoIterator<Item = &'a str>) -> Attribute {
    let strings = texts.into_iter().map(|text| text.as_bytes().to_vec()).collect();
    Attribute { name: name.into(), strings, kind: 8, ..Default::default() }
}
