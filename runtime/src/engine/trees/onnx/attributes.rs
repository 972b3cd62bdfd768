//! A node's attributes by type, and its constants, with reasons when they are not as the operator has them.

use crate::onnx::proto::{Attribute, Node};

/// How a reason names a node.
pub fn called(node: &Node) -> String {
    let domain = if node.domain.is_empty() { "ai.onnx" } else { &node.domain };
    format!("node '{}' ({}, {domain})", node.name, node.op_type)
}

/// The attributes of one node.
#[derive(Clone, Copy)]
pub struct Attributes<'a>(pub &'a Node);

impl<'a> Attributes<'a> {
    fn get(self, name: &str) -> Option<&'a Attribute> {
        self.0.attribute(name)
    }

    /// Integers; none when it is absent.
    pub fn ints(self, name: &str) -> &'a [i64] {
        self.get(name).map_or(&[], |attribute| &attribute.ints)
    }

    /// 32-bit floats; none when it is absent.
    pub fn floats(self, name: &str) -> &'a [f32] {
        self.get(name).map_or(&[], |attribute| &attribute.floats)
    }

    /// Texts; none when it is absent.
    pub fn strings(self, name: &str) -> &'a [Vec<u8>] {
        self.get(name).map_or(&[], |attribute| &attribute.strings)
    }

    /// One integer, or what it is when absent.
    pub fn int(self, name: &str, absent: i64) -> i64 {
        self.get(name).map_or(absent, |attribute| attribute.int)
    }

    /// One float, or what it is when absent.
    pub fn float(self, name: &str, absent: f32) -> f32 {
        self.get(name).map_or(absent, |attribute| attribute.float)
    }

    /// One text, or what it is when absent.
    pub fn text(self, name: &str, absent: &'a str) -> &'a str {
        self.get(name).map_or(absent, |attribute| std::str::from_utf8(&attribute.string).unwrap_or("(not a text)"))
    }

    /// A tensor.
    pub fn tensor(self, name: &str) -> Option<&'a crate::onnx::proto::Tensor> {
        self.get(name).and_then(|attribute| attribute.tensor.as_deref())
    }

    /// Whether it is there.
    pub fn has(self, name: &str) -> bool {
        self.get(name).is_some()
    }
}
