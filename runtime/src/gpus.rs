//! The GPUs of this machine: looked for once, each opened when somebody first asks for its memory.

pub use servoir_kernels::cuda::DeviceInfo;

use crate::device::Device;
use crate::error::LoadError;
use servoir_kernels::cuda::{self, DeviceMemory};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// What a device must have free beside what a model's file holds, in bytes: for what runs of it need.
const HEADROOM_BYTES: u64 = 64 << 20;

/// What CUDA, ONNX Runtime and our own kernels say when a device's memory, or the part of it that they may have, is used up.
const WANT_OF_MEMORY: [&str; 6] = [
    "out of memory",
    "CUDA_ERROR_OUT_OF_MEMORY",
    "Failed to allocate memory",
    "is smaller than requested bytes of",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "the device's memory is full",
];

/// Whether what was said of something on a GPU is that it wants memory.
pub fn wants_memory(said: &str) -> bool {
    WANT_OF_MEMORY.iter().any(|want| said.contains(want))
}

/// A GPU that a model is to be loaded onto.
#[derive(Clone, Copy)]
pub struct Onto<'a> {
    /// Which.
    pub gpu: &'a Arc<Gpu>,
    /// The model's files, in bytes: what its weights take there at least.
    pub weights_bytes: u64,
}

/// How GPUs are used.
#[derive(Debug, Clone, Default)]
pub struct GpuOptions {
    /// Folders of CUDA's libraries, where they are not where the system looks.
    pub libraries: Vec<PathBuf>,
    /// Where kernels are kept that were compiled for a device; `None`: nowhere.
    pub cache: Option<PathBuf>,
    /// The most memory, in bytes, that the arena of one session of ONNX Runtime takes on a device; `None`: any.
    pub arena_bytes_max: Option<u64>,
    /// Whether ONNX Runtime may round the factors of products of single precision to 19 bits, which tensor cores take.
    pub tf32: bool,
    /// Whether a model may have nodes that ONNX Runtime runs on the CPU because they have no CUDA kernel.
    pub cpu_nodes: bool,
}

/// The GPUs of this machine, or why there are none.
pub struct Gpus {
    found: Result<Vec<Arc<Gpu>>, String>,
}

/// A GPU.
pub struct Gpu {
    info: DeviceInfo,
    options: Arc<GpuOptions>,
    /// What could not be opened is tried again.
    opened: OnceLock<Arc<cuda::Device>>,
}

impl Gpus {
    /// None, for this reason.
    pub fn none(reason: impl Into<String>) -> Self {
        Self { found: Err(reason.into()) }
    }

    /// Asks the driver, where there is one.
    pub fn discover(options: &GpuOptions) -> Self {
        if let Err(error) = cuda::Libraries::preload(&options.libraries) {
            return Self::none(format!("the folders of `cuda.libraries` cannot be used: {error}"));
        }
        let options = Arc::new(options.clone());
        let gpu = |info| Arc::new(Gpu { info, options: Arc::clone(&options), opened: OnceLock::new() });
        let found = cuda::devices().map(|devices| devices.into_iter().map(gpu).collect());
        Self { found: found.map_err(|none| none.to_string()) }
    }

    /// All of them, in the driver's order.
    ///
    /// # Errors
    /// Why there are none, to be read after "no device, because".
    pub fn all(&self) -> Result<&[Arc<Gpu>], &str> {
        self.found.as_deref().map_err(String::as_str)
    }

    /// What compiles our own kernels, or why nothing does.
    ///
    /// # Errors
    /// What is missing and what to do.
    pub fn compiler(&self) -> Result<String, String> {
        let version = cuda::compiler_version().map_err(|error| error.to_string());
        version.map(|(major, minor)| format!("NVRTC {major}.{minor}"))
    }

    /// Those there are.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Gpu>> {
        self.found.iter().flatten()
    }

    /// The one that is this device.
    ///
    /// # Errors
    /// [`LoadError::NoDevice`].
    pub fn get(&self, device: Device) -> Result<&Arc<Gpu>, LoadError> {
        let no_device = |reason: &str| LoadError::NoDevice { device, reason: reason.to_owned() };
        let gpus = self.all().map_err(no_device)?;
        let found = gpus.iter().find(|gpu| gpu.device() == device);
        found.ok_or_else(|| no_device(&format!("this machine has {} of them, from cuda:0", gpus.len())))
    }

    /// The devices with the most free memory first. One that does not tell is last.
    pub fn by_free_memory(&self) -> Vec<Device> {
        let free = |gpu: &&Arc<Gpu>| gpu.memory().map_or(0, |memory| memory.free);
        let mut gpus: Vec<_> = self.iter().collect();
        gpus.sort_by_cached_key(|gpu| std::cmp::Reverse(free(gpu)));
        gpus.into_iter().map(|gpu| gpu.device()).collect()
    }
}

impl Gpu {
    /// Which device it is.
    pub fn device(&self) -> Device {
        Device::Cuda(u32::try_from(self.info.ordinal).unwrap_or(u32::MAX))
    }

    /// What the driver says of it.
    pub fn info(&self) -> &DeviceInfo {
        &self.info
    }

    /// How it is used.
    pub fn options(&self) -> &GpuOptions {
        &self.options
    }

    /// The way to it for our own kernels.
    ///
    /// # Errors
    /// [`LoadError::NoDevice`] with what the driver says.
    pub fn opened(&self) -> Result<&Arc<cuda::Device>, LoadError> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        let opened = cuda::Device::open(self.info.ordinal, self.options.cache.as_deref());
        let opened = opened.map_err(|error| self.failed(error.to_string()))?;
        Ok(self.opened.get_or_init(|| opened))
    }

    /// What the device, or an engine on it, said against a load.
    pub fn failed(&self, reason: String) -> LoadError {
        let device = self.device();
        match wants_memory(&reason) {
            true => LoadError::DeviceMemory { device, reason },
            false => LoadError::NoDevice { device, reason },
        }
    }

    /// Its memory now.
    ///
    /// # Errors
    /// [`LoadError::NoDevice`] with what the driver says.
    pub fn memory(&self) -> Result<DeviceMemory, LoadError> {
        self.opened()?.memory().map_err(|error| self.failed(error.to_string()))
    }

    /// That there is room for a model of so many bytes.
    ///
    /// # Errors
    /// [`LoadError::DeviceMemory`] when it has no room for the model's weights.
    pub fn room_for(&self, bytes: u64) -> Result<(), LoadError> {
        let free = self.memory()?.free;
        let wanted = bytes.saturating_add(HEADROOM_BYTES);
        if free < wanted {
            let reason = format!("the model needs {wanted} bytes of it at least, and {free} are free");
            return Err(LoadError::DeviceMemory { device: self.device(), reason });
        }
        Ok(())
    }

    /// What has been taken since so much was free.
    pub fn taken_since(&self, free_before: u64) -> u64 {
        self.memory().map_or(0, |memory| free_before.saturating_sub(memory.free))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn want_of_memory_is_told_from_the_rest() {
        let full = cuda::CudaError::OutOfMemory { wanted: 2, free: 1 };
        assert!(wants_memory(&full.to_string()) && wants_memory("CUDA failure 2: out of memory ; GPU=0"));
        assert!(!wants_memory("CUDA failure 700: an illegal memory access was encountered"));
    }

    #[test]
    fn a_device_that_is_not_there_is_a_reason() {
        let gpus = Gpus::none("the driver is not installed");
        assert_eq!(gpus.all().err(), Some("the driver is not installed"));
        assert!(gpus.by_free_memory().is_empty());
        let error = gpus.get(Device::Cuda(0)).map(|_| ()).unwrap_err();
        assert_eq!(error.to_string(), "no device cuda:0, because the driver is not installed");
    }
}
