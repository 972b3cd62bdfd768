//! The memory that a model file takes once it is decoded, added up before it is.
//!
//! An empty message is two bytes in the file and hundreds in memory, so that the size of the file says little.

use super::proto;
use prost::encoding::{WireType, decode_key, decode_varint};

/// Messages inside messages, beyond which the decoder stops by itself.
const DEPTH_MAX: usize = 100;

/// A message that is decoded, by the name of its type in [`proto`].
#[derive(Clone, Copy)]
enum Message {
    Model,
    OperatorSet,
    Entry,
    Function,
    Graph,
    Node,
    Attribute,
    SparseTensor,
    Tensor,
    Value,
    Type,
    TensorType,
    TensorShape,
    Dimension,
    SequenceType,
    MapType,
}

/// A field that takes memory for each time that it occurs.
enum Field {
    Message(Message),
    /// One of several texts.
    Text,
    /// One or more of several integers, of so many bytes each.
    Integers(usize),
    /// One that is passed over, or has its place in its message.
    Other,
}

impl Message {
    /// As [`proto`] declares them.
    const fn field(self, tag: u32) -> Field {
        use Message as M;
        let message = match (self, tag) {
            (M::Model, 7) | (M::Attribute, 6 | 11) => M::Graph,
            (M::Model, 8) => M::OperatorSet,
            (M::Model, 14) | (M::Tensor, 13) => M::Entry,
            (M::Model, 25) => M::Function,
            (M::Function, 7) | (M::Graph, 1) => M::Node,
            (M::Graph, 5) | (M::Attribute, 5 | 10) | (M::SparseTensor, 1 | 2) => M::Tensor,
            (M::Graph, 11..=13) => M::Value,
            (M::Graph, 15) | (M::Attribute, 22 | 23) => M::SparseTensor,
            (M::Node, 5) => M::Attribute,
            (M::Value, 2) | (M::SequenceType, 1) | (M::MapType, 2) => M::Type,
            (M::Type, 1 | 8) => M::TensorType,
            (M::Type, 4 | 9) => M::SequenceType,
            (M::Type, 5) => M::MapType,
            (M::TensorType, 2) => M::TensorShape,
            (M::TensorShape, 1) => M::Dimension,
            (M::Node, 1 | 2) | (M::Attribute, 9) | (M::Tensor, 6) => return Field::Text,
            (M::Attribute, 8) | (M::SparseTensor, 3) | (M::Tensor, 1 | 7) => return Field::Integers(size_of::<i64>()),
            (M::Tensor, 5) => return Field::Integers(size_of::<i32>()),
            _ => return Field::Other,
        };
        Field::Message(message)
    }

    const fn bytes(self) -> usize {
        match self {
            Self::Model => size_of::<proto::Model>(),
            Self::OperatorSet => size_of::<proto::OperatorSet>(),
            Self::Entry => size_of::<proto::Entry>(),
            Self::Function => size_of::<proto::Function>(),
            Self::Graph => size_of::<proto::Graph>(),
            Self::Node => size_of::<proto::Node>(),
            Self::Attribute => size_of::<proto::Attribute>(),
            Self::SparseTensor => size_of::<proto::SparseTensor>(),
            Self::Tensor => size_of::<proto::Tensor>(),
            Self::Value => size_of::<proto::Value>(),
            Self::Type => size_of::<proto::Type>(),
            Self::TensorType => size_of::<proto::TensorType>(),
            Self::TensorShape => size_of::<proto::TensorShape>(),
            Self::Dimension => size_of::<proto::Dimension>(),
            Self::SequenceType => size_of::<proto::SequenceType>(),
            Self::MapType => size_of::<proto::MapType>(),
        }
    }
}

/// The bytes that the messages, texts and integers of a model file take in memory, without the characters of the texts and
/// without the weights, which take no more than in the file. Ends where the decoder would: at what is not protobuf, or nested too deep.
pub fn bytes(file: &[u8]) -> usize {
    let mut bytes = Message::Model.bytes();
    // The messages that are open, and where each ends.
    let mut open = vec![(Message::Model, file.len())];
    let mut at = 0;
    while let Some(&(message, end)) = open.last() {
        if at == end {
            open.pop();
            continue;
        }
        let mut rest = &file[at..end];
        let Ok((tag, wire_type)) = decode_key(&mut rest) else { break };
        let field = message.field(tag);
        let skipped = match wire_type {
            WireType::Varint => {
                if decode_varint(&mut rest).is_err() {
                    break;
                }
                bytes += if let Field::Integers(size) = field { size } else { 0 };
                0
            }
            WireType::SixtyFourBit => 8,
            WireType::ThirtyTwoBit => 4,
            WireType::LengthDelimited => {
                let length = decode_varint(&mut rest).ok().and_then(|length| usize::try_from(length).ok());
                let Some(content) = length.and_then(|length| rest.get(..length)) else { break };
                match field {
                    Field::Message(inner) if open.len() < DEPTH_MAX => {
                        bytes += inner.bytes();
                        open.push((inner, end - rest.len() + content.len()));
                        0
                    }
                    Field::Message(_) => break,
                    Field::Text => {
                        bytes += size_of::<String>();
                        content.len()
                    }
                    Field::Integers(size) => {
                        // The last byte of each is the one below 128.
                        bytes += size * content.iter().filter(|&&byte| byte < 0x80).count();
                        content.len()
                    }
                    Field::Other => content.len(),
                }
            }
            WireType::StartGroup | WireType::EndGroup => 0,
        };
        if skipped > rest.len() {
            break;
        }
        at = end - rest.len() + skipped;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message as _;

    #[test]
    fn what_is_decoded_is_what_was_added_up() {
        let tensor = proto::Tensor { dims: vec![2, 300], string_data: vec![b"a".to_vec()], ..Default::default() };
        let attribute =
            proto::Attribute { ints: vec![1, -1, 1 << 40], tensor: Some(Box::new(tensor)), ..Default::default() };
        let node =
            proto::Node { inputs: vec!["x".into(), "".into()], attributes: vec![attribute; 3], ..Default::default() };
        let dims = vec![proto::Dimension { value: Some(-1) }; 4];
        let kind = proto::TensorType { element: 1, shape: Some(proto::TensorShape { dims }) };
        let value =
            proto::Value { name: "x".into(), kind: Some(proto::Type { value: Some(proto::TypeValue::Tensor(kind)) }) };
        let graph = proto::Graph { nodes: vec![node; 2], inputs: vec![value], ..Default::default() };
        let model = proto::Model { ir_version: 8, graph: Some(graph), ..Default::default() };
        let attribute_bytes = size_of::<proto::Attribute>() + 3 * 8 + size_of::<proto::Tensor>() + 2 * 8 + 24;
        let node_bytes = size_of::<proto::Node>() + 2 * 24 + 3 * attribute_bytes;
        let value_bytes = size_of::<proto::Value>()
            + size_of::<proto::Type>()
            + size_of::<proto::TensorType>()
            + size_of::<proto::TensorShape>()
            + 4 * size_of::<proto::Dimension>();
        let expected = size_of::<proto::Model>() + size_of::<proto::Graph>() + 2 * node_bytes + value_bytes;
        assert_eq!(bytes(&model.encode_to_vec()), expected);
    }

    #[test]
    fn adding_up_ends_where_decoding_does() {
        let model = size_of::<proto::Model>();
        let graph = size_of::<proto::Graph>();
        let cases: [(&[u8], usize); 6] = [
            (&[], model),
            (&[0x3a], model),
            (&[0x3a, 5, 0], model),
            (&[0x3a, 0, 0xff], model + graph),
            (&[0x3a, 2, 0x0a, 1], model + graph),
            (&[0x09, 1], model),
        ];
        for (file, expected) in cases {
            assert_eq!(bytes(file), expected, "{file:?}");
        }
        let mut nested = Vec::new();
        for _ in 0..200 {
            // A graph in an attribute in a node.
            for tag in [0x32, 0x2a, 0x0a] {
                let mut outer = vec![tag];
                prost::encoding::encode_varint(nested.len() as u64, &mut outer);
                outer.extend_from_slice(&nested);
                nested = outer;
            }
        }
        let mut file = vec![0x3a];
        prost::encoding::encode_varint(nested.len() as u64, &mut file);
        file.extend_from_slice(&nested);
        let level = size_of::<proto::Graph>() + size_of::<proto::Node>() + size_of::<proto::Attribute>();
        assert!(bytes(&file) < DEPTH_MAX * level);
    }
}
