//! `platform`, `backend` and `instance_group`: which engine runs a model, where, and how often.

use super::{ConfigError, ConfigFile};
use crate::hardware::Hardware;
use servoir_codec::grpc::proto::model_instance_group::Kind;
use servoir_runtime::EngineName;

/// The most instances of one version.
const INSTANCES_MAX: usize = 64;

impl ConfigFile {
    /// The engine that is asked for; `None`: the server's choice.
    ///
    /// # Errors
    /// When it is none of ours, or platform and backend disagree.
    pub fn engine(&self) -> Result<Option<EngineName>, ConfigError> {
        let platform = match self.config.platform.as_str() {
            "" => None,
            "onnxruntime_onnx" => Some(EngineName::OnnxRuntime),
            "tract_onnx" => Some(EngineName::Tract),
            other => {
                let reason =
                    format!("expected onnxruntime_onnx or tract_onnx, got '{other}': export the model to ONNX");
                return Err(self.wrong("platform", reason));
            }
        };
        let backend = match self.config.backend.as_str() {
            "" => None,
            "onnxruntime" => Some(EngineName::OnnxRuntime),
            "tract" => Some(EngineName::Tract),
            other => {
                let reason = format!("expected onnxruntime or tract, got '{other}': export the model to ONNX");
                return Err(self.wrong("backend", reason));
            }
        };
        match (platform, backend) {
            (Some(platform), Some(backend)) if platform != backend => {
                let (platform, backend) = (&self.config.platform, &self.config.backend);
                Err(self.wrong("backend", format!("expected the one of platform '{platform}', got '{backend}'")))
            }
            (platform, backend) => Ok(platform.or(backend)),
        }
    }

    /// Where instances run: where the groups say that do not leave it open. Those that do go with them.
    ///
    /// # Errors
    /// When groups disagree, one is for the model's own device, or names several GPUs.
    pub fn hardware(&self) -> Result<Hardware, ConfigError> {
        let mut hardware: Option<Hardware> = None;
        for (index, group) in self.config.instance_group.iter().enumerate() {
            let field = |name: &str| format!("instance_group[{index}].{name}");
            let this = match Kind::try_from(group.kind) {
                Ok(Kind::Auto) if group.gpus.is_empty() => continue,
                Ok(Kind::Auto | Kind::Gpu) => self.gpus(&field("gpus"), &group.gpus)?,
                Ok(Kind::Cpu) if group.gpus.is_empty() => Hardware::Cpu,
                Ok(Kind::Cpu) => {
                    let reason = format!("expected none with KIND_CPU, got {:?}", group.gpus);
                    return Err(self.wrong(&field("gpus"), reason));
                }
                Ok(kind) => {
                    let reason = format!("expected KIND_CPU, KIND_GPU or KIND_AUTO, got {}", kind.as_str_name());
                    return Err(self.wrong(&field("kind"), reason));
                }
                Err(_) => {
                    let reason = format!("expected KIND_CPU, KIND_GPU or KIND_AUTO, got {}", group.kind);
                    return Err(self.wrong(&field("kind"), reason));
                }
            };
            if let Some(other) = hardware.filter(|other| *other != this) {
                let reason =
                    format!("this group is for {this}, and one before it for {other}: a version runs in one place");
                return Err(self.wrong(&field("kind"), reason));
            }
            hardware = Some(this);
        }
        Ok(hardware.unwrap_or(Hardware::Auto))
    }

    fn gpus(&self, field: &str, gpus: &[i32]) -> Result<Hardware, ConfigError> {
        match gpus {
            [] => Ok(Hardware::Gpu),
            [one] => u32::try_from(*one)
                .map(Hardware::One)
                .map_err(|_| self.wrong(field, format!("expected the number of a GPU, from 0, got {one}"))),
            several => {
                let reason = format!("expected one GPU, or none for all of them, got {several:?}");
                Err(self.wrong(field, reason))
            }
        }
    }

    /// How many instances run, all groups together; `None`: it does not say.
    ///
    /// # Errors
    /// When a count is negative, or they are too many.
    pub fn instances(&self) -> Result<Option<usize>, ConfigError> {
        let mut instances: usize = 0;
        for (index, group) in self.config.instance_group.iter().enumerate() {
            let field = |name: &str| format!("instance_group[{index}].{name}");
            let count = usize::try_from(group.count).map_err(|_| {
                self.wrong(&field("count"), format!("expected a whole number from 1, got {}", group.count))
            })?;
            instances = instances.saturating_add(count.max(1));
            if instances > INSTANCES_MAX {
                let reason = format!("expected at most {INSTANCES_MAX} instances in all groups, got {instances}");
                return Err(self.wrong(&field("count"), reason));
            }
        }
        Ok((instances > 0).then_some(instances))
    }
}
