//! `model_warmup`: inputs that a model runs on before anybody waits for it.

use super::tensors::type_name;
use super::{ConfigError, ConfigFile};
use crate::models_dir::made_up::{self, Contents};
use crate::models_dir::warmed::Sample;
use servoir_codec::grpc::proto::{ModelWarmup, model_warmup::Input, model_warmup::input::InputDataType};
use servoir_types::{Signature, Tensor, TensorSpec};

/// The most runs of one warm-up.
const RUNS_MAX: u32 = 1000;

/// The most elements of one input of a warm-up.
const ELEMENTS_MAX: usize = 1 << 26;

impl ConfigFile {
    /// The warm-ups as tensors for this model.
    ///
    /// # Errors
    /// The first field that is wrong, or does not fit the model.
    pub fn warmups(&self, signature: &Signature) -> Result<Vec<Sample>, ConfigError> {
        let warmups = self.config.model_warmup.iter().enumerate();
        warmups.map(|(index, warmup)| self.warmup(&format!("model_warmup[{index}]"), warmup, signature)).collect()
    }

    fn warmup(&self, place: &str, warmup: &ModelWarmup, signature: &Signature) -> Result<Sample, ConfigError> {
        if warmup.count > RUNS_MAX {
            let reason = format!("expected at most {RUNS_MAX} runs, got {}", warmup.count);
            return Err(self.wrong(&format!("{place}.count"), reason));
        }
        let most = self.config.max_batch_size;
        if self.leaves_out_batch() && i64::from(warmup.batch_size) > i64::from(most) {
            let reason = format!("expected at most max_batch_size, {most}, got {}", warmup.batch_size);
            return Err(self.wrong(&format!("{place}.batch_size"), reason));
        }
        let mut extra: Vec<&String> = warmup.inputs.keys().collect();
        extra.retain(|name| signature.inputs.iter().all(|spec| spec.name != **name));
        if let Some(name) = extra.iter().min() {
            return Err(self.wrong(&format!("{place}.inputs"), format!("the model has no input '{name}'")));
        }
        let inputs = signature.inputs.iter().map(|spec| match warmup.inputs.get(&spec.name) {
            Some(input) => self.warmup_input(place, warmup, input, spec),
            None => {
                Err(self.wrong(&format!("{place}.inputs"), format!("the model's input '{}' is missing", spec.name)))
            }
        });
        let inputs = inputs.collect::<Result<_, _>>()?;
        let name = if warmup.name.is_empty() { place.to_owned() } else { warmup.name.clone() };
        Ok(Sample { name, inputs, runs: warmup.count.max(1) })
    }

    fn warmup_input(
        &self,
        place: &str,
        warmup: &ModelWarmup,
        input: &Input,
        spec: &TensorSpec,
    ) -> Result<Tensor, ConfigError> {
        let field = format!("{place}.inputs");
        let wrong = |reason: String| self.wrong(&field, format!("input '{}': {reason}", spec.name));
        if let Some(datatype) = self.datatype(&field, input.data_type)?
            && datatype != spec.datatype
        {
            return Err(wrong(format!("expected {}, got {}", type_name(spec.datatype), type_name(datatype))));
        }
        let contents = match &input.input_data_type {
            Some(InputDataType::ZeroData(true)) => Contents::Zero,
            Some(InputDataType::RandomData(true)) => Contents::Random,
            Some(InputDataType::InputDataFile(file)) => {
                return Err(wrong(format!("expected zero_data or random_data, got the file '{file}'")));
            }
            _ => return Err(wrong("expected zero_data: true or random_data: true, got neither".to_owned())),
        };
        let batch = self.leaves_out_batch().then_some(i64::from(warmup.batch_size.max(1)));
        let dims: Vec<i64> = batch.into_iter().chain(input.dims.iter().copied()).collect();
        let shape: Option<Vec<usize>> = dims.iter().map(|&dim| usize::try_from(dim).ok()).collect();
        let shape = shape.ok_or_else(|| wrong(format!("expected the length of every dimension, got {dims:?}")))?;
        if !spec.shape.admits(&shape) {
            return Err(wrong(format!("expected {}, got {shape:?}", spec.shape)));
        }
        let elements = shape.iter().try_fold(1usize, |count, &dim| count.checked_mul(dim));
        if elements.is_none_or(|elements| elements > ELEMENTS_MAX) {
            return Err(wrong(format!("expected at most {ELEMENTS_MAX} elements, got {shape:?}")));
        }
        Ok(made_up::tensor(spec.datatype, shape, contents))
    }
}
