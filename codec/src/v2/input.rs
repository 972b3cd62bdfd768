//! One input of a request.

use super::binary::Parts;
use super::expected;
use super::parameters::OfInput;
use crate::fault::Fault;
use crate::inputs::Inputs;
use crate::json::fields::{self, Fields, mistyped};
use crate::json::filling::Filling;
use crate::json::path::Path;
use crate::json::rank_of;
use crate::json::scanner::Scanner;
use crate::model::Model;
use servoir_types::{Datatype, Tensor, TensorSpec};
use std::borrow::Cow;

const FIELDS: &[&str] = &["name", "shape", "datatype", "parameters", "data"];

/// Reads the object of one input. Its tensor is put into `inputs`, or noted in `parts` when it comes behind the JSON.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn read<'m>(
    scanner: &mut Scanner<'_>,
    path: &Path<'_>,
    model: Model<'m>,
    inputs: &mut Inputs<'m>,
    parts: &mut Parts<'m>,
) -> Result<(), Fault> {
    let mut fields = Fields::open(scanner, path, FIELDS)?;
    let mut head = Head::default();
    let mut parameters = OfInput::default();
    let (mut target, mut tensor, mut unread) = (None, None, None);
    while let Some(key) = fields.next(scanner)? {
        let path = path.field(key);
        match key {
            "name" => head.name = fields::text(scanner, &path)?,
            "shape" => head.shape = dimensions(scanner, &path)?,
            "datatype" => head.datatype = fields::text(scanner, &path)?,
            "parameters" => parameters = OfInput::read(scanner, &path)?,
            _ if scanner.eat_null() => {}
            _ if head.is_complete() => {
                let target = target.insert(head.target(&Path::Root, model, inputs)?);
                tensor = Some(target.decode(scanner, model)?);
            }
            _ => {
                // What it is comes behind it: it is read when that is known.
                unread = Some(*scanner);
                scanner.skip_value()?;
            }
        }
    }
    let target = match target {
        Some(target) => target,
        None => head.target(path, model, inputs)?,
    };
    if let Some(mut unread) = unread {
        tensor = Some(target.decode(&mut unread, model)?);
    }
    let name = &target.spec.name;
    match (tensor, parameters.binary_data_size) {
        (Some(tensor), None) => inputs.put(target.position, tensor),
        (None, Some(bytes)) => parts.expect(target, bytes),
        (Some(_), Some(_)) => {
            let detail = format!("input '{name}' has data and binary_data_size; send one of them");
            return Err(Fault::Form(detail));
        }
        (None, None) => return Err(Fault::Form(format!("input '{name}' has no data"))),
    }
    Ok(())
}

/// An input of the model for which elements come.
pub struct Target<'m> {
    /// Its position in the signature.
    pub position: usize,
    /// What it must be.
    pub spec: &'m TensorSpec,
    /// The request's own shape, which fits.
    pub shape: Vec<usize>,
}

impl Target<'_> {
    fn decode(&self, scanner: &mut Scanner<'_>, model: Model<'_>) -> Result<Tensor, Fault> {
        let Self { spec, shape, .. } = self;
        let wrong = |detail: &str| Err(Fault::Form(format!("input '{}': {detail}", spec.name)));
        if spec.datatype == Datatype::Bf16 {
            return wrong("BF16 has no JSON form in this protocol; send it as a binary tensor");
        }
        scanner.skip_space();
        let mut filling = Filling::of_shape(spec, model, shape);
        match rank_of(scanner.rest()) {
            0 => {
                scanner.skip_value()?;
                return wrong("data must be a list");
            }
            1 => filling.flat(scanner)?,
            rank if rank == shape.len() => filling.whole(scanner)?,
            rank => {
                return wrong(&format!(
                    "data is nested {rank} deep and shape {shape:?} has {} dimensions; nest it as the shape says, or not \
                     at all",
                    shape.len()
                ));
            }
        }
        filling.finish()
    }
}

/// What a request says of an input beside its elements.
#[derive(Default)]
struct Head<'a> {
    name: Option<Cow<'a, str>>,
    shape: Option<Vec<i64>>,
    datatype: Option<Cow<'a, str>>,
}

impl Head<'_> {
    fn is_complete(&self) -> bool {
        self.name.is_some() && self.shape.is_some() && self.datatype.is_some()
    }

    /// The model's input that it is, of the right datatype and a shape that fits.
    fn target<'m>(&self, path: &Path<'_>, model: Model<'m>, inputs: &mut Inputs<'m>) -> Result<Target<'m>, Fault> {
        let missing = |field: &str| Fault::Form(format!("{path}: missing field `{field}`"));
        let name = self.name.as_deref().ok_or_else(|| missing("name"))?;
        let shape = self.shape.as_deref().ok_or_else(|| missing("shape"))?;
        let datatype = self.datatype.as_deref().ok_or_else(|| missing("datatype"))?;
        let (position, spec) = inputs.claim(name)?;
        expected::datatype(spec, datatype, model)?;
        Ok(Target { position, spec, shape: expected::shape(spec, shape, model)? })
    }
}

/// Reads a list of dimensions; `None` for `null`.
fn dimensions(scanner: &mut Scanner<'_>, path: &Path<'_>) -> Result<Option<Vec<i64>>, Fault> {
    if scanner.eat_null() {
        return Ok(None);
    }
    if !scanner.eat(b'[') {
        return Err(mistyped(scanner, path, "a list of whole numbers"));
    }
    let mut dims = Vec::with_capacity(4);
    while scanner.next_item(dims.is_empty())? {
        let Some(dim) = fields::integer(scanner) else {
            return Err(mistyped(scanner, &path.item(dims.len()), "a whole number"));
        };
        dims.push(dim);
    }
    Ok(Some(dims))
}
