//! Rows that are gathered on a device, and made into other numbers on the way.

use super::half::Half;
use super::launch::Grid;
use super::stream::Arguments;
use super::work::Work;
use super::{CudaError, Device, Source};
use crate::plain::Plain;
use std::sync::Arc;

/// Threads of a block.
const THREADS: usize = 256;

/// An element of a row: `u8`, [`Half`], `f32` or `f64`.
pub trait Element: Plain + Into<f64> {}
impl Element for u8 {}
impl Element for Half {}
impl Element for f32 {}
impl Element for f64 {}

/// An element that others are made into: [`Half`], `f32` or `f64`.
pub trait Wanted: Element {
    /// The nearest to a number, and the even one of two that are as near.
    fn nearest(number: f64) -> Self;
}

impl Wanted for Half {
    fn nearest(number: f64) -> Self {
        Self::nearest(number)
    }
}

impl Wanted for f32 {
    #[allow(clippy::cast_possible_truncation)] // rounded to nearest
    fn nearest(number: f64) -> Self {
        number as Self
    }
}

impl Wanted for f64 {
    fn nearest(number: f64) -> Self {
        number
    }
}

/// Gathers rows on a device.
#[derive(Debug)]
pub struct Rows {
    work: Work,
}

/// As `Gather` in the source.
#[derive(Clone, Copy)]
#[repr(C)]
struct Gather {
    from: u64,
    to: u64,
    index: u64,
    rows: u64,
    width: u64,
}

// SAFETY: the fields are those of the source, in its order; addresses are given by what made them.
unsafe impl Arguments for Gather {}

impl Rows {
    /// For a device.
    ///
    /// # Errors
    /// The driver refuses.
    pub fn new(device: &Arc<Device>) -> Result<Self, CudaError> {
        Ok(Self { work: Work::new(device)? })
    }

    /// Copies rows of `width` elements in row-major order: those that `index` numbers, in its order, or all of them.
    /// Each element becomes the nearest of the wanted kind, as in [`gather_scalar`].
    ///
    /// # Errors
    /// A number is beyond the rows, the lengths do not fit together, or the device or its driver refuses.
    pub fn gather<S: Element, D: Wanted>(
        &mut self,
        from: &[S],
        width: usize,
        index: Option<&[u32]>,
        to: &mut [D],
    ) -> Result<(), CudaError> {
        let rows = rows_of(from.len(), width, index, to.len())?;
        if to.is_empty() {
            return Ok(());
        }
        let given = self.work.send(from)?;
        let index = index.map(|index| self.work.send(index)).transpose()?;
        let wanted = self.work.room::<D>(to.len())?;
        let gather = Gather {
            from: given.address(),
            to: wanted.address(),
            index: index.as_ref().map_or(0, |index| index.address()),
            rows: rows as u64,
            width: width as u64,
        };
        let name = format!("rows_{}_{}", S::NAME, D::NAME);
        // SAFETY: the kernel's arguments are these; the buffers are as long as it takes them to be, and stay.
        unsafe { self.work.run(Source::Rows, &name, Grid::over(to.len(), THREADS), &gather)? };
        to.copy_from_slice(&wanted.read()?);
        Ok(())
    }
}

/// The same on the processor: the form that defines the answer.
///
/// # Errors
/// A number is beyond the rows, or the lengths do not fit together.
pub fn gather_scalar<S: Element, D: Wanted>(
    from: &[S],
    width: usize,
    index: Option<&[u32]>,
    to: &mut [D],
) -> Result<(), CudaError> {
    let rows = rows_of(from.len(), width, index, to.len())?;
    for row in 0..rows {
        let source = index.map_or(row, |index| index[row] as usize);
        let places = to[row * width..][..width].iter_mut();
        for (to, from) in places.zip(&from[source * width..][..width]) {
            *to = D::nearest((*from).into());
        }
    }
    Ok(())
}

/// How many rows are wanted, when everything fits together.
fn rows_of(from: usize, width: usize, index: Option<&[u32]>, to: usize) -> Result<usize, CudaError> {
    let given = from.checked_div(width).unwrap_or(0);
    if let Some(beyond) = index.into_iter().flatten().find(|row| **row as usize >= given) {
        return Err(CudaError::Shape(format!("row {beyond} is asked for, and there are {given}")));
    }
    let rows = index.map_or(given, <[u32]>::len);
    if given * width != from || rows * width != to {
        let message = format!("{from} elements, rows of {width}, and room for {to} of {rows} rows do not fit together");
        return Err(CudaError::Shape(message));
    }
    Ok(rows)
}
