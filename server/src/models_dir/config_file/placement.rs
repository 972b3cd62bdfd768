//! `platform`, `backend` and `instance_group`: which engine runs a model, and how often.

use super::{ConfigError, ConfigFile};
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

    /// How many instances run, all groups together; `None`: it does not say.
    ///
    /// # Errors
    /// When a group is for a GPU, a count is negative, or they are too many.
    pub fn instances(&self) -> Result<Option<usize>, ConfigError> {
        let mut instances: usize = 0;
        for (index, group) in self.config.instance_group.iter().enumerate() {
            let field = |name: &str| format!("instance_group[{index}].{name}");
            match Kind::try_from(group.kind) {
                Ok(Kind::Auto | Kind::Cpu) => {}
                Ok(kind) => {
                    let reason = format!("expected KIND_CPU or KIND_AUTO, got {}", kind.as_str_name());
                    let advice = "this release runs models on the CPU alone";
                    return Err(self.wrong(&field("kind"), format!("{reason}: {advice}")));
                }
                Err(_) => {
                    let reason = format!("expected KIND_CPU or KIND_AUTO, got {}", group.kind);
                    return Err(self.wrong(&field("kind"), reason));
                }
            }
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
