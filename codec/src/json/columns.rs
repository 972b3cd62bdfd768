//! Rows whose values are named: `[{"age": 39, "plan": "basic"}, …]`.

use super::filling::Filling;
use crate::fault::{Fault, nearest};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use servoir_types::{Signature, Tensor, TensorSpec};
use std::collections::HashMap;
use std::fmt;

/// A model's inputs while they are filled from rows by name.
pub struct Columns<'s> {
    names: Vec<&'s str>,
    index: HashMap<&'s str, usize>,
    fillings: Vec<Filling<'s>>,
    layout: Layout,
    model: &'s str,
    row: usize,
    fault: Option<Fault>,
}

/// What a name in a row stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// A column of the one `[rows, features]` input.
    Features,
    /// An input of its own.
    Inputs,
}

impl<'s> Columns<'s> {
    /// The columns of a model, which messages call `model`.
    ///
    /// # Errors
    /// [`Fault::RowsByName`] when the model does not say which name stands for what.
    pub fn of(signature: &'s Signature, model: &'s str, rows_max: usize) -> Result<Self, Fault> {
        let (layout, names): (_, Vec<&str>) = match signature.inputs.as_slice() {
            [TensorSpec { feature_names: Some(names), .. }] => {
                (Layout::Features, names.iter().map(String::as_str).collect())
            }
            [one] if !is_column(one) => return Err(without_names(one, model)),
            inputs => (Layout::Inputs, inputs.iter().map(|input| input.name.as_str()).collect()),
        };
        let rank = |input: &TensorSpec| match (layout, input.shape.dims()) {
            (Layout::Features, _) => 2,
            // An input of unknown rank is taken for a column.
            (Layout::Inputs, dims) => dims.map_or(2, <[i64]>::len),
        };
        let mut fillings = Vec::with_capacity(signature.inputs.len());
        for input in &signature.inputs {
            if rank(input) == 0 {
                return Err(Fault::RowsByName(format!("input '{}' of {model} has no rows; use inputs", input.name)));
            }
            fillings.push(Filling::of_rank(input, model, rank(input), rows_max)?);
        }
        let index = names.iter().enumerate().map(|(position, &name)| (name, position)).collect();
        Ok(Self { names, index, fillings, layout, model, row: 0, fault: None })
    }

    /// Reads a list of rows.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn rows(&mut self, json: &RawValue) -> Result<(), Fault> {
        let mut deserializer = serde_json::Deserializer::from_str(json.get());
        let outcome = deserializer.deserialize_seq(Rows { columns: self });
        outcome.map_err(|error| self.take_fault(&error))
    }

    /// Reads one row.
    ///
    /// # Errors
    /// As [`Self::rows`].
    pub fn row(&mut self, json: &RawValue) -> Result<(), Fault> {
        let mut deserializer = serde_json::Deserializer::from_str(json.get());
        let mut slots = vec![None; self.names.len()];
        let outcome = Row { columns: self, slots: &mut slots }.deserialize(&mut deserializer);
        outcome.map_err(|error| self.take_fault(&error))
    }

    /// The inputs, in the signature's order.
    ///
    /// # Errors
    /// [`Fault::RowCount`] when the model declares another number of rows.
    pub fn finish(self) -> Result<Vec<Tensor>, Fault> {
        self.fillings.into_iter().map(Filling::finish_rows).collect()
    }

    fn take_fault(&mut self, error: &serde_json::Error) -> Fault {
        let detail = error.to_string();
        let detail = detail.split(" at line ").next().unwrap_or_default();
        self.fault.take().unwrap_or_else(|| Fault::Form(format!("row {}: {detail}", self.row)))
    }

    fn unknown(&self, name: &str) -> Fault {
        let nearest = nearest(name, self.names.iter().copied());
        Fault::UnknownFeature { row: self.row, name: super::excerpt(name), nearest, model: self.model.to_owned() }
    }

    /// Moves a row's values into the tensors.
    fn take_row(&mut self, slots: &mut [Option<&RawValue>]) -> Result<(), Fault> {
        let missing = |(position, slot): (usize, &Option<&RawValue>)| {
            let filling = if self.layout == Layout::Features { 0 } else { position };
            (slot.is_none() && !self.fillings[filling].accepts_missing()).then(|| self.names[position].to_owned())
        };
        let names: Vec<_> = slots.iter().enumerate().filter_map(missing).collect();
        if !names.is_empty() {
            return Err(Fault::MissingFeatures { row: self.row, names, model: self.model.to_owned() });
        }
        for (position, slot) in slots.iter_mut().enumerate() {
            let name = self.names[position];
            match (self.layout, slot.take()) {
                (Layout::Features, Some(json)) => self.fillings[0].feature(name, json)?,
                (Layout::Features, None) => self.fillings[0].missing_feature(name)?,
                (Layout::Inputs, Some(json)) => self.fillings[position].append_row(json)?,
                (Layout::Inputs, None) => self.fillings[position].append_row(RawValue::NULL)?,
            }
        }
        if self.layout == Layout::Features {
            self.fillings[0].end_row(self.names.len())?;
        }
        self.row += 1;
        Ok(())
    }

    fn stop<E: serde::de::Error>(&mut self, fault: Fault) -> E {
        self.fault = Some(fault);
        E::custom("")
    }
}

/// Whether a row of this input is one value.
fn is_column(input: &TensorSpec) -> bool {
    matches!(input.shape.dims(), None | Some([_] | [_, 1]))
}

fn without_names(input: &TensorSpec, model: &str) -> Fault {
    Fault::RowsByName(format!(
        "{model} does not name the columns of its input '{}' {}: send rows as lists of values, or export the model with \
         the metadata 'feature_names', a JSON list of names",
        input.name, input.shape
    ))
}

struct Rows<'c, 's> {
    columns: &'c mut Columns<'s>,
}

impl<'de> Visitor<'de> for Rows<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        let mut slots = vec![None; self.columns.names.len()];
        while rows.next_element_seed(Row { columns: self.columns, slots: &mut slots })?.is_some() {}
        Ok(())
    }
}

/// One row; `slots` has a place for each column, all empty.
struct Row<'r, 's, 'de> {
    columns: &'r mut Columns<'s>,
    slots: &'r mut [Option<&'de RawValue>],
}

impl<'de> DeserializeSeed<'de> for Row<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Row<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of named values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        let Self { columns, slots } = self;
        let mut guess = 0;
        while let Some(position) = values.next_key_seed(Key { columns, guess })? {
            let json = values.next_value::<&RawValue>()?;
            if slots[position].replace(json).is_some() {
                let detail = format!("row {}: '{}' came twice", columns.row, columns.names[position]);
                return Err(columns.stop(Fault::Form(detail)));
            }
            guess = position + 1;
        }
        columns.take_row(slots).map_err(|fault| columns.stop(fault))
    }
}

/// A column's name, read as its position.
struct Key<'r, 's> {
    columns: &'r mut Columns<'s>,
    /// Where it is when the names come in the model's order, as they mostly do.
    guess: usize,
}

impl<'de> DeserializeSeed<'de> for Key<'_, '_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_, '_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<usize, E> {
        if self.columns.names.get(self.guess) == Some(&name) {
            return Ok(self.guess);
        }
        match self.columns.index.get(name) {
            Some(&position) => Ok(position),
            None => {
                let fault = self.columns.unknown(name);
                Err(self.columns.stop(fault))
            }
        }
    }
}
