//! Histograms on a device.

use super::launch::{Grid, number};
use super::memory::DeviceBuffer;
use super::stream::Arguments;
use super::work::Work;
use super::{CudaError, Device, Source};
use crate::bins::{BINS_MAX, Edges, Tally};
use std::sync::Arc;

/// Threads of a block, as many of each of its columns.
const THREADS: usize = 256;
/// Columns of a block.
const COLUMNS: usize = 8;
/// Rows that a thread takes at least: a block's histograms are worth clearing then.
const ROWS_EACH: usize = 16;
/// Shared memory of a block: its columns' sums, squares, edges, counts and four words.
const SHARED_BYTES: usize = COLUMNS * (BINS_MAX * (8 + 4 + 4) + 8 + 4 * 4);

/// Counts columns on a device.
#[derive(Debug)]
pub struct DeviceBins {
    work: Work,
    places: Vec<usize>,
    pivots: DeviceBuffer<f64>,
    edges: DeviceBuffer<f32>,
    device_places: DeviceBuffer<u32>,
}

/// As `Count` in the source.
#[derive(Clone, Copy)]
#[repr(C)]
struct Count {
    values: u64,
    places: u64,
    edges: u64,
    pivots: u64,
    counts: u64,
    sums: u64,
    squares: u64,
    nulls: u64,
    infinite: u64,
    least: u64,
    most: u64,
    rows: u64,
    width: u32,
    columns: u32,
}

// SAFETY: the fields are those of the source, in its order; addresses are given by what made them.
unsafe impl Arguments for Count {}

/// What a launch has counted, by columns.
struct Counted {
    counts: DeviceBuffer<u64>,
    sums: DeviceBuffer<f64>,
    squares: DeviceBuffer<f64>,
    nulls: DeviceBuffer<u64>,
    infinite: DeviceBuffer<u64>,
    least: DeviceBuffer<u32>,
    most: DeviceBuffer<u32>,
}

impl DeviceBins {
    /// For columns: their places in a row, and their edges.
    ///
    /// # Errors
    /// The device or its driver refuses.
    pub fn new(device: &Arc<Device>, columns: &[(usize, Edges)]) -> Result<Self, CudaError> {
        let work = Work::new(device)?;
        let edges: Vec<f32> = columns.iter().flat_map(|(_, edges)| edges.ascending()).copied().collect();
        let pivots: Vec<f64> = columns.iter().map(|(_, edges)| edges.pivot()).collect();
        let places: Vec<usize> = columns.iter().map(|(place, _)| *place).collect();
        Ok(Self {
            pivots: work.send(&pivots)?,
            edges: work.send(&edges)?,
            device_places: work.send(&places.iter().map(|place| number(*place)).collect::<Vec<_>>())?,
            places,
            work,
        })
    }

    /// Adds rows of `width` values, in row-major order, to the columns' tallies. Counts and extremes are those of
    /// [`Tally::add`]. Sums are of the same terms in another order: each differs from the exact one by at most `n` times
    /// 2^-52 times the sum of its `n` terms' sizes.
    ///
    /// # Errors
    /// The lengths do not fit together, a column is beyond the rows, or the device or its driver refuses.
    pub fn add(&mut self, values: &[f32], width: usize, tallies: &mut [Tally]) -> Result<(), CudaError> {
        let rows = values.len().checked_div(width).unwrap_or(0);
        let beyond = self.places.iter().any(|place| *place >= width);
        if rows * width != values.len() || beyond || tallies.len() != self.places.len() || u32::try_from(width).is_err()
        {
            return Err(CudaError::Shape(format!(
                "{} values in rows of {width}, columns {:?} and {} tallies do not fit together",
                values.len(),
                self.places,
                tallies.len()
            )));
        }
        if rows == 0 || tallies.is_empty() {
            return Ok(());
        }
        let given = self.work.send(values)?;
        let counted = Counted::new(&self.work, tallies.len())?;
        let count = Count {
            values: given.address(),
            places: self.device_places.address(),
            edges: self.edges.address(),
            pivots: self.pivots.address(),
            counts: counted.counts.address(),
            sums: counted.sums.address(),
            squares: counted.squares.address(),
            nulls: counted.nulls.address(),
            infinite: counted.infinite.address(),
            least: counted.least.address(),
            most: counted.most.address(),
            rows: rows as u64,
            width: number(width),
            columns: number(tallies.len()),
        };
        let grid = grid(rows, tallies.len(), self.work.multiprocessors());
        // SAFETY: the kernel's arguments are these; the buffers are as long as it takes them to be, and stay.
        unsafe { self.work.run(Source::Bins, "bins_count", grid, &count)? };
        counted.add_to(tallies)
    }
}

/// Blocks over the rows, a few for each multiprocessor, and over the columns.
fn grid(rows: usize, columns: usize, multiprocessors: usize) -> Grid {
    let blocks = rows.div_ceil(THREADS / COLUMNS * ROWS_EACH).clamp(1, 8 * multiprocessors);
    Grid {
        blocks: number(blocks),
        columns: number(columns.div_ceil(COLUMNS)),
        threads: number(THREADS),
        shared_bytes: number(SHARED_BYTES),
    }
}

impl Counted {
    fn new(work: &Work, columns: usize) -> Result<Self, CudaError> {
        Ok(Self {
            counts: work.send(&vec![0; columns * BINS_MAX])?,
            sums: work.send(&vec![0.0; columns * BINS_MAX])?,
            squares: work.send(&vec![0.0; columns])?,
            nulls: work.send(&vec![0; columns])?,
            infinite: work.send(&vec![0; columns])?,
            least: work.send(&vec![u32::MAX; columns])?,
            most: work.send(&vec![0; columns])?,
        })
    }

    fn add_to(&self, tallies: &mut [Tally]) -> Result<(), CudaError> {
        let (counts, sums) = (self.counts.read()?, self.sums.read()?);
        let (squares, nulls, infinite) = (self.squares.read()?, self.nulls.read()?, self.infinite.read()?);
        let (least, most) = (self.least.read()?, self.most.read()?);
        for (column, tally) in tallies.iter_mut().enumerate() {
            for (bin, place) in tally.bins.iter_mut().zip(column * BINS_MAX..) {
                bin.count += counts[place];
                bin.sum += sums[place];
            }
            tally.squares += squares[column];
            tally.nulls += nulls[column];
            tally.infinite += infinite[column];
            // What no finite number stands for says that there was none.
            if most[column] != 0 {
                tally.min = tally.min.min(of_height(least[column]));
                tally.max = tally.max.max(of_height(most[column]));
            }
        }
        Ok(())
    }
}

/// The number that has a place in the order of whole ones.
fn of_height(height: u32) -> f64 {
    f32::from_bits(if height >> 31 == 1 { height & 0x7fff_ffff } else { !height }).into()
}
