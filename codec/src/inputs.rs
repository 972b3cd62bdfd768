//! A model's inputs while they are gathered from a request.

use crate::fault::Fault;
use crate::model::Model;
use servoir_types::{Tensor, TensorSpec};

/// A place for each input of a model, in the signature's order.
pub struct Inputs<'m> {
    model: Model<'m>,
    slots: Vec<Slot>,
}

#[derive(Clone)]
enum Slot {
    Missing,
    /// Named in the request; its elements are still to be read.
    Claimed,
    Filled(Tensor),
}

impl<'m> Inputs<'m> {
    /// No input has come.
    pub fn of(model: Model<'m>) -> Self {
        Self { model, slots: vec![Slot::Missing; model.signature.inputs.len()] }
    }

    /// Where the input of this name belongs, and what it must be. It can be claimed once.
    ///
    /// # Errors
    /// [`Fault::UnknownInput`]; [`Fault::Form`] when it was claimed before.
    pub fn claim(&mut self, name: &str) -> Result<(usize, &'m TensorSpec), Fault> {
        let mut inputs = self.model.signature.inputs.iter().enumerate();
        let Some((position, spec)) = inputs.find(|(_, spec)| spec.name == name) else {
            return Err(Fault::unknown_input(name, self.model));
        };
        if !matches!(self.slots[position], Slot::Missing) {
            return Err(Fault::Form(format!("inputs: '{name}' came twice")));
        }
        self.slots[position] = Slot::Claimed;
        Ok((position, spec))
    }

    /// Puts the input that belongs to `position`.
    pub fn put(&mut self, position: usize, tensor: Tensor) {
        self.slots[position] = Slot::Filled(tensor);
    }

    /// All inputs, in the signature's order.
    ///
    /// # Errors
    /// [`Fault::MissingInputs`], naming those that did not come.
    pub fn finish(self) -> Result<Vec<Tensor>, Fault> {
        if self.slots.iter().any(|slot| !matches!(slot, Slot::Filled(_))) {
            let inputs = self.model.signature.inputs.iter().zip(&self.slots);
            let missing = inputs.filter(|(_, slot)| !matches!(slot, Slot::Filled(_)));
            let names = missing.map(|(spec, _)| spec.name.clone()).collect();
            return Err(Fault::MissingInputs { names, model: self.model.to_string() });
        }
        let tensors = self.slots.into_iter().filter_map(|slot| match slot {
            Slot::Filled(tensor) => Some(tensor),
            Slot::Missing | Slot::Claimed => None,
        });
        Ok(tensors.collect())
    }
}
