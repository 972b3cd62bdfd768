//! The memory that a body is collected in.

use crate::http::room::{Full, Room, Taken};
use bytes::Bytes;

/// Where the binary part of a body lies in memory: at a multiple of this, in bytes, so that numbers of any datatype can be
/// used where they are, and copied with the widest instructions.
const ALIGNMENT: usize = 64;

/// A body that comes in pieces. What follows its head lies aligned in memory.
pub struct Buffer {
    /// Padding, then the body.
    bytes: Vec<u8>,
    padding: usize,
    /// Length of the head.
    head_len: usize,
    taken: Taken,
}

impl Buffer {
    /// For `capacity` bytes; what follows the first `head_len` of them will lie aligned. Room is taken as they come, and not
    /// for what a client says that it will send.
    pub fn new(capacity: usize, head_len: usize, room: &Room) -> Self {
        let (bytes, padding) = aligned(capacity, head_len);
        Self { bytes, padding, head_len, taken: room.nothing() }
    }

    /// Bytes of the body that are here.
    pub fn body_len(&self) -> usize {
        self.bytes.len() - self.padding
    }

    /// Appends a piece.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn extend(&mut self, piece: &[u8]) -> Result<(), Full> {
        let whole = self.body_len() + piece.len();
        self.taken.cover(whole)?;
        if piece.len() > self.bytes.capacity() - self.bytes.len() {
            // A buffer that grew in place would move, and its alignment with it.
            let (mut larger, padding) = aligned((2 * self.body_len()).max(whole), self.head_len);
            larger.extend_from_slice(&self.bytes[self.padding..]);
            (self.bytes, self.padding) = (larger, padding);
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    /// The body.
    pub fn freeze(self) -> Bytes {
        self.taken.keep(Bytes::from(self.bytes).slice(self.padding..))
    }
}

/// Memory for `capacity` bytes, and its padding.
fn aligned(capacity: usize, head_len: usize) -> (Vec<u8>, usize) {
    let mut bytes: Vec<u8> = Vec::with_capacity(capacity.saturating_add(ALIGNMENT));
    // Should the address not be told, the padding is out of the question, and nothing lies aligned.
    let padding = bytes.as_ptr().wrapping_add(head_len).align_offset(ALIGNMENT) % ALIGNMENT;
    bytes.resize(padding, 0);
    (bytes, padding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_head_lies_aligned_however_it_comes() {
        let room = Room::new(0);
        for (capacity, head_len, piece_len) in [(0, 0, 1), (0, 7, 100), (1000, 333, 500), (64, 64, 1), (10, 4000, 4096)]
        {
            let body: Vec<u8> = (0u8..=255).cycle().take(10_000).collect();
            let mut buffer = Buffer::new(capacity, head_len, &room);
            for piece in body.chunks(piece_len) {
                buffer.extend(piece).unwrap();
            }
            assert_eq!(buffer.body_len(), body.len());
            let bytes = buffer.freeze();
            assert_eq!(bytes, body);
            assert_eq!(bytes[head_len..].as_ptr().align_offset(ALIGNMENT), 0, "{capacity} {head_len} {piece_len}");
        }
    }
}
