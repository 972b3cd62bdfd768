//! What one thread counts: small requests are gathered, and counted together.
//!
//! Counting a row touches some lines of the cache for each column, a hundred and more, and when a request comes they hold what
//! the request before it needed. A copy of the row takes two or three, and counting a hundred rows touches no more lines than
//! counting one.

use super::Part;
use crate::counts::{ColumnCounts, ColumnMeter, VersionCounts};
use servoir_types::{Data, Tensor};
use std::ops::Range;

/// The most rows that are gathered of a tensor.
const ROWS_MAX: usize = 128;
/// The most bytes.
const BYTES_MAX: usize = 32 << 10;

/// So many rows are counted one and all before the counts are taken away, which is every few seconds. Of a large request that comes
/// after them a part is counted: two additions for each value are more than a fast model takes to answer.
const ALL_ROWS_MAX: u64 = 1 << 16;
/// The fewest rows of a large request.
const LARGE_ROWS_MIN: usize = 64;
/// Of so many rows of a large request one is counted.
const ONE_IN: usize = 16;

/// Which rows are counted of a request of `rows` rows, after `before` others. Those of a part lie together, in each request
/// elsewhere; every row has the same chance.
pub(super) fn counted(before: u64, rows: usize) -> Range<usize> {
    if before < ALL_ROWS_MAX || rows < LARGE_ROWS_MIN {
        return 0..rows;
    }
    // Multiples of the golden ratio of 2^64 spread evenly (Knuth, volume 3, section 6.4).
    let turn = u128::from(before.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let part = ((turn * ONE_IN as u128) >> 64) as usize;
    rows * part / ONE_IN..rows * (part + 1) / ONE_IN
}

/// What one thread was given: counts, and rows that are yet to be counted. 32 KiB at most a tensor, and only once it is used.
#[derive(Debug, Clone)]
pub struct Counter {
    /// What is counted. The number of rows and the faults are those of all that was given, whether or not it was counted.
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
}

impl Gathered {
    /// Gathers the rows `which` of a tensor of `rows`, or counts them at once: many, and texts, of which all are counted.
    pub fn take(
        &mut self,
        part: &Part,
        (meters, counts): (&[ColumnMeter], &mut [ColumnCounts]),
        tensor: &Tensor,
        (rows, which): (usize, Range<usize>),
    ) {
        let (data, width) = (tensor.data(), tensor.row_len());
        let at_once = |room: usize| which.len() == rows && 2 * rows > room;
        // Half of what there is room for is enough to be counted together.
        let Some(room) = room(data, width, rows).filter(|room| !at_once(*room)) else {
            return part.count((meters, counts), data, width);
        };
        for start in which.clone().step_by(room) {
            let elements = start * width..which.end.min(start + room) * width;
            let is_other = |held: &Rows| held.width != width || held.data.datatype() != data.datatype();
            if self.rows.as_ref().is_none_or(|held| is_other(held) || held.data.len() + elements.len() > room * width) {
                self.settle(part, (meters, counts));
            }
            let new = || Rows { data: Data::with_capacity(data.datatype(), room * width), width };
            let held = self.rows.get_or_insert_with(new);
            if is_other(held) {
                *held = new();
            }
            held.data.extend_from(data, elements);
        }
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

/// How many of such rows are gathered; `None` where none are.
fn room(data: &Data, width: usize, rows: usize) -> Option<usize> {
    let row_bytes = width.checked_mul(data.datatype().size_bytes()?)?;
    let rows_max = BYTES_MAX.checked_div(row_bytes)?.min(ROWS_MAX);
    (rows_max > 0 && Some(data.len()) == rows.checked_mul(width)).then_some(rows_max)
}
