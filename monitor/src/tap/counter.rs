//! What one thread counts: small requests are gathered, and counted together.
//!
//! Counting a row touches some lines of the cache for each column, a hundred and more, and when a request comes they hold what
//! the request before it needed. A copy of the row takes two or three, and counting a hundred rows touches no more lines than
//! counting one.

use super::Part;
use crate::counts::{ColumnCounts, ColumnMeter, VersionCounts};
use servoir_types::{Data, Tensor};

/// The most rows that are gathered of a tensor.
const ROWS_MAX: usize = 128;
/// The most bytes.
const BYTES_MAX: usize = 32 << 10;

/// What one thread was given: counts, and rows that are yet to be counted. 32 KiB at most a tensor, and only once it is used.
#[derive(Debug, Clone)]
pub struct Counter {
    /// What is counted. The number of rows and the faults are those of all that was given.
    pub counts: VersionCounts,
    pub(super) features: Vec<Gathered>,
    pub(super) outputs: Vec<Gathered>,
}

impl Counter {
    /// Forgets what was counted and keeps the memory.
    pub fn clear(&mut self) {
        self.counts.clear();
        self.features.iter_mut().chain(&mut self.outputs).for_each(Gathered::clear);
    }
}

/// Rows of one tensor of several requests.
#[derive(Debug, Clone, Default)]
pub(super) struct Gathered {
    /// `None` until there are some.
    rows: Option<Rows>,
}

#[derive(Debug, Clone)]
struct Rows {
    data: Data,
    width: usize,
    /// How many elements there is room for.
    room: usize,
}

impl Gathered {
    /// Gathers the rows of a tensor, or counts them at once: many, and texts.
    pub fn take(
        &mut self,
        part: &Part,
        (meters, counts): (&[ColumnMeter], &mut [ColumnCounts]),
        tensor: &Tensor,
        rows: usize,
    ) {
        let (data, width) = (tensor.data(), tensor.row_len());
        let Some(room) = room(data, width, rows) else { return part.count((meters, counts), data, width) };
        let is_other = |held: &Rows| held.width != width || held.data.datatype() != data.datatype();
        if self.rows.as_ref().is_none_or(|held| is_other(held) || held.data.len() + data.len() > held.room) {
            self.settle(part, (meters, counts));
        }
        let new = || Rows { data: Data::with_capacity(data.datatype(), room), width, room };
        let held = self.rows.get_or_insert_with(new);
        if is_other(held) {
            *held = new();
        }
        held.data.extend_from(data, 0..data.len());
    }

    /// Counts what is gathered.
    pub fn settle(&mut self, part: &Part, columns: (&[ColumnMeter], &mut [ColumnCounts])) {
        if let Some(held) = self.rows.as_mut().filter(|held| !held.data.is_empty()) {
            part.count(columns, &held.data, held.width);
            held.data.clear();
        }
    }

    fn clear(&mut self) {
        self.rows.iter_mut().for_each(|held| held.data.clear());
    }
}

/// How many elements of such rows are gathered; `None` of rows that are counted at once.
fn room(data: &Data, width: usize, rows: usize) -> Option<usize> {
    let row_bytes = width.checked_mul(data.datatype().size_bytes()?)?;
    let rows_max = BYTES_MAX.checked_div(row_bytes)?.min(ROWS_MAX);
    // Half of what there is room for is enough to be counted together.
    (2 * rows <= rows_max && Some(data.len()) == rows.checked_mul(width)).then_some(rows_max * width)
}
