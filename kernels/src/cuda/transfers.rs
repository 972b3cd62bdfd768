//! Copying alone, to hold against what else takes as many bytes there and back.

use super::memory::{DeviceBuffer, PinnedBuffer};
use super::stream::Stream;
use super::{CudaError, Device};
use std::sync::Arc;

/// Bytes that go to a device while others come back, from and to memory that it reads and writes by itself.
#[derive(Debug)]
pub struct Transfers {
    // Streams are waited for before the buffers go: they are the first that are dropped.
    there: Stream,
    back: Stream,
    sent: (PinnedBuffer<u8>, DeviceBuffer<u8>),
    fetched: (PinnedBuffer<u8>, DeviceBuffer<u8>),
}

impl Transfers {
    /// So many bytes each way.
    ///
    /// # Errors
    /// There is no room, or the driver refuses.
    pub fn new(device: &Arc<Device>, there: usize, back: usize) -> Result<Self, CudaError> {
        let buffers = |bytes| -> Result<_, CudaError> {
            Ok((PinnedBuffer::new(device, bytes)?, DeviceBuffer::new(device, bytes)?))
        };
        Ok(Self {
            there: Stream::new(device)?,
            back: Stream::new(device)?,
            sent: buffers(there)?,
            fetched: buffers(back)?,
        })
    }

    /// Copies them once, both ways at the same time, and waits.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn run(&mut self) -> Result<(), CudaError> {
        let (sent, fetched) = (self.sent.1.len(), self.fetched.1.len());
        self.there.bind()?;
        // SAFETY: the buffers stay with this, which waits before it returns, and before it drops them.
        let started = unsafe {
            let there = self.there.send(&self.sent.0, &self.sent.1, sent);
            there.and_then(|()| self.back.fetch(&self.fetched.1, &mut self.fetched.0, fetched))
        };
        let there = self.there.wait("copying to the device");
        let back = self.back.wait("copying from the device");
        started.and(there).and(back)
    }
}
