//! Recordings: uniform samples of rows, inputs and outputs together, of bounded size.
//!
//! Each row draws a number from 0 to 1; the rows with the least numbers are kept. So samples of threads, hours and nodes
//! with different traffic add up to one in which every row had the same chance: that of the least of their limits.

mod stored;

pub use stored::{Recorded, RecordedColumn, RecordedValues, RecordingError};

use crate::baseline::VALUE_BYTES_MAX;
use crate::layout::{Layout, Place};
use crate::tap::value;
use servoir_types::{Signature, Tensor};
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// The most columns that are recorded; those beyond them are not.
pub const RECORDED_COLUMNS_MAX: usize = 1000;

/// What of a row is recorded: the columns of a model's layout.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordingPlan {
    features: Vec<Place>,
    outputs: Vec<Place>,
}

/// A uniform sample of rows.
#[derive(Debug, Clone, Default)]
pub struct Reservoir {
    rows_max: usize,
    seen: u64,
    /// The greatest draw is on top.
    rows: BinaryHeap<Row>,
    /// The least draw that was turned away; `None`: all rows are here.
    limit: Option<f64>,
}

/// A row that was drawn.
#[derive(Debug, Clone)]
struct Row {
    draw: f64,
    cells: Box<[Cell]>,
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    /// A number; NaN is a missing one.
    Number(f64),
    /// A text.
    Text(Box<str>),
}

impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Row {}

impl PartialOrd for Row {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Row {
    fn cmp(&self, other: &Self) -> Ordering {
        self.draw.total_cmp(&other.draw)
    }
}

impl RecordingPlan {
    /// For a model: columns of tables, texts among them; norm and mean of other tensors.
    pub fn of(signature: &Signature) -> Self {
        let Layout { mut features, mut outputs, .. } = Layout::of(signature);
        outputs.truncate(RECORDED_COLUMNS_MAX);
        features.truncate(RECORDED_COLUMNS_MAX - outputs.len());
        Self { features, outputs }
    }

    /// One row of a request's tensors.
    fn row(&self, (inputs, outputs): (&[Tensor], &[Tensor]), row: usize) -> Box<[Cell]> {
        let features = self.features.iter().map(|place| value(&place.source, inputs, row));
        let answers = self.outputs.iter().map(|place| value(&place.source, outputs, row));
        features.chain(answers).map(bounded).collect()
    }
}

/// A text is kept as far as it may be a category; of a longer one it can still be told that it is none.
fn bounded(cell: Cell) -> Cell {
    match cell {
        Cell::Text(text) if text.len() > VALUE_BYTES_MAX => {
            let end = (0..=VALUE_BYTES_MAX).rev().find(|&end| text.is_char_boundary(end)).unwrap_or_default();
            Cell::Text(format!("{}…", &text[..end]).into())
        }
        cell => cell,
    }
}

impl Reservoir {
    /// Of at most `rows_max` rows.
    pub fn new(rows_max: usize) -> Self {
        Self { rows_max, ..Self::default() }
    }

    /// Changes the size. Rows that were turned away before do not come back.
    pub fn resize(&mut self, rows_max: usize) {
        self.rows_max = rows_max;
        self.shrink();
    }

    /// Forgets all rows.
    pub fn restart(&mut self) {
        *self = Self::new(self.rows_max);
    }

    /// Draws above it are turned away: who draws can do so without asking.
    pub fn limit(&self) -> f64 {
        self.limit.unwrap_or(1.0)
    }

    /// Notes that rows were seen, of which those that are kept are added by themselves.
    pub fn saw(&mut self, rows: u64) {
        self.seen += rows;
    }

    /// How many rows were seen.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Adds row `row` of a request's tensors, which drew `draw`.
    pub fn add(&mut self, draw: f64, plan: &RecordingPlan, tensors: (&[Tensor], &[Tensor]), row: usize) {
        if draw < self.limit() {
            self.rows.push(Row { draw, cells: plan.row(tensors, row) });
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        while self.rows.len() > self.rows_max {
            let turned_away = self.rows.pop().map_or(1.0, |row| row.draw);
            self.limit = Some(self.limit().min(turned_away));
        }
    }
}
