//! tract, the engine in Rust that is part of the program: slower than ONNX Runtime and always here.

mod plans;
mod tensor;

use super::{Engine, EngineName, LoadOptions, Program, Session, caught};
use crate::error::{LoadError, RunError};
use plans::Plans;
use servoir_types::{Signature, Tensor};
use std::path::Path;
use std::sync::Arc;
use tract_onnx::prelude::TractError;

const NAME: &str = EngineName::Tract.as_str();

/// The release that the manifest pins; the crate does not tell its own.
const VERSION: &str = "0.23.9";

/// The engine; it needs nothing from the machine.
pub struct Tract;

impl Engine for Tract {
    fn about(&self) -> String {
        format!("{VERSION}, built in")
    }

    fn load(&self, path: &Path, signature: Signature, _options: &LoadOptions) -> Result<Arc<dyn Program>, LoadError> {
        let rejected = |error: TractError| LoadError::Rejected { engine: NAME.into(), reason: words(&error) };
        let plans = Plans::load(path, &signature).map_err(rejected)?;
        Ok(Arc::new(TractProgram(Arc::new(Shared { signature, plans }))))
    }
}

/// An error with its causes, outermost first.
fn words(error: &TractError) -> String {
    format!("{error:#}")
}

struct Shared {
    signature: Signature,
    plans: Plans,
}

struct TractProgram(Arc<Shared>);

impl Program for TractProgram {
    fn signature(&self) -> &Signature {
        &self.0.signature
    }

    fn engine(&self) -> EngineName {
        EngineName::Tract
    }

    fn session(&self) -> Result<Box<dyn Session>, LoadError> {
        Ok(Box::new(TractSession(Arc::clone(&self.0))))
    }
}

/// Plans are shared and keep no state between runs, so a session is no more than a way to them, and one that panicked is
/// as good as new.
struct TractSession(Arc<Shared>);

impl Session for TractSession {
    fn run(&mut self, inputs: &[Tensor], outputs: &mut Vec<Tensor>) -> Result<(), RunError> {
        outputs.clear();
        let result =
            caught(|| self.0.run(inputs, outputs)).unwrap_or_else(|panic| Err(format!("it panicked: {panic}")));
        result.map_err(|reason| RunError { engine: NAME, reason })
    }
}

impl Shared {
    fn run(&self, inputs: &[Tensor], outputs: &mut Vec<Tensor>) -> Result<(), String> {
        let shapes: Vec<Vec<usize>> = inputs.iter().map(|input| input.shape().to_vec()).collect();
        let plan = self.plans.plan(&self.signature, shapes).map_err(|error| words(&error))?;
        let values = inputs.iter().map(tensor::give).collect::<Result<_, _>>()?;
        let answers = plan.run(values).map_err(|error| words(&error))?;
        for (spec, value) in self.signature.outputs.iter().zip(&answers) {
            let tensor = tensor::take(value, spec.datatype);
            outputs.push(tensor.map_err(|reason| format!("output '{}': {reason}", spec.name))?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_told_is_the_one_that_the_manifest_pins() {
        let manifest = include_str!("../../../Cargo.toml");
        assert!(manifest.contains(&format!("tract-onnx = \"={}\"", super::VERSION)));
    }
}
