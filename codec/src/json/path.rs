//! Where in a body a value stands, written out only when a message says it.

use std::fmt;

/// A place in a body, such as `inputs[1].shape`.
#[derive(Debug, Clone, Copy)]
pub enum Path<'p> {
    /// The body itself.
    Root,
    /// The value of a key.
    Field(&'p Path<'p>, &'p str),
    /// An item of a list, from 0.
    Item(&'p Path<'p>, usize),
}

impl<'p> Path<'p> {
    /// The value of a key of the object that is here.
    pub fn field(&'p self, key: &'p str) -> Path<'p> {
        Path::Field(self, key)
    }

    /// An item, from 0, of the list that is here.
    pub fn item(&'p self, position: usize) -> Path<'p> {
        Path::Item(self, position)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("the body"),
            Self::Field(Self::Root, key) => f.write_str(key),
            Self::Field(parent, key) => write!(f, "{parent}.{key}"),
            Self::Item(parent, position) => write!(f, "{parent}[{position}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_written_as_programmers_write_them() {
        let inputs = Path::Root.field("inputs");
        let input = inputs.item(1);
        assert_eq!(input.field("shape").item(0).to_string(), "inputs[1].shape[0]");
        assert_eq!(Path::Root.to_string(), "the body");
    }
}
