//! A device that is in use.

use super::error::while_doing;
use super::module::Modules;
use super::{CudaError, DeviceInfo, devices};
use cudarc::driver::{result, sys};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The devices that are open, so that each is open once.
static OPEN: Mutex<Vec<Weak<Device>>> = Mutex::new(Vec::new());

/// A device with its primary context, which all who use it in this process share.
#[derive(Debug)]
pub struct Device {
    info: DeviceInfo,
    limits: Limits,
    raw: sys::CUdevice,
    context: Context,
    pub(super) modules: Modules,
}

/// What launches must keep to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Its multiprocessors.
    pub multiprocessors: usize,
    /// The most shared memory of a block, when a kernel asks for it.
    pub shared_bytes: usize,
}

/// The memory of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceMemory {
    /// Bytes that nobody has.
    pub free: u64,
    /// Bytes together.
    pub total: u64,
}

/// The driver's handle of a context.
#[derive(Debug)]
struct Context(sys::CUcontext);

// SAFETY: the driver takes contexts from every thread, several at once.
unsafe impl Send for Context {}
// SAFETY: as above.
unsafe impl Sync for Context {}

impl Device {
    /// Opens a device, or gives the one that is open. What is compiled for it is kept in files below `cache`, where there is
    /// one: the folder is made when it is first written to, and may be removed at any time.
    ///
    /// # Errors
    /// There is no such device, or the driver refuses.
    pub fn open(ordinal: usize, cache: Option<&Path>) -> Result<Arc<Self>, CudaError> {
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|device| device.strong_count() > 0);
        if let Some(device) = open.iter().filter_map(Weak::upgrade).find(|device| device.info.ordinal == ordinal) {
            return Ok(device);
        }
        let devices = devices()?;
        let count = devices.len();
        let info = devices.into_iter().nth(ordinal).ok_or(CudaError::NoSuchDevice { ordinal, count })?;
        let device = Arc::new(Self::open_first(info, cache)?);
        open.push(Arc::downgrade(&device));
        Ok(device)
    }

    fn open_first(info: DeviceInfo, cache: Option<&Path>) -> Result<Self, CudaError> {
        use sys::CUdevice_attribute::{
            CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN as SHARED,
            CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT as MULTIPROCESSORS,
        };
        let ordinal = i32::try_from(info.ordinal).unwrap_or(i32::MAX);
        let raw = result::device::get(ordinal).map_err(while_doing("opening the device"))?;
        let ask = |what| {
            // SAFETY: the driver gave the device.
            let answer = unsafe { result::device::get_attribute(raw, what) };
            answer.map(|value| value.unsigned_abs() as usize).map_err(while_doing("asking the device what it has"))
        };
        let limits = Limits { multiprocessors: ask(MULTIPROCESSORS)?.max(1), shared_bytes: ask(SHARED)? };
        let architecture = format!("sm_{}{}", info.compute_capability.0, info.compute_capability.1);
        // SAFETY: the driver gave the device; the context is released once, when this is dropped.
        let context =
            unsafe { result::primary_ctx::retain(raw) }.map_err(while_doing("making the device's context"))?;
        let modules = Modules::new(architecture, cache.map(Path::to_owned), limits);
        Ok(Self { info, limits, raw, context: Context(context), modules })
    }

    /// What it is.
    pub fn info(&self) -> &DeviceInfo {
        &self.info
    }

    /// How much of its memory is free, whoever has the rest.
    ///
    /// # Errors
    /// The driver does not say.
    pub fn memory(&self) -> Result<DeviceMemory, CudaError> {
        self.bind()?;
        let (free, total) = result::mem_get_info().map_err(while_doing("asking for the device's free memory"))?;
        Ok(DeviceMemory { free: free as u64, total: total as u64 })
    }

    /// What launches must keep to.
    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// Makes this thread's calls of the driver calls for this device.
    pub(super) fn bind(&self) -> Result<(), CudaError> {
        // SAFETY: the context lives as long as this.
        unsafe { result::ctx::set_current(self.context.0) }.map_err(while_doing("turning to the device"))
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        if self.bind().is_ok() {
            self.modules.unload();
        }
        // A context that cannot be released is gone with the process.
        // SAFETY: it was retained once, and whatever was made in it holds this device and is gone.
        let _ = unsafe { result::primary_ctx::release(self.raw) };
    }
}
