//! An ONNX file of any size: one matrix that its input is multiplied with.

use prost::encoding::{WireType, encode_key, encode_varint};

/// `x` FP32 `[-1, side]` to `y` FP32 `[-1, side]`, the unit matrix between them: `4 * side * side` bytes of weights.
pub fn onnx(side: usize) -> Vec<u8> {
    let mut weights = vec![0; side * side * size_of::<f32>()];
    for place in (0..side).map(|row| (row * side + row) * size_of::<f32>()) {
        weights[place..][..size_of::<f32>()].copy_from_slice(&1f32.to_le_bytes());
    }
    let node = [text(1, "x"), text(1, "w"), text(2, "y"), text(4, "MatMul")].concat();
    let matrix = [number(1, side), number(1, side), number(2, FLOAT), text(8, "w"), bytes(9, &weights)].concat();
    let graph = [
        bytes(1, &node),
        text(2, "matrix"),
        bytes(5, &matrix),
        bytes(11, &tensor("x", side)),
        bytes(12, &tensor("y", side)),
    ];
    let operators = number(2, 13);
    [number(1, 8), bytes(7, &graph.concat()), bytes(8, &operators)].concat()
}

/// FLOAT of `TensorProto.DataType`.
const FLOAT: usize = 1;

/// A `ValueInfoProto` of rows of so many numbers.
fn tensor(name: &str, width: usize) -> Vec<u8> {
    let (rows, columns) = (text(2, "rows"), number(1, width));
    let shape = [bytes(1, &rows), bytes(1, &columns)].concat();
    let of_type = [number(1, FLOAT), bytes(2, &shape)].concat();
    [text(1, name), bytes(2, &bytes(1, &of_type))].concat()
}

fn text(field: u32, text: &str) -> Vec<u8> {
    bytes(field, text.as_bytes())
}

fn bytes(field: u32, content: &[u8]) -> Vec<u8> {
    let mut written = Vec::with_capacity(content.len() + 16);
    encode_key(field, WireType::LengthDelimited, &mut written);
    encode_varint(content.len() as u64, &mut written);
    written.extend_from_slice(content);
    written
}

fn number(field: u32, number: usize) -> Vec<u8> {
    let mut written = Vec::new();
    encode_key(field, WireType::Varint, &mut written);
    encode_varint(number as u64, &mut written);
    written
}
