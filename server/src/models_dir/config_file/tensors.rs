//! `input` and `output`: what the configuration says of a model's tensors, against what the model file says.

use super::{ConfigError, ConfigFile};
use servoir_codec::grpc::proto::DataType;
use servoir_types::{Datatype, Signature, TensorSpec};

/// A tensor as the configuration declares it.
struct Declared<'a> {
    /// Its place, such as `input[0]`.
    place: String,
    name: &'a str,
    data_type: i32,
    dims: &'a [i64],
}

impl ConfigFile {
    /// Fails unless inputs and outputs are those of the model file; a file that declares none is content with any.
    ///
    /// # Errors
    /// The first tensor or dimension that differs: what the model file has and what the configuration says.
    pub fn check_tensors(&self, signature: &Signature) -> Result<(), ConfigError> {
        let config = &self.config;
        let inputs = config.input.iter().enumerate().map(|(index, input)| Declared {
            place: format!("input[{index}]"),
            name: &input.name,
            data_type: input.data_type,
            dims: &input.dims,
        });
        let outputs = config.output.iter().enumerate().map(|(index, output)| Declared {
            place: format!("output[{index}]"),
            name: &output.name,
            data_type: output.data_type,
            dims: &output.dims,
        });
        inputs.clone().try_for_each(|input| self.check_tensor(&input, &signature.inputs))?;
        outputs.into_iter().try_for_each(|output| self.check_tensor(&output, &signature.outputs))?;
        let declared: Vec<&str> = inputs.map(|input| input.name).collect();
        let missing = signature.inputs.iter().find(|spec| !declared.contains(&spec.name.as_str()));
        match missing {
            Some(spec) if !declared.is_empty() => {
                let last = format!("input[{}]", declared.len() - 1);
                Err(self.wrong(&last, format!("expected the model's input '{}' among the inputs too", spec.name)))
            }
            _ => Ok(()),
        }
    }

    fn check_tensor(&self, declared: &Declared<'_>, specs: &[TensorSpec]) -> Result<(), ConfigError> {
        let Declared { place, name, data_type, dims } = declared;
        let Some(spec) = specs.iter().find(|spec| spec.name == *name) else {
            let known: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
            let reason = format!("expected one of the model's, {}, got '{name}'", known.join(", "));
            return Err(self.wrong(&format!("{place}.name"), reason));
        };
        if let Some(datatype) = self.datatype(&format!("{place}.data_type"), *data_type)?
            && datatype != spec.datatype
        {
            let reason = format!("expected {} as '{name}' has, got {}", type_name(spec.datatype), type_name(datatype));
            return Err(self.wrong(&format!("{place}.data_type"), reason));
        }
        let Some(file_dims) = spec.shape.dims().filter(|_| self.lines.has(&format!("{place}.dims[0]"))) else {
            return Ok(());
        };
        let expected = if self.leaves_out_batch() { self.without_batch(place, spec, file_dims)? } else { file_dims };
        let field = format!("{place}.dims");
        if expected.len() != dims.len() {
            let words = if self.leaves_out_batch() { " after the batch dimension" } else { "" };
            let (count, got) = (expected.len(), dims.len());
            let reason = format!("expected {count} dimensions, '{name}' has {expected:?}{words}, got {got}: {dims:?}");
            return Err(self.wrong(&field, reason));
        }
        for (index, (&expected, &got)) in expected.iter().zip(*dims).enumerate() {
            if got < -1 || (expected >= 0 && got != expected) {
                let expected = if expected < 0 { "-1 or a length".to_owned() } else { expected.to_string() };
                let reason = format!("expected {expected} as '{name}' has, got {got}");
                return Err(self.wrong(&format!("{field}[{index}]"), reason));
            }
        }
        Ok(())
    }

    /// The dimensions after that of the batch, which must be free.
    fn without_batch<'a>(&self, place: &str, spec: &TensorSpec, dims: &'a [i64]) -> Result<&'a [i64], ConfigError> {
        match dims.split_first() {
            Some((&first, rest)) if first < 0 => Ok(rest),
            _ => {
                let name = &spec.name;
                let reason = format!(
                    "with max_batch_size {}, the first dimension of '{name}' must be free, and the model has {}; \
                     say max_batch_size: 0",
                    self.config.max_batch_size, spec.shape
                );
                Err(self.wrong(place, reason))
            }
        }
    }

    /// The datatype of a field; `None` when it is not given.
    pub(super) fn datatype(&self, field: &str, data_type: i32) -> Result<Option<Datatype>, ConfigError> {
        let unknown = || self.wrong(field, format!("expected a datatype, got {data_type}"));
        Ok(Some(match DataType::try_from(data_type).map_err(|_| unknown())? {
            DataType::TypeInvalid => return Ok(None),
            DataType::TypeString => Datatype::Bytes,
            other => {
                let name = other.as_str_name().trim_start_matches("TYPE_");
                Datatype::from_name(name).ok_or_else(unknown)?
            }
        }))
    }
}

/// A datatype as configurations name it.
pub(super) fn type_name(datatype: Datatype) -> String {
    format!("TYPE_{}", if datatype == Datatype::Bytes { "STRING" } else { datatype.name() })
}
