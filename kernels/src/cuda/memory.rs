//! Memory of a device, and memory of the machine that a device copies from and to by itself.

use super::error::while_doing;
use super::{CudaError, Device};
use crate::plain::Plain;
use cudarc::driver::{DriverError, result, sys};
use std::marker::PhantomData;
use std::sync::Arc;

/// Memory of a device; what is in it at first means nothing.
#[derive(Debug)]
pub struct DeviceBuffer<N> {
    device: Arc<Device>,
    address: sys::CUdeviceptr,
    len: usize,
    of: PhantomData<N>,
}

impl<N: Plain> DeviceBuffer<N> {
    /// Takes room for `len` numbers, and for one where that is none.
    pub fn new(device: &Arc<Device>, len: usize) -> Result<Self, CudaError> {
        device.bind()?;
        let bytes = len.max(1).saturating_mul(size_of::<N>());
        // SAFETY: the device is bound, and the memory is freed once, when this is dropped.
        let address = unsafe { result::malloc_sync(bytes) }.map_err(|error| full(device, bytes, error))?;
        Ok(Self { device: Arc::clone(device), address, len, of: PhantomData })
    }

    /// Takes room for these numbers and waits until they are there.
    pub fn of(device: &Arc<Device>, numbers: &[N]) -> Result<Self, CudaError> {
        let buffer = Self::new(device, numbers.len())?;
        if !numbers.is_empty() {
            // SAFETY: the device is bound, and the room is as long as the numbers.
            let sent = unsafe { result::memcpy_htod_sync(buffer.address, numbers) };
            // The call returns when the numbers may be changed, which is before they are there, as other streams see it.
            // SAFETY: it is the stream that every device has, on which the call above works.
            let arrived = sent.and_then(|()| unsafe { result::stream::synchronize(result::stream::null()) });
            arrived.map_err(while_doing("copying to the device"))?;
        }
        Ok(buffer)
    }

    /// Waits for everything that is under way, and copies the numbers back.
    pub fn read(&self) -> Result<Vec<N>, CudaError> {
        self.device.bind()?;
        let mut numbers = vec![N::default(); self.len];
        if self.len > 0 {
            // SAFETY: the device is bound, and the room is as long as the numbers.
            unsafe { result::memcpy_dtoh_sync(&mut numbers, self.address) }
                .map_err(while_doing("copying from the device"))?;
        }
        Ok(numbers)
    }

    /// Where it is, for a device.
    pub fn address(&self) -> u64 {
        self.address
    }

    /// How many numbers there is room for.
    pub fn len(&self) -> usize {
        self.len
    }

    /// How many bytes that is.
    pub fn bytes(&self) -> u64 {
        (self.len * size_of::<N>()) as u64
    }
}

impl<N> Drop for DeviceBuffer<N> {
    fn drop(&mut self) {
        if self.device.bind().is_ok() {
            // The driver waits for what still uses it. What it refuses to free, it frees with the context.
            // SAFETY: it was taken once and is freed once.
            let _ = unsafe { result::free_sync(self.address) };
        }
    }
}

/// Memory of the machine that stays where it is, so that a device copies it by itself.
#[derive(Debug)]
pub struct PinnedBuffer<N> {
    device: Arc<Device>,
    address: *mut N,
    len: usize,
}

// SAFETY: it owns its memory, and numbers may be read from every thread.
unsafe impl<N: Plain> Send for PinnedBuffer<N> {}
// SAFETY: shared, it is only read.
unsafe impl<N: Plain> Sync for PinnedBuffer<N> {}

impl<N: Plain> PinnedBuffer<N> {
    /// Takes room for `len` numbers; their bits are zero at first.
    pub fn new(device: &Arc<Device>, len: usize) -> Result<Self, CudaError> {
        device.bind()?;
        let bytes = len.max(1).saturating_mul(size_of::<N>());
        // SAFETY: the device is bound; the driver gives memory for every kind of number, freed once, when this is dropped.
        let address = unsafe { result::malloc_host(bytes, 0) }.map_err(while_doing("taking pinned memory"))?;
        // SAFETY: so many bytes were just given.
        unsafe { address.cast::<u8>().write_bytes(0, bytes) };
        Ok(Self { device: Arc::clone(device), address: address.cast(), len })
    }

    /// The numbers. Nothing may be on its way to them: whoever copies waits before it lets go of the buffer.
    pub fn numbers(&self) -> &[N] {
        // SAFETY: so many numbers lie there, initialised, and every pattern of bits is one.
        unsafe { std::slice::from_raw_parts(self.address, self.len) }
    }

    /// The numbers, to be written. Nothing may be on its way from them.
    pub fn numbers_mut(&mut self) -> &mut [N] {
        // SAFETY: as above, and this is borrowed alone.
        unsafe { std::slice::from_raw_parts_mut(self.address, self.len) }
    }
}

impl<N> Drop for PinnedBuffer<N> {
    fn drop(&mut self) {
        if self.device.bind().is_ok() {
            // SAFETY: it was taken once and is freed once.
            let _ = unsafe { result::free_host(self.address.cast()) };
        }
    }
}

/// What the driver's refusal to give memory means.
fn full(device: &Arc<Device>, bytes: usize, error: DriverError) -> CudaError {
    if error.0 == sys::CUresult::CUDA_ERROR_OUT_OF_MEMORY {
        let free = device.memory().map(|memory| memory.free).unwrap_or_default();
        return CudaError::OutOfMemory { wanted: bytes as u64, free };
    }
    while_doing("taking memory of the device")(error)
}
