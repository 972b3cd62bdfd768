//! What `servoir doctor` says of GPUs.

use super::{Finding, State};
use servoir_runtime::{DeviceInfo, Engines, Gpu};
use std::path::Path;
use std::sync::Arc;

/// The GPUs and what they need, or why there are none.
pub fn findings(engines: &Engines, onnxruntime: Option<&Path>) -> Vec<Finding> {
    let gpus = match engines.gpus().all() {
        Err(reason) => return vec![Finding::new("gpu", State::Missing, format!("no device, because {reason}"))],
        Ok(gpus) => gpus,
    };
    let one = |gpu: &Arc<Gpu>| {
        let DeviceInfo { name, memory_bytes, compute_capability: (major, minor), driver, .. } = gpu.info();
        let what = format!("{} {name}, compute capability {major}.{minor}, driver of CUDA {driver}", gpu.device());
        match gpu.memory() {
            Ok(memory) => {
                Finding::new("gpu", State::Ok, format!("{what}, {} of {memory_bytes} bytes free", memory.free))
            }
            Err(error) => Finding::new("gpu", State::Missing, format!("{what}: {error}")),
        }
    };
    let mut findings: Vec<_> = gpus.iter().map(one).collect();
    findings.push(match engines.gpus().compiler() {
        Ok(compiler) => Finding::new("gpu compiler", State::Ok, compiler),
        Err(reason) => Finding::new("gpu compiler", State::Missing, reason),
    });
    let library = onnxruntime.and_then(|path| path.canonicalize().ok());
    let provider =
        library.as_deref().and_then(Path::parent).map(|folder| folder.join("libonnxruntime_providers_cuda.so"));
    findings.push(match provider {
        Some(provider) if provider.is_file() => {
            Finding::new("gpu onnxruntime", State::Ok, format!("{} (opened when a model needs it)", provider.display()))
        }
        _ => {
            let advice = "`pip install onnxruntime-gpu`, and --onnxruntime PATH of its library, provides it";
            Finding::new("gpu onnxruntime", State::Missing, format!("this library has no CUDA provider; {advice}"))
        }
    });
    findings
}
