//! Compiled kernels on a device, each loaded once.

use super::device::Limits;
use super::error::while_doing;
use super::{CudaError, Source, cache};
use cudarc::driver::{result, sys};
use std::collections::HashMap;
use std::ffi::CString;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// Without being asked, a kernel may use so much shared memory.
const SHARED_UNASKED: usize = 48 << 10;

/// The modules of one device.
#[derive(Debug)]
pub struct Modules {
    architecture: String,
    cache: Option<PathBuf>,
    limits: Limits,
    /// One lock for all: who waits for it waits for a compiler once in the life of a machine, else for a map.
    loaded: Mutex<HashMap<Source, Module>>,
}

#[derive(Debug)]
struct Module(sys::CUmodule);

// SAFETY: the driver takes modules from every thread.
unsafe impl Send for Module {}

/// A kernel.
#[derive(Debug, Clone)]
pub struct Function {
    raw: sys::CUfunction,
    name: String,
}

// SAFETY: the driver takes functions from every thread, several at once.
unsafe impl Send for Function {}
// SAFETY: as above.
unsafe impl Sync for Function {}

impl Function {
    /// The driver's handle; it lives as long as the device.
    pub fn raw(&self) -> sys::CUfunction {
        self.raw
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Modules {
    /// None yet.
    pub fn new(architecture: String, cache: Option<PathBuf>, limits: Limits) -> Self {
        Self { architecture, cache, limits, loaded: Mutex::new(HashMap::new()) }
    }

    /// A kernel of a source, compiled and loaded when it is the source's first. The device must be bound.
    pub fn function(&self, source: Source, name: &str) -> Result<Function, CudaError> {
        let module = self.module(source)?;
        let text = CString::new(name).map_err(|_| CudaError::Shape(format!("{name:?} is no kernel's name")))?;
        let doing = format!("looking for {name} in {}", source.name());
        // SAFETY: the module is loaded until the device is dropped.
        let raw = unsafe { result::module::get_function(module, text) }.map_err(while_doing(&doing))?;
        if self.limits.shared_bytes > SHARED_UNASKED {
            let attribute = sys::CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            let most = i32::try_from(self.limits.shared_bytes).unwrap_or(i32::MAX);
            // SAFETY: the function was just given.
            unsafe { result::function::set_function_attribute(raw, attribute, most) }
                .map_err(while_doing(&format!("letting {name} use the shared memory")))?;
        }
        Ok(Function { raw, name: name.to_owned() })
    }

    fn module(&self, source: Source) -> Result<sys::CUmodule, CudaError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(module) = loaded.get(&source) {
            return Ok(module.0);
        }
        let image = cache::cubin(source, &self.architecture, self.cache.as_deref())?;
        // SAFETY: the image was made by NVRTC, and was whole when it was read.
        let module = unsafe { result::module::load_data(image.as_ptr().cast()) };
        let module = module.map_err(while_doing(&format!("loading {}", source.name())))?;
        loaded.insert(source, Module(module));
        Ok(module)
    }

    /// Unloads all. The device must be bound, and nothing may use them.
    pub fn unload(&self) {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, module) in loaded.drain() {
            // What cannot be unloaded goes with the context.
            // SAFETY: it was loaded once and is unloaded once.
            let _ = unsafe { result::module::unload(module.0) };
        }
    }
}
