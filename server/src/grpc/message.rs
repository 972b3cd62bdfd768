//! How messages are read and written: by prost, with bounds of our own.

use bytes::Buf as _;
use prost::Message;
use prost::encoding::{DecodeContext, decode_key, skip_field};
use std::marker::PhantomData;
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// Fields that a message has at most, those of messages inside it not counted. A field of two bytes may become a tensor of
/// hundreds: what a message takes in memory is to be of the order of what it takes on the wire.
const FIELDS_MAX: usize = 16 * 1024;

/// Writes messages of type `E` and reads messages of type `D`.
pub struct MessageCodec<E, D>(PhantomData<(E, D)>);

impl<E, D> Default for MessageCodec<E, D> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<E: Message + 'static, D: Message + Default + 'static> Codec for MessageCodec<E, D> {
    type Encode = E;
    type Decode = D;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self::default()
    }

    fn decoder(&mut self) -> Self {
        Self::default()
    }
}

impl<E: Message, D> Encoder for MessageCodec<E, D> {
    type Item = E;
    type Error = Status;

    fn encode(&mut self, message: E, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.reserve(message.encoded_len());
        message.encode(out).map_err(|error| Status::internal(error.to_string()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::default()
    }
}

impl<E, D: Message + Default> Decoder for MessageCodec<E, D> {
    type Item = D;
    type Error = Status;

    fn decode(&mut self, received: &mut DecodeBuf<'_>) -> Result<Option<D>, Status> {
        // Contents of type `bytes` are parts of this one piece.
        let message = received.copy_to_bytes(received.remaining());
        check(&message)?;
        D::decode(message).map(Some).map_err(|error| Status::invalid_argument(error.to_string()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::default()
    }
}

/// Refuses a message of too many fields, before anything is made of it.
fn check(mut message: &[u8]) -> Result<(), Status> {
    let mut fields = 0;
    while !message.is_empty() {
        fields += 1;
        if fields > FIELDS_MAX {
            return Err(Status::invalid_argument(format!("it has more than {FIELDS_MAX} fields")));
        }
        let skipped = decode_key(&mut message)
            .and_then(|(tag, wire_type)| skip_field(wire_type, tag, &mut message, DecodeContext::default()));
        skipped.map_err(|error| Status::invalid_argument(error.to_string()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use servoir_codec::grpc::proto::ModelInferRequest;

    #[test]
    fn messages_of_too_many_fields_are_refused() {
        let of = |fields| ModelInferRequest { raw_input_contents: vec!["".into(); fields], ..Default::default() };
        assert!(check(&of(FIELDS_MAX).encode_to_vec()).is_ok());
        let refused = check(&of(FIELDS_MAX + 1).encode_to_vec()).unwrap_err();
        assert_eq!(refused.message(), "it has more than 16384 fields");
        assert!(check(&[0x3a, 0x05, 0x00]).is_err(), "cut off");
    }
}
