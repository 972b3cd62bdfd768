//! What `hardware` of a deployment can say, and which devices it means on this machine.

use servoir_runtime::{Artifact, Device, Engines, Gpus, LoadError, LoadOptions, Program};
use std::fmt;
use std::sync::Arc;

/// The largest number of a GPU that can be named.
const ORDINAL_MAX: u32 = 9999;

/// Where a model is to run, as a deployment says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Hardware {
    /// Where it was measured to answer most.
    #[default]
    Auto,
    /// On the machine's own processor.
    Cpu,
    /// On the GPUs, the one with the most free memory first.
    Gpu,
    /// On this GPU.
    One(u32),
}

/// The devices that a deployment may run on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// Those among which measurement decides, in order of preference.
    pub devices: Vec<Device>,
    /// Where more than one instance on a GPU is dealt to.
    pub spread: Vec<Device>,
}

impl Hardware {
    /// The words that need no number.
    pub const WORDS: [&str; 3] = ["auto", "cpu", "gpu"];
    /// All that there is, as a regular expression.
    pub const PATTERN: &str = "^(auto|cpu|gpu|gpu-(0|[1-9][0-9]{0,3}))$";

    /// What names this device.
    pub fn of(device: Device) -> Self {
        match device {
            Device::Cpu => Self::Cpu,
            Device::Cuda(ordinal) => Self::One(ordinal),
        }
    }

    /// Reads what it is shown as.
    pub fn from_text(text: &str) -> Option<Self> {
        match text {
            "auto" => Some(Self::Auto),
            "cpu" => Some(Self::Cpu),
            "gpu" => Some(Self::Gpu),
            _ => {
                let ordinal = text.strip_prefix("gpu-")?.parse().ok().filter(|ordinal| *ordinal <= ORDINAL_MAX)?;
                let one = Self::One(ordinal);
                (one.to_string() == text).then_some(one)
            }
        }
    }

    /// Which devices that means here, now: the driver is asked on a thread that may wait for it. `None` when that panicked.
    pub async fn place(self, engines: &Engines) -> Option<Result<Placement, LoadError>> {
        let engines = engines.clone();
        tokio::task::spawn_blocking(move || self.placement(engines.gpus())).await.ok()
    }

    /// Which devices that means here, now. Blocking.
    ///
    /// # Errors
    /// [`LoadError::NoDevice`] when there is no such GPU.
    pub fn placement(self, gpus: &Gpus) -> Result<Placement, LoadError> {
        let one = |device| Placement { devices: vec![device], spread: Vec::new() };
        match self {
            Self::Cpu => Ok(one(Device::Cpu)),
            Self::One(ordinal) => gpus.get(Device::Cuda(ordinal)).map(|gpu| one(gpu.device())),
            Self::Gpu => {
                let spread = gpus.by_free_memory();
                match spread.first() {
                    Some(&first) => Ok(Placement { devices: vec![first], spread }),
                    // Says why there is none.
                    None => gpus.get(Device::Cuda(0)).map(|gpu| one(gpu.device())),
                }
            }
            Self::Auto => {
                let spread = gpus.by_free_memory();
                let devices = std::iter::once(Device::Cpu).chain(spread.first().copied()).collect();
                Ok(Placement { devices, spread })
            }
        }
    }
}

impl Placement {
    /// Loads a model onto the device of `options`; several instances on GPUs, dealt to all that it may be dealt to. Blocking.
    ///
    /// # Errors
    /// As [`Engines::load`] and [`Engines::load_on_each`].
    pub fn load(
        &self,
        engines: &Engines,
        artifact: &Artifact,
        (options, instances): (&LoadOptions, usize),
    ) -> Result<Arc<dyn Program>, LoadError> {
        match self.over(options.device, instances) {
            [] | [_] => engines.load(artifact, options),
            several => engines.load_on_each(artifact, options, several),
        }
    }

    /// The devices that so many instances on `device` are dealt to.
    pub fn over(&self, device: Device, instances: usize) -> &[Device] {
        if self.spread.contains(&device) { &self.spread[..instances.min(self.spread.len())] } else { &[] }
    }

    /// The machine's own processor, for what is never placed anywhere else.
    pub fn cpu() -> Self {
        Self { devices: vec![Device::Cpu], spread: Vec::new() }
    }
}

impl fmt::Display for Hardware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Gpu => f.write_str("gpu"),
            Self::One(ordinal) => write!(f, "gpu-{ordinal}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hardware_is_read_as_it_is_shown() {
        let all =
            [(Hardware::Auto, "auto"), (Hardware::Cpu, "cpu"), (Hardware::Gpu, "gpu"), (Hardware::One(3), "gpu-3")];
        for (hardware, text) in all {
            assert_eq!((Hardware::from_text(text), hardware.to_string().as_str()), (Some(hardware), text));
        }
        for text in ["", "GPU", "gpu-", "gpu-x", "gpu-01", "gpu-10000", "gpu--1", "gpu-+1", "cuda:0"] {
            assert_eq!(Hardware::from_text(text), None, "{text}");
        }
    }

    #[test]
    fn instances_on_a_gpu_are_dealt_to_all() {
        let (first, second) = (Device::Cuda(1), Device::Cuda(0));
        let auto = Placement { devices: vec![Device::Cpu, first], spread: vec![first, second] };
        assert_eq!(auto.over(Device::Cpu, 4), []);
        assert_eq!(auto.over(first, 1), [first]);
        assert_eq!(auto.over(first, 4), [first, second]);
    }

    #[test]
    fn without_gpus_auto_is_the_cpu_and_a_gpu_is_a_reason() {
        let none = Gpus::none("the driver is not installed");
        for hardware in [Hardware::Auto, Hardware::Cpu] {
            assert_eq!(hardware.placement(&none).unwrap(), Placement::cpu());
        }
        for hardware in [Hardware::Gpu, Hardware::One(2)] {
            let error = hardware.placement(&none).unwrap_err().to_string();
            assert!(error.contains("because the driver is not installed"), "{error}");
        }
    }
}
