//! What no honest model exceeds: file size, number of nodes, and tensors that fit in the file that declares them.

use super::graph::{self, Tensors};
use super::{broken, footprint, proto};
use crate::error::Unsupported;
use std::path::Path;

/// The largest model file, in bytes: protobuf itself stops at 2 GiB. Larger weights go into external data.
pub const MODEL_FILE_BYTES_MAX: u64 = 1 << 31;

/// The most nodes of all graphs together.
pub const NODES_MAX: usize = 1_000_000;

/// The most memory that a file's messages may take once decoded, in bytes; the largest models have a tenth of that.
pub const DECODED_BYTES_MAX: usize = 1 << 30;

/// Reads a file of at most [`MODEL_FILE_BYTES_MAX`].
pub fn read_bounded(path: &Path) -> Result<Vec<u8>, Unsupported> {
    let unreadable = |error: std::io::Error| {
        Unsupported::new(format!("the file cannot be read: {error}"), "check that it exists and may be read")
    };
    let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
    if bytes > MODEL_FILE_BYTES_MAX {
        let found =
            format!("the model file has {bytes} bytes, more than the {MODEL_FILE_BYTES_MAX} an ONNX file can have");
        return Err(Unsupported::new(found, "save the weights as external data"));
    }
    std::fs::read(path).map_err(unreadable)
}

/// Checks, before the file is decoded, that this takes no more than `bytes_max`.
pub fn check_footprint(file: &[u8], bytes_max: usize) -> Result<(), Unsupported> {
    match footprint::bytes(file) {
        bytes if bytes > bytes_max => Err(broken(format!(
            "this file of {} bytes takes {bytes} in memory, more than the {bytes_max} that any model does",
            file.len()
        ))),
        _ => Ok(()),
    }
}

/// Checks the number of nodes and that every tensor's size is one that this file can hold.
pub fn check(model: &proto::Model, file_bytes: u64) -> Result<(), Unsupported> {
    let nodes = graph::count_nodes(model);
    if nodes > NODES_MAX {
        return Err(broken(format!("this model has {nodes} nodes, more than the {NODES_MAX} that are loaded")));
    }
    for tensor in Tensors::of(model) {
        let bytes = bytes_at_least(tensor)?;
        if tensor.data_location != proto::EXTERNAL && bytes > file_bytes {
            return Err(broken(format!(
                "tensor '{}' declares {:?}, at least {bytes} bytes, in a file of {file_bytes}",
                tensor.name, tensor.dims
            )));
        }
    }
    Ok(())
}

/// The fewest bytes that a tensor's elements take, in the file or beside it.
pub fn bytes_at_least(tensor: &proto::Tensor) -> Result<u64, Unsupported> {
    let absurd = || broken(format!("tensor '{}' declares impossible dimensions {:?}", tensor.name, tensor.dims));
    let mut elements = 1u64;
    for &dim in &tensor.dims {
        let dim = u64::try_from(dim).map_err(|_| absurd())?;
        elements = elements.checked_mul(dim).ok_or_else(absurd)?;
    }
    let bits = elements.checked_mul(element_bits(tensor.data_type)).ok_or_else(absurd)?;
    Ok(bits / 8)
}

/// The fewest bits that an element of an ONNX data type takes. Integers may be written as varints of one byte.
const fn element_bits(data_type: i32) -> u64 {
    match data_type {
        1 => 32,       // FLOAT
        11 | 14 => 64, // DOUBLE, COMPLEX64
        15 => 128,     // COMPLEX128
        21..=26 => 2,  // UINT4, INT4, FLOAT4E2M1 and narrower
        _ => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field that holds a message or a text.
    fn field(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut field = vec![tag << 3 | 2];
        prost::encoding::encode_varint(content.len() as u64, &mut field);
        field.extend_from_slice(content);
        field
    }

    #[test]
    fn a_file_that_grows_a_hundredfold_is_refused_before_it_is_decoded() {
        let nodes_of_attributes = |count: usize| field(7, &field(1, &[5 << 3 | 2, 0].repeat(count)));
        const BYTES_MAX: usize = 1 << 20;
        let least = BYTES_MAX / size_of::<proto::Attribute>();
        for (count, is_refused) in [(least / 2, false), (least, true)] {
            let refused = check_footprint(&nodes_of_attributes(count), BYTES_MAX);
            assert_eq!(refused.is_err(), is_refused, "{count} attributes: {refused:?}");
        }
    }
}
