//! Which parts of a model's configuration apply here, which are refused, and which are left out.

use super::{ConfigError, ConfigFile};
use prost_reflect::{DynamicMessage, Value};

/// What becomes of a field.
#[derive(Clone, Copy)]
enum Part {
    /// It is followed, or says nothing that would have to be.
    Applied,
    /// Its own fields are looked up one by one.
    Inside,
    /// A model that has it would answer wrongly; why.
    Refused(&'static str),
}

use Part::{Applied, Inside, Refused};

/// Fields by path; those that are not here do not apply and are left out.
const PARTS: &[(&str, Part)] = &[
    ("name", Applied),
    ("platform", Applied),
    ("backend", Applied),
    ("default_model_filename", Applied),
    ("version_policy", Applied),
    ("max_batch_size", Applied),
    ("model_warmup", Inside),
    ("model_warmup.name", Applied),
    ("model_warmup.batch_size", Applied),
    ("model_warmup.count", Applied),
    ("model_warmup.inputs", Applied),
    ("parameters", Applied),
    ("input", Inside),
    ("input.name", Applied),
    ("input.data_type", Applied),
    ("input.dims", Applied),
    ("input.reshape", Refused("tensors are not reshaped; give the model file's own dims")),
    ("input.is_shape_tensor", Refused("shape tensors are TensorRT's; remove it")),
    ("input.allow_ragged_batch", Refused("ragged batches are not formed; remove it")),
    ("output", Inside),
    ("output.name", Applied),
    ("output.data_type", Applied),
    ("output.dims", Applied),
    ("output.reshape", Refused("tensors are not reshaped; give the model file's own dims")),
    ("output.is_shape_tensor", Refused("shape tensors are TensorRT's; remove it")),
    ("instance_group", Inside),
    ("instance_group.name", Applied),
    ("instance_group.count", Applied),
    ("instance_group.kind", Applied),
    ("instance_group.gpus", Applied),
    ("dynamic_batching", Inside),
    ("dynamic_batching.preferred_batch_size", Applied),
    ("dynamic_batching.max_queue_delay_microseconds", Applied),
    ("dynamic_batching.priority_levels", Applied),
    ("dynamic_batching.default_queue_policy", Inside),
    ("dynamic_batching.default_queue_policy.default_timeout_microseconds", Applied),
    ("dynamic_batching.default_queue_policy.max_queue_size", Applied),
    ("ensemble_scheduling", Refused("ensembles are not served; let the client call one model after the other")),
    ("sequence_batching", Refused("models that keep state between requests are not served")),
    ("batch_input", Refused("inputs made of the batch are not served; remove it, or export a model without them")),
    ("batch_output", Refused("outputs made of the batch are not served; remove it, or export a model without them")),
    ("model_transaction_policy", Inside),
    ("model_transaction_policy.decoupled", Refused("a request has exactly one answer here; remove it")),
];

/// The fields that are given and do not apply.
///
/// # Errors
/// The first field that is refused.
pub fn ignored(file: &ConfigFile) -> Result<Vec<String>, ConfigError> {
    let mut ignored = Vec::new();
    walk(file, &file.message, ("", ""), &mut ignored)?;
    Ok(ignored)
}

/// `prefix` is the path of `message` as the table has it, and as the file has it with its indices.
fn walk(
    file: &ConfigFile,
    message: &DynamicMessage,
    prefix: (&str, &str),
    ignored: &mut Vec<String>,
) -> Result<(), ConfigError> {
    for (field, value) in message.fields() {
        let path = format!("{}{}", prefix.0, field.name());
        let place = format!("{}{}", prefix.1, field.name());
        match PARTS.iter().find(|(known, _)| *known == path).map(|(_, part)| *part) {
            Some(Applied) => {}
            Some(Refused(reason)) => return Err(file.wrong(&place, reason)),
            None => ignored.push(place),
            Some(Inside) => {
                let path = path + ".";
                match value {
                    Value::Message(inner) => walk(file, inner, (&path, &format!("{place}.")), ignored)?,
                    Value::List(items) => {
                        for (index, item) in items.iter().enumerate() {
                            let Value::Message(inner) = item else { continue };
                            walk(file, inner, (&path, &format!("{place}[{index}].")), ignored)?;
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    Ok(())
}
