//! The message of a prediction.

use super::contents;
use super::parameters::{classes, count, is_text, refuse_what_would_be_lost};
use super::proto::ModelInferRequest;
use super::proto::model_infer_request::InferInputTensor;
use crate::fault::Fault;
use crate::inputs::Inputs;
use crate::model::Model;
use crate::raw;
use crate::v2::parameters::TEST;
use crate::v2::{Asked, Outputs, expected};
use bytes::Bytes;
use servoir_types::{Tensor, TensorSpec};
use std::time::Duration;

impl Asked {
    /// Reads a message for a model; its outputs are all wanted in binary form.
    ///
    /// # Errors
    /// As for JSON: which input or output, what was expected and what came.
    pub fn of_message(message: ModelInferRequest, model: Model<'_>) -> Result<Self, Fault> {
        let ModelInferRequest { id, parameters, inputs, outputs: named, raw_input_contents: raw, .. } = message;
        let at = "parameters";
        refuse_what_would_be_lost(&parameters, at)?;
        let priority = count(&parameters, at, "priority")?.unwrap_or(0);
        let timeout = count(&parameters, at, "timeout")?.filter(|&micros| micros > 0).map(Duration::from_micros);
        let observed = !is_text(&parameters, "source", TEST);
        let mut outputs = Outputs::of(model);
        for output in &named {
            outputs.add(&output.name, classes(output)?, None)?;
        }
        Ok(Self {
            id: Some(id).filter(|id| !id.is_empty()),
            inputs: read_inputs(inputs, raw, model)?,
            outputs: outputs.finish(true),
            binary_output_default: true,
            priority,
            timeout,
            observed,
        })
    }
}

/// The elements of inputs are in the inputs themselves, or all in `raw`, in the inputs' order.
fn read_inputs(came: Vec<InferInputTensor>, raw: Vec<Bytes>, model: Model<'_>) -> Result<Vec<Tensor>, Fault> {
    if !raw.is_empty() && raw.len() != came.len() {
        let (entries, inputs) = (raw.len(), came.len());
        return Err(Fault::Form(format!(
            "raw_input_contents has {entries} entries for {inputs} inputs; it has one for each input, in their order, or \
             none"
        )));
    }
    let mut raw = raw.into_iter();
    let mut inputs = Inputs::of(model);
    for input in came {
        let (position, spec) = inputs.claim(&input.name)?;
        let bytes = raw.next();
        inputs.put(position, read_input(spec, input, bytes, model)?);
    }
    inputs.finish()
}

fn read_input(
    spec: &TensorSpec,
    input: InferInputTensor,
    raw: Option<Bytes>,
    model: Model<'_>,
) -> Result<Tensor, Fault> {
    refuse_what_would_be_lost(&input.parameters, &format!("input '{}'", spec.name))?;
    expected::datatype(spec, &input.datatype, model)?;
    let shape = expected::shape(spec, &input.shape, model)?;
    let contents = input.contents.unwrap_or_default();
    match raw {
        None => contents::read(spec, shape, contents),
        Some(_) if contents::lists(&contents).any(|(_, count)| count > 0) => Err(Fault::Form(format!(
            "input '{}' has contents beside raw_input_contents; the elements of a request are all in one or all in the \
             other",
            spec.name
        ))),
        Some(bytes) => raw::read(spec, &shape, bytes),
    }
}
