//! One column's profile.

use super::counts::{Budget, Counted, Counts};
use super::key::{self, Key, Number};
use super::moments::Moments;
use crate::table::ColumnType;
use crate::table::cells::Cells;
use crate::table::timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How many of the most frequent values are told.
const TOP_VALUES: usize = 10;
/// The shares of [`Quantiles`].
const SHARES: [f64; 7] = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];

/// What the values of a column are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// Its header.
    pub name: String,
    /// What its values are.
    #[serde(rename = "type")]
    pub column_type: ColumnType,
    /// Values that are there.
    pub count: u64,
    /// Values that are missing.
    pub nulls: u64,
    /// Values that differ, the missing ones not counted.
    pub distinct: u64,
    /// Whether each value was counted by itself; else `distinct`, `quantiles` and `top_values` are approximate.
    pub exact: bool,
    /// The least: a number, or a point in time as it is written.
    pub min: Option<Value>,
    /// The greatest.
    pub max: Option<Value>,
    /// Of numbers.
    pub mean: Option<f64>,
    /// Deviation of numbers, those being a sample.
    pub std: Option<f64>,
    /// Of numbers.
    pub quantiles: Option<Quantiles>,
    /// The most frequent first.
    pub top_values: Vec<TopValue>,
}

/// Numbers below which a share of all lies: `p25` a quarter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Quantiles {
    pub p01: f64,
    pub p05: f64,
    pub p25: f64,
    pub p50: f64,
    pub p75: f64,
    pub p95: f64,
    pub p99: f64,
}

/// A frequent value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopValue {
    /// A number, `true` or `false` as a text, or a text; one of more than 256 bytes is cut.
    pub value: Value,
    /// How often it comes.
    pub count: u64,
}

/// What of whole numbers would be lost in numbers with fractions, whose steps are larger than 1 beyond 2^53: the bounds,
/// and the first value, which the moments are taken from.
struct Whole {
    first: i64,
    least: i64,
    greatest: i64,
}

impl Whole {
    /// How far a value lies from the first.
    fn take(&mut self, value: i64) -> f64 {
        (self.least, self.greatest) = (self.least.min(value), self.greatest.max(value));
        (i128::from(value) - i128::from(self.first)) as f64
    }
}

/// Profiles a column while its values pass by.
pub struct Profiler {
    column_type: ColumnType,
    count: u64,
    nulls: u64,
    moments: Moments,
    whole: Option<Whole>,
    /// The earliest and the latest point in time, each with its text.
    times: Option<[(i64, String); 2]>,
    values: Values,
    room: String,
}

enum Values {
    Integers(Counts<i64>),
    Numbers(Counts<Number>),
    Texts(Counts<String>),
}

impl Profiler {
    /// Before the first value.
    pub fn new(column_type: ColumnType, budget: Budget) -> Self {
        let values = match column_type {
            ColumnType::Integer => Values::Integers(Counts::new(budget)),
            ColumnType::Number => Values::Numbers(Counts::new(budget)),
            _ => Values::Texts(Counts::new(budget)),
        };
        let (moments, room) = (Moments::default(), String::new());
        Self { column_type, count: 0, nulls: 0, moments, whole: None, times: None, values, room }
    }

    /// The next values, which are of the column's type.
    pub fn add(&mut self, cells: &Cells) {
        let before = self.count;
        match (cells, &mut self.values) {
            (Cells::Integers(more), Values::Integers(counts)) => {
                for value in more.iter().flatten() {
                    self.count += 1;
                    let whole = self.whole.get_or_insert(Whole { first: *value, least: *value, greatest: *value });
                    self.moments.add(whole.take(*value));
                    counts.add(value);
                }
            }
            (Cells::Numbers(more), Values::Numbers(counts)) => {
                for &value in more.iter().filter(|value| !value.is_nan()) {
                    self.count += 1;
                    self.moments.add(value);
                    counts.add(&Number::of(value));
                }
            }
            (Cells::Texts(more), Values::Texts(counts)) => {
                for text in more.iter().flatten() {
                    self.count += 1;
                    counts.add(key::of_text(text, &mut self.room));
                    if self.column_type == ColumnType::Timestamp {
                        time(&mut self.times, text);
                    }
                }
            }
            _ => {}
        }
        self.nulls += cells.len() as u64 - (self.count - before);
    }

    /// The profile.
    pub fn finish(self, name: &str) -> ColumnProfile {
        let (mut min, mut max) = (self.moments.min().map(Value::from), self.moments.max().map(Value::from));
        let mut mean = self.moments.mean();
        if let Some(whole) = self.whole {
            (min, max) = (Some(Value::from(whole.least)), Some(Value::from(whole.greatest)));
            mean = mean.map(|mean| whole.first as f64 + mean);
        }
        if let Some([(_, earliest), (_, latest)]) = self.times {
            (min, max) = (Some(Value::from(earliest)), Some(Value::from(latest)));
        }
        let told = match self.values {
            Values::Integers(counts) => Told::of(&counts.finish()),
            Values::Numbers(counts) => Told::of(&counts.finish()),
            Values::Texts(counts) => Told::of(&counts.finish()),
        };
        ColumnProfile {
            name: name.to_owned(),
            column_type: self.column_type,
            count: self.count,
            nulls: self.nulls,
            distinct: told.distinct,
            exact: told.exact,
            min,
            max,
            mean,
            std: self.moments.deviation(),
            quantiles: told.quantiles,
            top_values: told.top_values,
        }
    }
}

fn time(times: &mut Option<[(i64, String); 2]>, text: &str) {
    // What Parquet has as points in time is written so that it can be read.
    let Some(at) = timestamp::micros(text) else { return };
    match times {
        None => *times = Some([(at, text.to_owned()), (at, text.to_owned())]),
        Some([earliest, _]) if at < earliest.0 => *earliest = (at, text.to_owned()),
        Some([_, latest]) if at > latest.0 => *latest = (at, text.to_owned()),
        Some(_) => {}
    }
}

/// What the counts tell.
struct Told {
    distinct: u64,
    exact: bool,
    quantiles: Option<Quantiles>,
    top_values: Vec<TopValue>,
}

impl Told {
    fn of<K: Key>(counted: &Counted<K>) -> Self {
        let quantiles = counted.quantiles(SHARES);
        let top = counted.top(TOP_VALUES).into_iter();
        Self {
            distinct: counted.distinct(),
            exact: counted.is_exact(),
            quantiles: quantiles.map(|[p01, p05, p25, p50, p75, p95, p99]| Quantiles {
                p01,
                p05,
                p25,
                p50,
                p75,
                p95,
                p99,
            }),
            top_values: top.map(|(value, count)| TopValue { value: value.shown(), count }).collect(),
        }
    }
}
