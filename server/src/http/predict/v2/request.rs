//! The body of `…/infer`.

use super::parameters::{OfInput, OfOutput, OfRequest};
use crate::error::ApiError;
use crate::http::predict::json::fault::{Fault, nearest};
use crate::http::predict::json::filling::Filling;
use crate::http::predict::json::object::{self, Object};
use crate::http::predict::json::{RANK_MAX, excerpt, rank_of};
use crate::http::predict::media::NO_BINARY;
use serde::Deserialize;
use serde_json::value::RawValue;
use servoir_runtime::{Deployment, Identity, Priority};
use servoir_types::{Datatype, Signature, Tensor, TensorSpec};
use std::time::Duration;

/// What a request asks for.
#[derive(Debug)]
pub struct Asked {
    /// The caller's own id, which comes back.
    pub id: Option<String>,
    /// In the signature's order.
    pub inputs: Vec<Tensor>,
    /// In the caller's order.
    pub outputs: Vec<Wanted>,
    /// Who goes first.
    pub priority: Priority,
    /// How long the caller waits.
    pub timeout: Option<Duration>,
}

/// An output that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Its position in the signature.
    pub position: usize,
    /// How many of the best classes are wanted in place of the values.
    pub classes: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    id: Option<String>,
    #[serde(default)]
    parameters: Option<Object<OfRequest>>,
    #[serde(borrow)]
    inputs: Vec<Object<Input<'a>>>,
    outputs: Option<Vec<Object<Output>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input<'a> {
    name: String,
    shape: Vec<i64>,
    datatype: String,
    #[serde(borrow)]
    parameters: Option<Object<OfInput<'a>>>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Output {
    name: String,
    parameters: Option<Object<OfOutput>>,
}

impl Asked {
    /// Reads a body for a deployment.
    ///
    /// # Errors
    /// 400, saying which input or output, what was expected and what came; 413 for more rows than may wait.
    pub fn read(bytes: &[u8], deployment: &Deployment) -> Result<Self, ApiError> {
        let Identity { name, version, .. } = deployment.identity();
        let model = format!("model '{name}' v{version}");
        let reader =
            Reader { signature: deployment.signature(), model: &model, rows_max: deployment.options().queue_rows_max };
        reader.read(bytes)
    }
}

/// Reads bodies for one model.
struct Reader<'s> {
    signature: &'s Signature,
    model: &'s str,
    rows_max: usize,
}

impl Reader<'_> {
    fn read(&self, bytes: &[u8]) -> Result<Asked, ApiError> {
        let body: Body<'_> = object::read(bytes)?;
        let parameters = body.parameters.map(|Object(parameters)| parameters).unwrap_or_default();
        parameters.check()?;
        let outputs = self.outputs(body.outputs)?;
        let inputs = self.inputs(&body.inputs)?;
        Ok(Asked { id: body.id, inputs, outputs, priority: parameters.priority(), timeout: parameters.timeout() })
    }

    fn inputs(&self, came: &[Object<Input<'_>>]) -> Result<Vec<Tensor>, ApiError> {
        let mut slots: Vec<Option<Tensor>> = vec![None; self.signature.inputs.len()];
        for Object(input) in came {
            let Some(position) = self.signature.inputs.iter().position(|spec| spec.name == input.name) else {
                let nearest = nearest(&input.name, self.signature.inputs.iter().map(|spec| spec.name.as_str()));
                let (name, model) = (excerpt(&input.name), self.model.to_owned());
                return Err(Fault::UnknownInput { name, nearest, model }.into());
            };
            if slots[position].is_some() {
                return Err(malformed(format!("inputs: '{}' came twice", input.name)));
            }
            slots[position] = Some(self.tensor(&self.signature.inputs[position], input)?);
        }
        let missing = self.signature.inputs.iter().zip(&slots).filter(|(_, slot)| slot.is_none());
        let names: Vec<_> = missing.map(|(spec, _)| spec.name.clone()).collect();
        if !names.is_empty() {
            return Err(Fault::MissingInputs { names, model: self.model.to_owned() }.into());
        }
        Ok(slots.into_iter().flatten().collect())
    }

    fn tensor(&self, spec: &TensorSpec, input: &Input<'_>) -> Result<Tensor, ApiError> {
        let name = &input.name;
        if let Some(Object(parameters)) = &input.parameters {
            parameters.check()?;
        }
        if input.datatype != spec.datatype.name() {
            let (came, model) = (excerpt(&input.datatype), self.model);
            return Err(malformed(format!("input '{name}' of {model} is {}, {came} came", spec.datatype)));
        }
        if spec.datatype == Datatype::Bf16 {
            return Err(malformed(format!("input '{name}': BF16 has no JSON form; {NO_BINARY}")));
        }
        let shape = self.shape(spec, input)?;
        let Some(json) = input.data else { return Err(malformed(format!("input '{name}' has no data"))) };
        let mut filling = Filling::of_shape(spec, self.model, &shape)?;
        match rank_of(json.get()) {
            0 => return Err(malformed(format!("input '{name}': data must be a list"))),
            1 => filling.flat(json)?,
            rank if rank == shape.len() => filling.whole(json)?,
            rank => {
                let detail = format!(
                    "input '{name}': data is nested {rank} deep and shape {shape:?} has {} dimensions; nest it as the \
                     shape says, or not at all",
                    shape.len()
                );
                return Err(malformed(detail));
            }
        }
        Ok(filling.finish()?)
    }

    fn shape(&self, spec: &TensorSpec, input: &Input<'_>) -> Result<Vec<usize>, ApiError> {
        let Input { name, shape: came, .. } = input;
        if came.len() > RANK_MAX {
            return Err(malformed(format!(
                "input '{name}' has {} dimensions, at most {RANK_MAX} are taken",
                came.len()
            )));
        }
        let dims: Option<Vec<usize>> = came.iter().map(|&dim| usize::try_from(dim).ok()).collect();
        let Some(dims) = dims else {
            return Err(malformed(format!("input '{name}': shape {came:?} has a dimension below 0")));
        };
        if dims.iter().try_fold(1usize, |count, &dim| count.checked_mul(dim)).is_none() {
            return Err(malformed(format!("input '{name}': shape {came:?} has more elements than can be counted")));
        }
        if !spec.shape.admits(&dims) {
            return Err(Filling::wrong_rank(spec, self.model, format!("{came:?}")).into());
        }
        if spec.shape.is_batchable() && dims.first().is_some_and(|&rows| rows > self.rows_max) {
            return Err(Fault::TooManyRows { max: self.rows_max }.into());
        }
        Ok(dims)
    }

    fn outputs(&self, came: Option<Vec<Object<Output>>>) -> Result<Vec<Wanted>, ApiError> {
        let all = || (0..self.signature.outputs.len()).map(|position| Wanted { position, classes: None });
        let Some(came) = came.filter(|came| !came.is_empty()) else { return Ok(all().collect()) };
        let mut wanted: Vec<Wanted> = Vec::with_capacity(self.signature.outputs.len());
        for Object(Output { name, parameters }) in came {
            let Some(position) = self.signature.outputs.iter().position(|spec| spec.name == name) else {
                let names: Vec<_> = self.signature.outputs.iter().map(|spec| format!("'{}'", spec.name)).collect();
                let (model, name) = (self.model, excerpt(&name));
                return Err(malformed(format!("outputs: {model} has no output '{name}'; it has {}", names.join(", "))));
            };
            if wanted.iter().any(|output| output.position == position) {
                return Err(malformed(format!("outputs: '{name}' came twice")));
            }
            let classes = parameters.map(|Object(parameters)| parameters.classes()).transpose()?.flatten();
            wanted.push(Wanted { position, classes });
        }
        Ok(wanted)
    }
}

fn malformed(detail: String) -> ApiError {
    ApiError::malformed("wrong-form", detail)
}
