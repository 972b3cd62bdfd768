//! One thing after the other on a device: numbers go there, a kernel runs, numbers come back.

use super::launch::Grid;
use super::memory::DeviceBuffer;
use super::stream::{Arguments, Stream};
use super::{CudaError, Device, Source};
use crate::plain::Plain;
use std::sync::Arc;

/// A device with a stream of one's own.
#[derive(Debug)]
pub struct Work {
    device: Arc<Device>,
    stream: Stream,
}

impl Work {
    /// Makes a stream.
    pub fn new(device: &Arc<Device>) -> Result<Self, CudaError> {
        Ok(Self { device: Arc::clone(device), stream: Stream::new(device)? })
    }

    /// Copies numbers to the device.
    pub fn send<N: Plain>(&self, numbers: &[N]) -> Result<DeviceBuffer<N>, CudaError> {
        DeviceBuffer::of(&self.device, numbers)
    }

    /// Takes room for numbers on the device.
    pub fn room<N: Plain>(&self, len: usize) -> Result<DeviceBuffer<N>, CudaError> {
        DeviceBuffer::new(&self.device, len)
    }

    /// How many blocks the device runs at once, if each is large.
    pub fn multiprocessors(&self) -> usize {
        self.device.limits().multiprocessors
    }

    /// Runs a kernel and waits for it.
    ///
    /// # Safety
    /// The arguments must be those of the kernel, and name memory that is there until this returns.
    pub unsafe fn run<A: Arguments>(
        &mut self,
        source: Source,
        name: &str,
        grid: Grid,
        arguments: &A,
    ) -> Result<(), CudaError> {
        self.device.bind()?;
        let function = self.device.modules.function(source, name)?;
        // SAFETY: the caller knows it, and the stream is waited for below.
        let started = unsafe { self.stream.launch(&function, grid, arguments) };
        let done = self.stream.wait(&format!("running {name}"));
        started.and(done)
    }
}
