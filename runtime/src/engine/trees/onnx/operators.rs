//! Nodes that make one block from another: what each does, checked against the block that it is given.

mod encoders;
mod numbers;
mod shapes;

use super::attributes::Attributes;
use super::constant::Constant;
use super::steps::Map;
use crate::onnx::proto::Node;
use servoir_types::Datatype;

/// The type and the dimensions of a block, without the first, which is the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// The type of the elements.
    pub datatype: Datatype,
    /// The dimensions of a row; none for a block of one dimension.
    pub dims: Vec<usize>,
}

impl Shape {
    /// The elements of a row.
    pub fn width(&self) -> usize {
        self.dims.iter().fold(1, |width, &dim| width.saturating_mul(dim))
    }

    /// The columns of a matrix.
    fn columns(&self) -> Result<usize, String> {
        match self.dims[..] {
            [columns] => Ok(columns),
            _ => Err(format!("it is given a block of {} dimensions, not a matrix", self.dims.len() + 1)),
        }
    }

    /// The dimension, counted with the rows, that an axis stands for: at least 1, as the rows are not to be touched.
    pub fn axis(&self, axis: i64, rank: usize) -> Result<usize, String> {
        let counted = if axis < 0 { usize::try_from(axis + i64::try_from(rank).unwrap_or(0)) } else { axis.try_into() };
        counted.ok().filter(|axis| (1..rank).contains(axis)).ok_or_else(|| format!("its axis is {axis}"))
    }
}

/// What a node is given.
pub struct Given<'a> {
    /// The node.
    pub node: &'a Node,
    /// Its one input that is a block.
    pub shape: Shape,
    /// Which of the node's inputs that is.
    pub position: usize,
    /// The node's inputs that are constants.
    pub constants: Vec<Option<Constant>>,
}

impl<'a> Given<'a> {
    fn attributes(&self) -> Attributes<'a> {
        Attributes(self.node)
    }

    /// A constant input.
    fn constant(&self, position: usize) -> Result<&Constant, String> {
        let found = self.constants.get(position).and_then(Option::as_ref);
        found.ok_or_else(|| format!("its input {position} is not a constant"))
    }

    /// Whole numbers in a constant input.
    fn integers(&self, position: usize) -> Result<Vec<i64>, String> {
        self.constant(position)?.integers().ok_or_else(|| format!("its input {position} does not have whole numbers"))
    }

    /// Numbers for each column, given for each or once for all.
    fn for_columns<T: Copy>(&self, numbers: &[T], name: &str) -> Result<Vec<T>, String> {
        let columns = self.shape.columns()?;
        match numbers {
            [number] => Ok(vec![*number; columns]),
            _ if numbers.len() == columns && columns > 0 => Ok(numbers.to_vec()),
            _ => Err(format!("it has {} numbers in {name} for {columns} columns", numbers.len())),
        }
    }
}

/// What a node makes.
pub struct Made {
    /// How; `None` when the elements are those that it is given.
    pub map: Option<Box<dyn Map>>,
    /// The block.
    pub shape: Shape,
}

impl Made {
    fn same_elements(shape: Shape) -> Self {
        Self { map: None, shape }
    }

    fn with(map: impl Map + 'static, datatype: Datatype, dims: Vec<usize>) -> Self {
        Self { map: Some(Box::new(map)), shape: Shape { datatype, dims } }
    }
}

/// Makes a node's step.
pub fn make(given: &Given<'_>) -> Result<Made, String> {
    let is_ml = given.node.domain == "ai.onnx.ml";
    if !is_ml && !matches!(given.node.domain.as_str(), "" | "ai.onnx") {
        return Err("it is not one that is computed here".into());
    }
    if given.position != 0 && !matches!(given.node.op_type.as_str(), "Add" | "Sub" | "Mul" | "Div") {
        return Err(format!("its input {} is not a constant", given.position));
    }
    match (is_ml, given.node.op_type.as_str()) {
        (false, "Identity") => Ok(Made::same_elements(given.shape.clone())),
        (false, "Cast") => numbers::cast(given),
        (false, "Reshape") => shapes::reshape(given),
        (false, "Flatten") => shapes::flatten(given),
        (false, "Squeeze") => shapes::squeeze(given),
        (false, "Unsqueeze") => shapes::unsqueeze(given),
        (false, "Gather") => shapes::gather(given),
        (false, "Slice") => shapes::slice(given),
        (true, "ArrayFeatureExtractor") => shapes::extract(given),
        (true, "Scaler") => numbers::scaler(given),
        (true, "Imputer") => numbers::imputer(given),
        (true, "Normalizer") => numbers::normalizer(given),
        (true, "Binarizer") => numbers::binarizer(given),
        (false, "Clip") => numbers::clip(given),
        (false, "Exp") => numbers::exp(given),
        (false, "Add" | "Sub" | "Mul" | "Div") => numbers::arithmetic(given),
        (true, "OneHotEncoder") => encoders::one_hot(given),
        (true, "LabelEncoder") => encoders::labels(given),
        (true, "ZipMap") => encoders::zip_map(given),
        _ => Err("it is not one that is computed here".into()),
    }
}
