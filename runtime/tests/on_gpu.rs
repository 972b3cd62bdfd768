//! What a deployment on a GPU does otherwise: shown by a program that claims one.

mod support;

use servoir_runtime::{Deployment, Device, EngineName, Identity, LoadError, Program, RunError, Session};
use servoir_types::{Datatype, ModelId, Shape, Signature, Tensor, TensorSpec};
use std::sync::Arc;
use std::time::Duration;
use support::OPTIONS;

/// Runs of it say this, or answer what they are asked.
struct Claims {
    device: Device,
    says: Option<&'static str>,
    signature: Signature,
}

struct Runs(Option<&'static str>);

impl Program for Claims {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn engine(&self) -> EngineName {
        EngineName::OnnxRuntime
    }

    fn device(&self) -> Device {
        self.device
    }

    fn taken(&self) -> Vec<(Device, u64)> {
        vec![(self.device, 7)]
    }

    fn session(&self) -> Result<Box<dyn Session>, LoadError> {
        Ok(Box::new(Runs(self.says)))
    }
}

impl Session for Runs {
    fn run(&mut self, inputs: &[Tensor], outputs: &mut Vec<Tensor>) -> Result<(), RunError> {
        outputs.clear();
        match self.0 {
            Some(says) => Err(RunError { engine: "onnxruntime", reason: says.to_owned() }),
            None => {
                outputs.extend_from_slice(inputs);
                Ok(())
            }
        }
    }
}

fn start(device: Device, says: Option<&'static str>) -> Result<Arc<Deployment>, LoadError> {
    let spec = || TensorSpec::new("x", Datatype::Fp32, Shape::ranked([-1, 2]));
    let signature = Signature { inputs: vec![spec()], outputs: vec![spec()] };
    let identity = Identity { model: ModelId::from_text("m"), name: "m".to_owned(), version: 1 };
    let options = servoir_runtime::PoolOptions { inline_cost_max: Duration::from_secs(1), ..OPTIONS };
    Deployment::start(identity, Arc::new(Claims { device, says, signature }), options)
}

const FULL: &str = "CUDA failure 2: out of memory ; GPU=0";

#[test]
fn a_first_run_that_finds_no_memory_on_a_gpu_refuses_the_version() {
    match start(Device::Cuda(1), Some(FULL)).map(|_| ()) {
        Err(LoadError::DeviceMemory { device: Device::Cuda(1), reason }) => assert!(reason.contains(FULL), "{reason}"),
        other => panic!("{other:?}"),
    }
    // A model may refuse made-up inputs, and on the machine's own processor may say what it likes.
    for (device, says) in [(Device::Cuda(1), "zeros are no pictures"), (Device::Cpu, FULL)] {
        assert!(start(device, Some(says)).is_ok(), "{says}");
    }
}

#[test]
fn what_runs_on_a_gpu_never_runs_on_the_thread_that_asks() {
    let on_cpu = start(Device::Cpu, None).unwrap();
    assert!(on_cpu.inline_rows_max() > 0);
    let on_gpu = start(Device::Cuda(0), None).unwrap();
    assert_eq!((on_gpu.inline_rows_max(), on_gpu.device()), (0, Device::Cuda(0)));
    assert_eq!(on_gpu.taken(), [(Device::Cuda(0), 7)]);
}
