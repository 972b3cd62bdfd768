//! Predictions with a forest on a device.
//!
//! Rows go in pieces, every other piece on a stream of its own: while one piece is computed, the next is on its way, and the
//! processor fills the one after. A piece's rows wait in memory that the device reads by itself.

use super::forest::Uploaded;
use super::memory::{DeviceBuffer, PinnedBuffer};
use super::stream::Stream;
use super::{CudaError, Device};
use crate::trees::{Feature, Sum};
use std::ops::Range;
use std::sync::Arc;

/// A piece has at most so many bytes of rows, and of answers, unless one row has more: large enough that what a copy costs
/// besides its bytes does not count, and small enough that two of them wait for little.
const PIECE_BYTES: usize = 4 << 20;
/// Streams.
const LANES: usize = 2;

/// One thread's means to predict with a forest.
#[derive(Debug)]
pub struct ForestSession<X: Feature, T: Sum> {
    forest: Arc<Uploaded>,
    lanes: [Lane<X, T>; LANES],
}

/// A stream with its buffers. The stream is waited for before the buffers go: it is the first that is dropped.
#[derive(Debug)]
struct Lane<X: Feature, T: Sum> {
    stream: Stream,
    buffers: Option<Buffers<X, T>>,
    /// The rows whose answers are on their way.
    under_way: Option<Range<usize>>,
}

/// Room for so many rows.
#[derive(Debug)]
struct Buffers<X: Feature, T: Sum> {
    rows: usize,
    host_rows: PinnedBuffer<X>,
    host_out: PinnedBuffer<T>,
    device_rows: DeviceBuffer<X>,
    device_out: DeviceBuffer<T>,
}

impl<X: Feature, T: Sum> ForestSession<X, T> {
    pub(super) fn new(forest: Arc<Uploaded>) -> Result<Self, CudaError> {
        let lane = || Stream::new(forest.device()).map(|stream| Lane { stream, buffers: None, under_way: None });
        let lanes = [lane()?, lane()?];
        Ok(Self { forest, lanes })
    }

    /// Predicts rows, `[rows, features]` in row-major order, into `out`, `[rows, outputs]`, with the bits of
    /// [`crate::trees::Forest::predict`]. Returns when the answers are there.
    ///
    /// # Errors
    /// The lengths do not fit together, the device has no room for the rows, or something on it failed; `out` then means
    /// nothing. What failed on a device may have spoiled the process's use of it, as the driver has it.
    pub fn predict(&mut self, rows: &[X], out: &mut [T]) -> Result<(), CudaError> {
        let facts = self.forest.facts();
        let count = rows.len() / facts.features;
        if rows.len() != count * facts.features || out.len() != count * facts.outputs {
            return Err(CudaError::Shape(format!(
                "{} numbers of rows of {} features and room for {} answers of {} outputs do not fit together",
                rows.len(),
                facts.features,
                out.len(),
                facts.outputs
            )));
        }
        self.forest.device().bind()?;
        let done = self.pieces(rows, out, count);
        if done.is_err() {
            // Nothing may be on its way from or to the buffers when they are used again.
            for lane in &mut self.lanes {
                lane.under_way = None;
                let _ = lane.stream.wait("ending what was under way");
            }
        }
        done
    }

    fn pieces(&mut self, rows: &[X], out: &mut [T], count: usize) -> Result<(), CudaError> {
        let facts = self.forest.facts();
        let row_bytes = (facts.features * size_of::<X>()).max(facts.outputs * size_of::<T>());
        let piece = (PIECE_BYTES / row_bytes).max(1).min(count.max(1));
        for (index, first) in (0..count).step_by(piece).enumerate() {
            let range = first..count.min(first + piece);
            let lane = &mut self.lanes[index % LANES];
            lane.finish(facts.outputs, out)?;
            let rows = &rows[range.start * facts.features..range.end * facts.features];
            lane.start(&self.forest, rows, range)?;
        }
        for lane in &mut self.lanes {
            lane.finish(facts.outputs, out)?;
        }
        Ok(())
    }
}

impl<X: Feature, T: Sum> Lane<X, T> {
    /// Sends rows on their way.
    fn start(&mut self, forest: &Uploaded, rows: &[X], range: Range<usize>) -> Result<(), CudaError> {
        let (facts, count) = (forest.facts(), range.len());
        if self.buffers.as_ref().is_none_or(|buffers| buffers.rows < count) {
            // What is too small goes first, so that its room can be taken.
            self.buffers = None;
            self.buffers = Some(Buffers::new(forest.device(), (facts.features, facts.outputs), count)?);
        }
        let Some(buffers) = &mut self.buffers else { return Ok(()) };
        buffers.host_rows.numbers_mut()[..rows.len()].copy_from_slice(rows);
        let (grid, walk) = forest.launch(buffers.device_rows.address(), buffers.device_out.address(), count);
        self.under_way = Some(range);
        // SAFETY: the buffers stay with this lane, which waits before it touches or drops them; they have room for so many
        // rows and answers, and the forest lies where the arguments say for as long as the session has it.
        unsafe {
            self.stream.send(&buffers.host_rows, &buffers.device_rows, rows.len())?;
            self.stream.launch(forest.function(), grid, &walk)?;
            self.stream.fetch(&buffers.device_out, &mut buffers.host_out, count * facts.outputs)
        }
    }

    /// Waits for what is under way, and takes its answers.
    fn finish(&mut self, outputs: usize, out: &mut [T]) -> Result<(), CudaError> {
        let Some(range) = self.under_way.take() else { return Ok(()) };
        self.stream.wait("predicting with a forest")?;
        if let Some(buffers) = &self.buffers {
            let out = &mut out[range.start * outputs..range.end * outputs];
            out.copy_from_slice(&buffers.host_out.numbers()[..out.len()]);
        }
        Ok(())
    }
}

impl<X: Feature, T: Sum> Buffers<X, T> {
    /// Room for so many rows, and up to twice as many, so that growing ends soon.
    fn new(device: &Arc<Device>, (features, outputs): (usize, usize), rows: usize) -> Result<Self, CudaError> {
        let rows = rows.next_power_of_two();
        Ok(Self {
            rows,
            host_rows: PinnedBuffer::new(device, rows * features)?,
            host_out: PinnedBuffer::new(device, rows * outputs)?,
            device_rows: DeviceBuffer::new(device, rows * features)?,
            device_out: DeviceBuffer::new(device, rows * outputs)?,
        })
    }
}
