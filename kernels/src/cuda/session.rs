//! Predictions with a forest on a device.
//!
//! Rows go in pieces, each through memory that the device reads by itself. Filling that memory takes a processor several times
//! as long as the device takes to read it, so a large batch has several lanes, each a stream with a thread that fills, starts
//! and waits: while one lane's rows are copied, others' are on their way or computed.

use super::forest::Uploaded;
use super::launch::Facts;
use super::memory::{DeviceBuffer, PinnedBuffer};
use super::stream::Stream;
use super::{CudaError, Device};
use crate::trees::{Feature, Sum};
use std::sync::Arc;

/// A piece has at most so many bytes of rows, and of answers, unless one row has more: large enough that what a copy costs
/// besides its bytes does not count, and small enough that lanes wait for little.
const PIECE_BYTES: usize = 4 << 20;
/// Lanes of a session. One is used for what fits a piece, without any thread but the caller's.
const LANES: usize = 4;

/// One thread's means to predict with a forest.
#[derive(Debug)]
pub struct ForestSession<X: Feature, T: Sum> {
    lanes: [Lane<X, T>; LANES],
    // After the lanes: what they use goes last.
    forest: Arc<Uploaded>,
}

/// A stream with its buffers. The stream is waited for before the buffers go: it is the first that is dropped.
#[derive(Debug)]
struct Lane<X: Feature, T: Sum> {
    stream: Stream,
    buffers: Option<Buffers<X, T>>,
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

/// Rows, and where their answers go.
type Piece<'a, X, T> = (&'a [X], &'a mut [T]);

impl<X: Feature, T: Sum> ForestSession<X, T> {
    pub(super) fn new(forest: Arc<Uploaded>) -> Result<Self, CudaError> {
        let lane = || Stream::new(forest.device()).map(|stream| Lane { stream, buffers: None });
        Ok(Self { lanes: [lane()?, lane()?, lane()?, lane()?], forest })
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
        let most = rows_max(facts);
        let pieces = rows.chunks(most * facts.features).zip(out.chunks_mut(most * facts.outputs));
        let forest = &*self.forest;
        if count <= most {
            return self.lanes[0].run(forest, pieces.collect());
        }
        let mut shares: [Vec<Piece<'_, X, T>>; LANES] = Default::default();
        for (index, piece) in pieces.enumerate() {
            shares[index % LANES].push(piece);
        }
        std::thread::scope(|scope| {
            let mut lanes = self.lanes.iter_mut().zip(shares);
            let own = lanes.next();
            let others: Vec<_> = lanes.map(|(lane, share)| scope.spawn(move || lane.run(forest, share))).collect();
            let own = own.map_or(Ok(()), |(lane, share)| lane.run(forest, share));
            // A panic of another lane is one of this call.
            let panicked = |panic| std::panic::resume_unwind(panic);
            others.into_iter().map(|other| other.join().unwrap_or_else(panicked)).fold(own, Result::and)
        })
    }
}

/// Rows of a piece.
fn rows_max(facts: Facts) -> usize {
    (PIECE_BYTES / (facts.features * facts.feature_bytes).max(facts.outputs * facts.sum_bytes)).max(1)
}

impl<X: Feature, T: Sum> Lane<X, T> {
    /// Predicts pieces, one after the other.
    fn run(&mut self, forest: &Uploaded, pieces: Vec<Piece<'_, X, T>>) -> Result<(), CudaError> {
        forest.device().bind()?;
        for (rows, out) in pieces {
            let started = self.start(forest, rows);
            // Also when starting failed: nothing may be on its way from or to the buffers when they are used again.
            let done = self.stream.wait("predicting with a forest");
            started.and(done)?;
            if let Some(buffers) = &self.buffers {
                out.copy_from_slice(&buffers.host_out.numbers()[..out.len()]);
            }
        }
        Ok(())
    }

    /// Sends rows on their way.
    fn start(&mut self, forest: &Uploaded, rows: &[X]) -> Result<(), CudaError> {
        let facts = forest.facts();
        let count = rows.len() / facts.features;
        if self.buffers.as_ref().is_some_and(|buffers| buffers.rows < count) {
            // What is too small goes first, so that its room can be taken.
            self.buffers = None;
        }
        let buffers = match &mut self.buffers {
            Some(buffers) => buffers,
            none => none.insert(Buffers::new(forest.device(), facts, count)?),
        };
        buffers.host_rows.numbers_mut()[..rows.len()].copy_from_slice(rows);
        let (grid, walk) = forest.launch(buffers.device_rows.address(), buffers.device_out.address(), count);
        // SAFETY: the buffers stay with this lane, which waits before it touches or drops them; they have room for so many
        // rows and answers, and the forest lies where the arguments say for as long as the session has it.
        unsafe {
            self.stream.send(&buffers.host_rows, &buffers.device_rows, rows.len())?;
            self.stream.launch(forest.function(), grid, &walk)?;
            self.stream.fetch(&buffers.device_out, &mut buffers.host_out, count * facts.outputs)
        }
    }
}

impl<X: Feature, T: Sum> Buffers<X, T> {
    /// Room for so many rows, and up to twice as many while that is no more than a piece, so that growing ends soon.
    fn new(device: &Arc<Device>, facts: Facts, rows: usize) -> Result<Self, CudaError> {
        let rows = rows.next_power_of_two().min(rows_max(facts));
        Ok(Self {
            rows,
            host_rows: PinnedBuffer::new(device, rows * facts.features)?,
            host_out: PinnedBuffer::new(device, rows * facts.outputs)?,
            device_rows: DeviceBuffer::new(device, rows * facts.features)?,
            device_out: DeviceBuffer::new(device, rows * facts.outputs)?,
        })
    }
}
