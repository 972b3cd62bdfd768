//! A recording as it is stored and read: columns beside each other, JSON.

use super::{Cell, RecordingPlan, Reservoir};
use crate::baseline::Measure;
use crate::layout::Place;
use crate::packed;
use serde::{Deserialize, Serialize};

/// The format that is written, and the only one that is read.
const FORMAT: u32 = 1;

/// A sample of rows, column by column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    format: u32,
    /// How many rows it was drawn from.
    pub seen: u64,
    /// All rows with a lesser draw are here, of which there are none above it.
    #[serde(with = "one")]
    limit: f64,
    /// What each row drew.
    #[serde(with = "packed")]
    draws: Vec<f64>,
    /// The inputs.
    pub features: Vec<RecordedColumn>,
    /// The answers.
    pub outputs: Vec<RecordedColumn>,
}

/// A column of a sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecordedColumn {
    /// Its name, as in a baseline.
    pub name: String,
    /// What was taken of the tensor.
    #[serde(default)]
    pub measure: Measure,
    /// The values, in the order of the rows.
    pub values: RecordedValues,
}

/// Values of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordedValues {
    /// Numbers; NaN is a missing one.
    Numbers(#[serde(with = "packed")] Vec<f64>),
    /// Texts and classes; the empty text is a missing one.
    Texts(Vec<String>),
}

/// A stored recording that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// Not this format's JSON.
    #[error("the recording cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// Of another time.
    #[error("the recording is in format {0}; this version reads format {FORMAT}")]
    Format(u32),
    /// Columns of different lengths.
    #[error("column '{column}' of the recording has {got} values, not {expected}")]
    Length {
        /// Which.
        column: String,
        /// How many rows there are.
        expected: usize,
        /// How many values it has.
        got: usize,
    },
}

impl Recorded {
    /// What a reservoir holds.
    pub fn of(plan: &RecordingPlan, reservoir: &Reservoir) -> Self {
        let rows: Vec<_> = reservoir.rows.iter().collect();
        let cells = |column: usize| rows.iter().map(move |row| &row.cells[column]);
        let columns = |places: &[Place], first: usize| {
            let of = |(index, place): (usize, &Place)| RecordedColumn {
                name: place.name.clone(),
                measure: place.measure,
                values: values(cells(first + index), place.is_category),
            };
            places.iter().enumerate().map(of).collect()
        };
        Self {
            format: FORMAT,
            seen: reservoir.seen,
            limit: reservoir.limit(),
            draws: rows.iter().map(|row| row.draw).collect(),
            features: columns(&plan.features, 0),
            outputs: columns(&plan.outputs, plan.features.len()),
        }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.draws.len()
    }

    /// As it is stored.
    ///
    /// # Panics
    /// Never: every part can be written as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("columns have text keys")
    }

    /// As it was stored.
    ///
    /// # Errors
    /// When it is not a recording, or one in another format.
    pub fn from_json(json: &[u8]) -> Result<Self, RecordingError> {
        let read: Self = serde_json::from_slice(json)?;
        if read.format != FORMAT {
            return Err(RecordingError::Format(read.format));
        }
        let expected = read.rows();
        let wrong = read.columns().find(|column| column.values.len() != expected);
        match wrong {
            Some(column) => {
                let (column, got) = (column.name.clone(), column.values.len());
                Err(RecordingError::Length { column, expected, got })
            }
            None => Ok(read),
        }
    }

    /// One sample of all that several were drawn from, hours and nodes; of at most `rows_max` rows. Recordings of other
    /// columns than the first's are left out.
    pub fn merge(parts: Vec<Self>, rows_max: usize) -> Option<Self> {
        let mut parts = parts.into_iter();
        let mut all = parts.next()?;
        for part in parts {
            let same = |(a, b): (&RecordedColumn, &RecordedColumn)| a.is_same(b);
            if all.columns().count() != part.columns().count() || !all.columns().zip(part.columns()).all(same) {
                continue;
            }
            all.seen += part.seen;
            all.limit = all.limit.min(part.limit);
            all.draws.extend(&part.draws);
            let more = part.features.into_iter().chain(part.outputs);
            all.columns_mut().zip(more).for_each(|(column, more)| column.values.append(more.values));
        }
        let mut draws: Vec<f64> = all.draws.iter().copied().filter(|draw| *draw < all.limit).collect();
        if draws.len() > rows_max {
            draws.sort_unstable_by(f64::total_cmp);
            all.limit = draws[rows_max];
        }
        let kept: Vec<bool> = all.draws.iter().map(|draw| *draw < all.limit).collect();
        all.columns_mut().for_each(|column| column.values.keep(&kept));
        keep(&mut all.draws, &kept);
        Some(all)
    }

    fn columns(&self) -> impl Iterator<Item = &RecordedColumn> {
        self.features.iter().chain(&self.outputs)
    }

    fn columns_mut(&mut self) -> impl Iterator<Item = &mut RecordedColumn> {
        self.features.iter_mut().chain(&mut self.outputs)
    }
}

impl RecordedColumn {
    fn is_same(&self, other: &Self) -> bool {
        let kind = std::mem::discriminant(&self.values) == std::mem::discriminant(&other.values);
        kind && self.name == other.name && self.measure == other.measure
    }
}

impl RecordedValues {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Texts(texts) => texts.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn append(&mut self, more: Self) {
        match (self, more) {
            (Self::Numbers(numbers), Self::Numbers(more)) => numbers.extend(more),
            (Self::Texts(texts), Self::Texts(more)) => texts.extend(more),
            _ => {}
        }
    }

    fn keep(&mut self, kept: &[bool]) {
        match self {
            Self::Numbers(numbers) => keep(numbers, kept),
            Self::Texts(texts) => keep(texts, kept),
        }
    }
}

fn keep<T>(values: &mut Vec<T>, kept: &[bool]) {
    let mut kept = kept.iter();
    values.retain(|_| kept.next().is_none_or(|kept| *kept));
}

/// A column's values; a class that the model gave as a number becomes a text.
fn values<'a>(cells: impl Iterator<Item = &'a Cell>, is_category: bool) -> RecordedValues {
    if !is_category {
        let number = |cell: &Cell| if let Cell::Number(number) = cell { *number } else { f64::NAN };
        return RecordedValues::Numbers(cells.map(number).collect());
    }
    let text = |cell: &Cell| match cell {
        Cell::Text(text) => text.to_string(),
        Cell::Number(number) if number.is_nan() => String::new(),
        Cell::Number(number) => number.to_string(),
    };
    RecordedValues::Texts(cells.map(text).collect())
}

/// One number without the loss of a bit.
mod one {
    use crate::packed;
    use serde::{Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        packed::serialize(&[*number], serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        let numbers = packed::deserialize(deserializer)?;
        numbers.first().copied().ok_or_else(|| D::Error::custom("a number is missing"))
    }
}
