//! Bodies that are objects, and objects that really are objects.

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use servoir_codec::Fault;
use std::fmt;
use std::marker::PhantomData;

/// A `T` that is read from a JSON object only. Derived readers of structs also take a list of the fields' values in
/// order, with which a body without any key would be understood.
#[derive(Debug)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData))
    }
}

/// Reads a body that is one object.
///
/// # Errors
/// [`Fault::Syntax`], or [`Fault::Form`] with the place of what is wrong.
pub fn read<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, Fault> {
    let error = match serde_json::from_slice(body) {
        Ok(Object(value)) => return Ok(value),
        Err(error) if error.classify() != serde_json::error::Category::Data => {
            return Err(Fault::Syntax(error.to_string()));
        }
        Err(error) => error,
    };
    // The place is tracked in a second reading, so that bodies that are right do not pay for it.
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let tracked: Result<Object<T>, _> = serde_path_to_error::deserialize(&mut deserializer);
    let place = tracked.err().map(|error| error.path().to_string()).filter(|place| place != ".");
    Err(Fault::Form(match place {
        Some(place) => format!("{place}: {error}"),
        None => error.to_string(),
    }))
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = Object<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Object)
    }
}
