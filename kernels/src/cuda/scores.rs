//! What follows a model's last sums, on a device: softmax, sigmoid, the highest.

use super::launch::{Grid, WARP, number};
use super::stream::Arguments;
use super::work::Work;
use super::{CudaError, Device, Source};
use std::sync::Arc;

/// Threads of a block.
const THREADS: usize = 256;

/// Makes scores of sums on a device.
#[derive(Debug)]
pub struct Scores {
    work: Work,
}

/// As `Score` in the source.
#[derive(Clone, Copy)]
#[repr(C)]
struct Score {
    values: u64,
    out: u64,
    indices: u64,
    rows: u64,
    width: u32,
    highest: u32,
}

// SAFETY: the fields are those of the source, in its order; addresses are given by what made them.
unsafe impl Arguments for Score {}

impl Scores {
    /// For a device.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn new(device: &Arc<Device>) -> Result<Self, CudaError> {
        Ok(Self { work: Work::new(device)? })
    }

    /// Makes each row of `width` values into shares of one. Additions are in the order of [`softmax_scalar`], so that the
    /// two differ by what their exponential functions do: each share by at most 8 units in its last place.
    ///
    /// # Errors
    /// The lengths do not fit together, or the device or its driver refuses.
    pub fn softmax(&mut self, values: &mut [f32], width: usize) -> Result<(), CudaError> {
        self.in_place("scores_softmax", values, width)
    }

    /// Makes each value `1 / (1 + e^-value)`: within 4 units in the last place of [`sigmoid_scalar`].
    ///
    /// # Errors
    /// The device or its driver refuses.
    pub fn sigmoid(&mut self, values: &mut [f32]) -> Result<(), CudaError> {
        self.in_place("scores_sigmoid", values, 1)
    }

    /// The highest values of each row in descending order, and their columns; the first of equals first, NaN last. Exactly
    /// those of [`highest_scalar`].
    ///
    /// # Errors
    /// A row has fewer values, the lengths do not fit together, or the device or its driver refuses.
    pub fn highest(&mut self, values: &[f32], width: usize, count: usize) -> Result<(Vec<u32>, Vec<f32>), CudaError> {
        let rows = rows_of(values.len(), width, count)?;
        if rows * count == 0 {
            return Ok((Vec::new(), Vec::new()));
        }
        let (given, out) = (self.work.send(values)?, self.work.room::<f32>(rows * count)?);
        let indices = self.work.room::<u32>(rows * count)?;
        let score = Score {
            indices: indices.address(),
            highest: number(count),
            ..score(given.address(), out.address(), (rows, width))
        };
        // SAFETY: the kernel's arguments are these; the buffers are as long as it takes them to be, and stay.
        unsafe { self.work.run(Source::Scores, "scores_highest", Grid::over(rows * WARP, THREADS), &score)? };
        Ok((indices.read()?, out.read()?))
    }

    fn in_place(&mut self, name: &str, values: &mut [f32], width: usize) -> Result<(), CudaError> {
        let rows = rows_of(values.len(), width, 0)?;
        if values.is_empty() {
            return Ok(());
        }
        let (given, out) = (self.work.send(values)?, self.work.room::<f32>(values.len())?);
        let threads = if width == 1 { rows } else { rows * WARP };
        let score = score(given.address(), out.address(), (rows, width));
        // SAFETY: the kernel's arguments are these; the buffers are as long as it takes them to be, and stay.
        unsafe { self.work.run(Source::Scores, name, Grid::over(threads, THREADS), &score)? };
        values.copy_from_slice(&out.read()?);
        Ok(())
    }
}

fn score(values: u64, out: u64, (rows, width): (usize, usize)) -> Score {
    Score { values, out, indices: 0, rows: rows as u64, width: number(width), highest: 0 }
}

fn rows_of(values: usize, width: usize, highest: usize) -> Result<usize, CudaError> {
    let rows = values.checked_div(width).unwrap_or(0);
    if rows * width != values || u32::try_from(width).is_err() {
        return Err(CudaError::Shape(format!("{values} values are no rows of {width}")));
    }
    if highest > width {
        return Err(CudaError::Shape(format!("the {highest} highest are asked for, of rows of {width}")));
    }
    Ok(rows)
}

/// Softmax on the processor, with the device's order of additions: every thirty-second value is added up, and these sums in
/// halves.
///
/// # Panics
/// When the values are no rows of `width`.
pub fn softmax_scalar(values: &mut [f32], width: usize) {
    assert!(width > 0 && values.len().is_multiple_of(width), "{} values are no rows of {width}", values.len());
    for row in values.chunks_exact_mut(width) {
        let greatest =
            row.iter().fold(f32::NEG_INFINITY, |greatest, value| if *value > greatest { *value } else { greatest });
        let mut lanes = [0.0f32; WARP];
        for (place, value) in row.iter_mut().enumerate() {
            *value = (*value - greatest).exp();
            lanes[place % WARP] += *value;
        }
        let mut distance = WARP / 2;
        while distance > 0 {
            let before = lanes;
            for (lane, sum) in lanes.iter_mut().enumerate() {
                *sum += before[lane ^ distance];
            }
            distance /= 2;
        }
        row.iter_mut().for_each(|value| *value /= lanes[0]);
    }
}

/// `1 / (1 + e^-value)` on the processor.
pub fn sigmoid_scalar(values: &mut [f32]) {
    values.iter_mut().for_each(|value| *value = 1.0 / (1.0 + (-*value).exp()));
}

/// The highest on the processor.
///
/// # Errors
/// A row has fewer values, or the values are no rows of `width`.
pub fn highest_scalar(values: &[f32], width: usize, count: usize) -> Result<(Vec<u32>, Vec<f32>), CudaError> {
    rows_of(values.len(), width, count)?;
    let (mut indices, mut highest) = (Vec::new(), Vec::new());
    for row in values.chunks_exact(width.max(1)) {
        let mut order: Vec<usize> = (0..width).collect();
        // The sort keeps the order of equals.
        order.sort_by(|left, right| {
            let (left, right) = (row[*left], row[*right]);
            right.partial_cmp(&left).unwrap_or_else(|| left.is_nan().cmp(&right.is_nan()))
        });
        indices.extend(order[..count].iter().map(|place| number(*place)));
        highest.extend(order[..count].iter().map(|place| row[*place]));
    }
    Ok((indices, highest))
}
