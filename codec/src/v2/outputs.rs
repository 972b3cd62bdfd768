//! The outputs that a request asks for.

use super::parameters::OfOutput;
use crate::fault::Fault;
use crate::json::excerpt;
use crate::json::fields::{self, Fields, mistyped};
use crate::json::path::Path;
use crate::json::scanner::Scanner;
use crate::model::Model;

const FIELDS: &[&str] = &["name", "parameters"];

/// An output that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Its position in the signature.
    pub position: usize,
    /// How many of the best classes are wanted in place of the values.
    pub classes: Option<usize>,
    /// Whether it is wanted in binary form.
    pub binary: bool,
}

/// The outputs that a request asks for, in its order, while it is read.
pub struct Outputs<'m> {
    model: Model<'m>,
    /// Position, classes, and the form when the output has one of its own.
    named: Vec<(usize, Option<usize>, Option<bool>)>,
}

impl<'m> Outputs<'m> {
    /// None has been named.
    pub fn of(model: Model<'m>) -> Self {
        Self { model, named: Vec::new() }
    }

    /// Adds an output; `binary` says its form, `None` that it has the request's.
    ///
    /// # Errors
    /// [`Fault::Form`] when the model has none of this name, or it was added before.
    pub fn add(&mut self, name: &str, classes: Option<usize>, binary: Option<bool>) -> Result<(), Fault> {
        let outputs = &self.model.signature.outputs;
        let Some(position) = outputs.iter().position(|spec| spec.name == name) else {
            let names = outputs.iter().map(|spec| format!("'{}'", spec.name)).collect::<Vec<_>>().join(", ");
            let (model, name) = (self.model, excerpt(name));
            return Err(Fault::Form(format!("outputs: {model} has no output '{name}'; it has {names}")));
        };
        if self.named.iter().any(|(known, ..)| *known == position) {
            return Err(Fault::Form(format!("outputs: '{name}' came twice")));
        }
        self.named.push((position, classes, binary));
        Ok(())
    }

    /// Those that were added, or all of the model's when none was; in binary form where `binary` and nothing else was
    /// said.
    pub fn finish(self, binary: bool) -> Vec<Wanted> {
        if self.named.is_empty() {
            let all = 0..self.model.signature.outputs.len();
            return all.map(|position| Wanted { position, classes: None, binary }).collect();
        }
        let wanted = self.named.into_iter().map(|(position, classes, own)| Wanted {
            position,
            classes,
            binary: own.unwrap_or(binary),
        });
        wanted.collect()
    }

    /// Reads the list `outputs` of a request.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub(super) fn read(&mut self, scanner: &mut Scanner<'_>, path: &Path<'_>) -> Result<(), Fault> {
        if scanner.eat_null() {
            return Ok(());
        }
        if !scanner.eat(b'[') {
            return Err(mistyped(scanner, path, "a list"));
        }
        let mut count = 0;
        while scanner.next_item(count == 0)? {
            self.read_one(scanner, &path.item(count))?;
            count += 1;
        }
        Ok(())
    }

    fn read_one(&mut self, scanner: &mut Scanner<'_>, path: &Path<'_>) -> Result<(), Fault> {
        let mut fields = Fields::open(scanner, path, FIELDS)?;
        let (mut name, mut parameters) = (None, OfOutput::default());
        while let Some(key) = fields.next(scanner)? {
            let path = path.field(key);
            match key {
                "name" => name = fields::text(scanner, &path)?,
                _ => parameters = OfOutput::read(scanner, &path)?,
            }
        }
        let Some(name) = name else { return Err(Fault::Form(format!("{path}: missing field `name`"))) };
        self.add(&name, parameters.classes()?, parameters.binary_data)
    }
}
