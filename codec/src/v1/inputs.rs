//! From the forms of a `/v1` body to the model's inputs.

use crate::fault::Fault;
use crate::inputs::Inputs;
use crate::json::columns::Columns;
use crate::json::filling::Filling;
use crate::json::rank_of;
use crate::json::scanner::Scanner;
use crate::model::Model;
use servoir_types::{Tensor, TensorSpec};

/// Reads `instances`: rows as lists, or by name.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn instances(scanner: &mut Scanner<'_>, model: Model<'_>) -> Result<Vec<Tensor>, Fault> {
    if scanner.peek() != Some(b'[') {
        scanner.skip_value()?;
        return Err(Fault::Form("instances must be a list of rows".to_owned()));
    }
    match first_item(*scanner) {
        Some(b']') => Err(Fault::NoRows { field: "instances" }),
        Some(b'{') => {
            let mut columns = Columns::of(model)?;
            columns.rows(scanner)?;
            columns.finish()
        }
        _ => Ok(vec![whole(scanner, only_input("instances", model)?, model)?]),
    }
}

/// Reads `inputs`: tensors by name, or the only input's tensor.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn tensors(scanner: &mut Scanner<'_>, model: Model<'_>) -> Result<Vec<Tensor>, Fault> {
    if scanner.peek() != Some(b'{') {
        return Ok(vec![tensor(scanner, only_input("inputs", model)?, model)?]);
    }
    scanner.advance(1);
    let mut inputs = Inputs::of(model);
    let mut is_first = true;
    while scanner.next_entry(is_first)? {
        is_first = false;
        let name = scanner.string()?;
        scanner.colon()?;
        let (position, spec) = inputs.claim(&name)?;
        inputs.put(position, tensor(scanner, spec, model)?);
    }
    inputs.finish()
}

/// Reads `input_data`: one row as a list, or by name.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn one_row(scanner: &mut Scanner<'_>, model: Model<'_>) -> Result<Vec<Tensor>, Fault> {
    if scanner.peek() == Some(b'{') {
        let mut columns = Columns::of(model)?;
        columns.row(scanner)?;
        return columns.finish();
    }
    let mut filling = filling(only_input("input_data", model)?, model, rank_of(scanner.rest()) + 1)?;
    filling.reserve(scanner.remaining());
    filling.append_row(scanner)?;
    Ok(vec![filling.finish_rows()?])
}

fn tensor(scanner: &mut Scanner<'_>, input: &TensorSpec, model: Model<'_>) -> Result<Tensor, Fault> {
    if scanner.peek() == Some(b'[') && first_item(*scanner) == Some(b']') {
        return Err(Fault::NoRows { field: "inputs" });
    }
    whole(scanner, input, model)
}

/// What a list, which is next, begins with.
fn first_item(mut scanner: Scanner<'_>) -> Option<u8> {
    scanner.advance(1);
    scanner.peek()
}

fn whole(scanner: &mut Scanner<'_>, input: &TensorSpec, model: Model<'_>) -> Result<Tensor, Fault> {
    let mut filling = filling(input, model, rank_of(scanner.rest()))?;
    filling.whole(scanner)?;
    filling.finish()
}

fn filling<'s>(input: &'s TensorSpec, model: Model<'s>, rank: usize) -> Result<Filling<'s>, Fault> {
    let rows_max = if input.shape.is_batchable() { model.rows_max } else { usize::MAX };
    Filling::of_rank(input, model, rank, rows_max)
}

fn only_input<'m>(field: &str, model: Model<'m>) -> Result<&'m TensorSpec, Fault> {
    match model.signature.inputs.as_slice() {
        [one] => Ok(one),
        many => {
            let names = many.iter().map(|input| format!("'{}'", input.name)).collect::<Vec<_>>().join(", ");
            let count = many.len();
            let detail = format!("{field}: {model} takes {count} inputs ({names}); name them: inputs, or rows by name");
            Err(Fault::RowsByName(detail))
        }
    }
}
