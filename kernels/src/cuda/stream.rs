//! A row of work for a device, done in its order and beside that of other streams.

use super::error::while_doing;
use super::launch::Grid;
use super::memory::{DeviceBuffer, PinnedBuffer};
use super::module::Function;
use super::{CudaError, Device};
use crate::plain::Plain;
use cudarc::driver::{result, sys};
use std::sync::Arc;

/// A stream.
#[derive(Debug)]
pub struct Stream {
    device: Arc<Device>,
    raw: sys::CUstream,
}

// SAFETY: the driver takes streams from every thread; here one thread at a time has it.
unsafe impl Send for Stream {}

/// What a kernel is given: one value, laid out as the kernel's source has it.
///
/// # Safety
/// The layout must be that of the source, and every address in it that of memory which is as long as the kernel takes it to be.
pub unsafe trait Arguments: Copy {}

impl Stream {
    /// Makes one.
    pub fn new(device: &Arc<Device>) -> Result<Self, CudaError> {
        device.bind()?;
        let kind = result::stream::StreamKind::NonBlocking;
        let raw = result::stream::create(kind).map_err(while_doing("making a stream"))?;
        Ok(Self { device: Arc::clone(device), raw })
    }

    /// Makes this thread's calls calls for the stream's device.
    pub fn bind(&self) -> Result<(), CudaError> {
        self.device.bind()
    }

    /// Copies the first `len` numbers to the device, when what is before it is done.
    ///
    /// # Safety
    /// Both buffers must live and be left alone until the stream has been waited for.
    pub unsafe fn send<N: Plain>(
        &mut self,
        from: &PinnedBuffer<N>,
        to: &DeviceBuffer<N>,
        len: usize,
    ) -> Result<(), CudaError> {
        let from = &from.numbers()[..len.min(to.len())];
        // SAFETY: the room is as long as what is copied; the caller keeps both.
        unsafe { result::memcpy_htod_async(to.address(), from, self.raw) }.map_err(while_doing("copying to the device"))
    }

    /// Copies the first `len` numbers back, when what is before it is done.
    ///
    /// # Safety
    /// Both buffers must live and be left alone until the stream has been waited for.
    pub unsafe fn fetch<N: Plain>(
        &mut self,
        from: &DeviceBuffer<N>,
        to: &mut PinnedBuffer<N>,
        len: usize,
    ) -> Result<(), CudaError> {
        let to = &mut to.numbers_mut()[..len.min(from.len())];
        // SAFETY: the room is as long as what is copied; the caller keeps both.
        unsafe { result::memcpy_dtoh_async(to, from.address(), self.raw) }
            .map_err(while_doing("copying from the device"))
    }

    /// Starts a kernel when what is before it is done. What goes wrong in it is said by [`Self::wait`].
    ///
    /// # Safety
    /// The arguments must be those of the kernel, and the memory that they name must live until the stream has been waited for.
    pub unsafe fn launch<A: Arguments>(
        &mut self,
        function: &Function,
        grid: Grid,
        arguments: &A,
    ) -> Result<(), CudaError> {
        let mut parameters = [std::ptr::from_ref(arguments).cast_mut().cast()];
        // SAFETY: the driver copies the arguments before it returns; the rest is the caller's.
        unsafe {
            result::launch_kernel(
                function.raw(),
                (grid.blocks, grid.columns, 1),
                (grid.threads, 1, 1),
                grid.shared_bytes,
                self.raw,
                &mut parameters,
            )
        }
        .map_err(while_doing(&format!("starting {}", function.name())))
    }

    /// Waits for all of it, and says what went wrong.
    pub fn wait(&mut self, doing: &str) -> Result<(), CudaError> {
        // SAFETY: the stream lives as long as this.
        unsafe { result::stream::synchronize(self.raw) }.map_err(while_doing(doing))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.device.bind().is_ok() {
            // What is under way uses buffers that are about to be freed.
            // SAFETY: the stream lives until the next line, which ends it once.
            let _ = unsafe { result::stream::synchronize(self.raw) };
            // SAFETY: as above.
            let _ = unsafe { result::stream::destroy(self.raw) };
        }
    }
}
