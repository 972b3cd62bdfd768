//! A tensor that is being filled from JSON lists.

use super::element::{self, ElementError};
use super::{RANK_MAX, rank_of};
use crate::fault::{Fault, Place};
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;
use servoir_types::{Data, Tensor, TensorSpec};
use std::fmt;

/// Bytes of JSON per element for which room is made at first; the buffer grows from there.
const JSON_BYTES_PER_ELEMENT: usize = 8;

/// How long the lists of one level must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Length {
    /// Of any length: the first one decides.
    Free,
    /// As the model declares; no list has been seen.
    Declared(usize),
    /// As the request's own shape says.
    Shape(usize),
    /// As the lists of the level before were.
    Seen(usize),
}

/// A tensor of one input while its elements are read.
pub struct Filling<'s> {
    spec: &'s TensorSpec,
    model: &'s str,
    data: Data,
    rank: usize,
    lengths: [Length; RANK_MAX],
    row: usize,
    row_began: usize,
    rows_max: usize,
    flat: bool,
    fault: Option<Fault>,
}

impl<'s> Filling<'s> {
    /// An empty tensor for `spec` of the model that messages call `model`, from rows of rank `rank` - 1.
    ///
    /// # Errors
    /// [`Fault::Rank`] when the model declares another rank, [`Fault::TooDeep`] over [`RANK_MAX`].
    pub fn of_rank(spec: &'s TensorSpec, model: &'s str, rank: usize, rows_max: usize) -> Result<Self, Fault> {
        if rank > RANK_MAX {
            return Err(Fault::TooDeep(format!("input '{}'", spec.name)));
        }
        let mut lengths = [Length::Free; RANK_MAX];
        if let Some(dims) = spec.shape.dims() {
            if dims.len() != rank {
                let got = match rank {
                    0 => "a single value".to_owned(),
                    1 => "a flat list".to_owned(),
                    _ => format!("lists nested {rank} deep"),
                };
                return Err(Self::wrong_rank(spec, model, got));
            }
            for (length, &dim) in lengths.iter_mut().zip(dims) {
                *length = usize::try_from(dim).map_or(Length::Free, Length::Declared);
            }
        }
        Ok(Self::new(spec, model, rank, lengths, rows_max))
    }

    /// An empty tensor for `spec` whose dimensions the request itself gives.
    ///
    /// # Errors
    /// [`Fault::TooDeep`] over [`RANK_MAX`].
    pub fn of_shape(spec: &'s TensorSpec, model: &'s str, shape: &[usize]) -> Result<Self, Fault> {
        if shape.len() > RANK_MAX {
            return Err(Fault::TooDeep(format!("input '{}'", spec.name)));
        }
        let mut lengths = [Length::Free; RANK_MAX];
        for (length, &dim) in lengths.iter_mut().zip(shape) {
            *length = Length::Shape(dim);
        }
        Ok(Self::new(spec, model, shape.len(), lengths, usize::MAX))
    }

    fn new(spec: &'s TensorSpec, model: &'s str, rank: usize, lengths: [Length; RANK_MAX], rows_max: usize) -> Self {
        let data = Data::with_capacity(spec.datatype, 0);
        Self { spec, model, data, rank, lengths, row: 0, row_began: 0, rows_max, flat: false, fault: None }
    }

    /// [`Fault::Rank`] for something that came for `spec`.
    pub fn wrong_rank(spec: &TensorSpec, model: &str, got: impl Into<String>) -> Fault {
        Fault::Rank {
            input: spec.name.clone(),
            model: model.to_owned(),
            shape: spec.shape.to_string(),
            got: got.into(),
        }
    }

    /// Fills the whole tensor from nested lists.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn whole(&mut self, json: &RawValue) -> Result<(), Fault> {
        self.reserve(json);
        self.read(json, 0)
    }

    /// Appends one row.
    ///
    /// # Errors
    /// As [`Self::whole`], and [`Fault::TooManyRows`].
    pub fn append_row(&mut self, json: &RawValue) -> Result<(), Fault> {
        self.start_row(self.row)?;
        let column = self.rank == 2 && matches!(self.lengths[1], Length::Declared(1)) && rank_of(json.get()) == 0;
        // A column's row may be given as the one value that it holds.
        let level = if column { self.rank } else { 1 };
        self.read(json, level)?;
        self.row += 1;
        Ok(())
    }

    /// Whether NaN stands for a missing value.
    pub fn accepts_missing(&self) -> bool {
        self.spec.accepts_missing && self.spec.datatype.is_float()
    }

    /// Appends one element to the row that is being filled feature by feature.
    ///
    /// # Errors
    /// [`Fault::Element`] with the feature's name.
    pub fn feature(&mut self, name: &str, json: &RawValue) -> Result<(), Fault> {
        element::push(&mut self.data, json.get(), self.spec.accepts_missing)
            .map_err(|error| self.of_feature(name, error))
    }

    /// Appends NaN for a feature that is not there.
    ///
    /// # Errors
    /// [`Fault::Element`] where the model has no missing value.
    pub fn missing_feature(&mut self, name: &str) -> Result<(), Fault> {
        element::push_missing(&mut self.data, self.spec.accepts_missing).map_err(|error| self.of_feature(name, error))
    }

    fn of_feature(&self, name: &str, error: ElementError) -> Fault {
        Fault::Element { place: Place { tensor: format!("feature '{name}'"), row: Some(self.row), value: None }, error }
    }

    /// Ends a row that was filled with `width` features.
    ///
    /// # Errors
    /// [`Fault::TooManyRows`], and [`Fault::Length`] when the model declares another width.
    pub fn end_row(&mut self, width: usize) -> Result<(), Fault> {
        self.close(1, width)?;
        self.start_row(self.row)?;
        self.row += 1;
        Ok(())
    }

    /// Fills the tensor from one flat list in row-major order.
    ///
    /// # Errors
    /// As [`Self::whole`]; the number of elements is checked by [`Tensor::new`] alone.
    pub fn flat(&mut self, json: &RawValue) -> Result<(), Fault> {
        self.reserve(json);
        self.flat = true;
        let (rank, lengths) = (self.rank, self.lengths);
        (self.rank, self.lengths) = (1, [Length::Free; RANK_MAX]);
        let result = self.read(json, 0);
        (self.rank, self.lengths) = (rank, lengths);
        result
    }

    /// The tensor of the rows that were appended.
    ///
    /// # Errors
    /// [`Fault::RowCount`] when the model declares another number of rows.
    pub fn finish_rows(mut self) -> Result<Tensor, Fault> {
        self.close(0, self.row)?;
        self.finish()
    }

    /// The tensor.
    ///
    /// # Errors
    /// [`Fault::Structure`] when elements and shape do not fit.
    pub fn finish(self) -> Result<Tensor, Fault> {
        let shape = self.lengths[..self.rank].iter().map(|length| match *length {
            Length::Free => 0,
            Length::Declared(n) | Length::Shape(n) | Length::Seen(n) => n,
        });
        let (place, data) = (self.place(None, None), self.data);
        Tensor::new(shape.collect(), data).map_err(|error| Fault::Structure { place, detail: error.to_string() })
    }

    fn reserve(&mut self, json: &RawValue) {
        let elements = json.get().len() / JSON_BYTES_PER_ELEMENT + 1;
        self.data = Data::with_capacity(self.spec.datatype, elements);
    }

    fn read(&mut self, json: &RawValue, level: usize) -> Result<(), Fault> {
        let mut deserializer = serde_json::Deserializer::from_str(json.get());
        let Err(error) = (Level { filling: self, level }).deserialize(&mut deserializer) else { return Ok(()) };
        // The JSON is valid, it was walked over once before: the place says more than line and column of this part.
        let detail = error.to_string();
        let detail = detail.split(" at line ").next().unwrap_or_default().to_owned();
        Err(self.fault.take().unwrap_or_else(|| Fault::Structure { place: self.place_in_row(None), detail }))
    }

    fn leaf(&mut self, json: &str) -> Result<(), Fault> {
        let error = match element::push(&mut self.data, json, self.spec.accepts_missing) {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let deep = rank_of(json);
        if self.rank + deep > RANK_MAX {
            return Err(Fault::TooDeep(self.place_in_row(None).to_string()));
        }
        let value = self.data.len() - self.row_began;
        Err(Fault::Element { place: self.place_in_row(Some(value)), error })
    }

    fn start_row(&mut self, row: usize) -> Result<(), Fault> {
        if row >= self.rows_max {
            return Err(Fault::TooManyRows { max: self.rows_max });
        }
        self.row = row;
        self.row_began = self.data.len();
        Ok(())
    }

    /// Notes that a list of `level` ended after `got` items.
    fn close(&mut self, level: usize, got: usize) -> Result<(), Fault> {
        match self.lengths[level] {
            Length::Declared(expected) if expected != got => return Err(self.not_as_declared(level, got, expected)),
            Length::Shape(expected) if expected != got => {
                return Err(Fault::ShapeDisagrees { place: self.place_at(level), got, expected });
            }
            Length::Seen(expected) if expected != got => {
                return Err(Fault::Ragged { place: self.place_at(level), got, expected });
            }
            Length::Shape(_) => {}
            Length::Free | Length::Declared(_) | Length::Seen(_) => self.lengths[level] = Length::Seen(got),
        }
        Ok(())
    }

    fn not_as_declared(&self, level: usize, got: usize, expected: usize) -> Fault {
        let model = self.model.to_owned();
        match level {
            0 => Fault::RowCount { input: self.spec.name.clone(), model, got, expected },
            _ => Fault::Length { place: self.place_at(level), got, expected, model },
        }
    }

    fn place_at(&self, level: usize) -> Place {
        if level == 0 { self.place(None, None) } else { self.place_in_row(None) }
    }

    fn place_in_row(&self, value: Option<usize>) -> Place {
        let row = (!self.flat && self.rank > 0).then_some(self.row);
        // With one value in each row, the row says where.
        self.place(row, value.filter(|_| self.flat || self.rank > 1))
    }

    fn place(&self, row: Option<usize>, value: Option<usize>) -> Place {
        Place { tensor: format!("input '{}'", self.spec.name), row, value }
    }
}

/// Reads what stands at one level of nesting.
struct Level<'f, 's> {
    filling: &'f mut Filling<'s>,
    level: usize,
}

impl<'de> DeserializeSeed<'de> for Level<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.level < self.filling.rank {
            return deserializer.deserialize_seq(self);
        }
        let json = <&RawValue>::deserialize(deserializer)?;
        let outcome = self.filling.leaf(json.get());
        stop(self.filling, outcome)
    }
}

impl<'de> Visitor<'de> for Level<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self { filling, level } = self;
        let mut count = 0;
        loop {
            if level == 0 && !filling.flat {
                filling.row = count;
                filling.row_began = filling.data.len();
            }
            if items.next_element_seed(Level { filling, level: level + 1 })?.is_none() {
                break;
            }
            count += 1;
            if level == 0 && count > filling.rows_max {
                let max = filling.rows_max;
                return stop(filling, Err(Fault::TooManyRows { max }));
            }
        }
        let outcome = filling.close(level, count);
        stop(filling, outcome)
    }
}

/// Leaves a fault where the caller of the deserializer finds it, and ends the deserializer.
fn stop<E: serde::de::Error>(filling: &mut Filling<'_>, outcome: Result<(), Fault>) -> Result<(), E> {
    outcome.map_err(|fault| {
        filling.fault = Some(fault);
        E::custom("")
    })
}
