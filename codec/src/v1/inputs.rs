//! From the forms of a `/v1` body to the model's inputs.

use crate::fault::{Fault, nearest};
use crate::json::columns::Columns;
use crate::json::filling::Filling;
use crate::json::{excerpt, rank_of};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use servoir_types::{Signature, Tensor, TensorSpec};
use std::fmt;

/// Reads inputs for one model.
pub struct Reader<'s> {
    /// What the model takes.
    pub signature: &'s Signature,
    /// What messages call it.
    pub model: &'s str,
    /// The most rows.
    pub rows_max: usize,
}

impl<'s> Reader<'s> {
    /// `instances`: rows as lists, or by name.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn instances(&self, json: &RawValue) -> Result<Vec<Tensor>, Fault> {
        let Some(rows) = json.get().strip_prefix('[') else {
            return Err(Fault::Form("instances must be a list of rows".to_owned()));
        };
        match rows.trim_start().as_bytes().first() {
            Some(b']') => Err(Fault::NoRows { field: "instances" }),
            Some(b'{') => {
                let mut columns = Columns::of(self.signature, self.model, self.rows_max)?;
                columns.rows(json)?;
                columns.finish()
            }
            _ => {
                let mut filling = self.filling(self.only_input("instances")?, rank_of(json.get()))?;
                filling.whole(json)?;
                Ok(vec![filling.finish()?])
            }
        }
    }

    /// `inputs`: tensors by name, or the only input's tensor.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn tensors(&self, json: &RawValue) -> Result<Vec<Tensor>, Fault> {
        if !json.get().starts_with('{') {
            return Ok(vec![self.tensor(self.only_input("inputs")?, json)?]);
        }
        let Entries(entries) =
            serde_json::from_str(json.get()).map_err(|error| Fault::Form(format!("inputs: {error}")))?;
        let mut slots = vec![None; self.signature.inputs.len()];
        for (name, tensor) in entries {
            let Some(position) = self.signature.inputs.iter().position(|input| input.name == name) else {
                return Err(self.unknown_input(&name));
            };
            if slots[position].replace(tensor).is_some() {
                return Err(Fault::Form(format!("inputs: '{name}' came twice")));
            }
        }
        self.each_filled(&slots)
    }

    fn each_filled(&self, slots: &[Option<&RawValue>]) -> Result<Vec<Tensor>, Fault> {
        let pairs = || self.signature.inputs.iter().zip(slots);
        let names: Vec<_> = pairs().filter(|(_, slot)| slot.is_none()).map(|(input, _)| input.name.clone()).collect();
        if !names.is_empty() {
            return Err(Fault::MissingInputs { names, model: self.model.to_owned() });
        }
        let filled = self.signature.inputs.iter().zip(slots);
        filled.filter_map(|(input, slot)| slot.map(|json| self.tensor(input, json))).collect()
    }

    fn tensor(&self, input: &'s TensorSpec, json: &RawValue) -> Result<Tensor, Fault> {
        let is_empty_list = json.get().strip_prefix('[').is_some_and(|rest| rest.trim_start() == "]");
        if is_empty_list {
            return Err(Fault::NoRows { field: "inputs" });
        }
        let mut filling = self.filling(input, rank_of(json.get()))?;
        filling.whole(json)?;
        filling.finish()
    }

    /// `input_data`: one row as a list, or by name.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn one_row(&self, json: &RawValue) -> Result<Vec<Tensor>, Fault> {
        if json.get().starts_with('{') {
            let mut columns = Columns::of(self.signature, self.model, self.rows_max)?;
            columns.row(json)?;
            return columns.finish();
        }
        let mut filling = self.filling(self.only_input("input_data")?, rank_of(json.get()) + 1)?;
        filling.append_row(json)?;
        Ok(vec![filling.finish_rows()?])
    }

    fn filling(&self, input: &'s TensorSpec, rank: usize) -> Result<Filling<'s>, Fault> {
        let rows_max = if input.shape.is_batchable() { self.rows_max } else { usize::MAX };
        Filling::of_rank(input, self.model, rank, rows_max)
    }

    fn only_input(&self, field: &str) -> Result<&'s TensorSpec, Fault> {
        match self.signature.inputs.as_slice() {
            [one] => Ok(one),
            many => {
                let names = many.iter().map(|input| format!("'{}'", input.name)).collect::<Vec<_>>().join(", ");
                let (model, count) = (self.model, many.len());
                let detail =
                    format!("{field}: {model} takes {count} inputs ({names}); name them: inputs, or rows by name");
                Err(Fault::RowsByName(detail))
            }
        }
    }

    fn unknown_input(&self, name: &str) -> Fault {
        let nearest = nearest(name, self.signature.inputs.iter().map(|input| input.name.as_str()));
        Fault::UnknownInput { name: excerpt(name), nearest, model: self.model.to_owned() }
    }
}

/// An object's entries in the order they came, the same name twice included.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor).map(Entries)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Vec<(String, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tensors by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }
}
