//! The room that the messages of a call take, in the memory that all long bodies share.
//!
//! tonic collects messages in memory of its own. What passes on the way there is looked at: each message begins with five bytes, a
//! flag and its length, so it is known which of them the bytes belong to, and when one is whole.

use crate::http::room::{COUNTED_BYTES_MIN, Full, Room, Taken};
use std::collections::VecDeque;

/// Bytes before each message: whether it is compressed, and its length.
const HEADER_BYTES: usize = 5;

/// The most messages of a call that are whole and have not been asked for. tonic asks for each before it takes more of the body, but for
/// those that follow the one message of a unary call: nobody asks for those.
const WHOLE_MAX: usize = 16_384;

/// The messages of one call.
#[derive(Debug)]
pub struct Messages {
    room: Room,
    header: [u8; HEADER_BYTES],
    header_len: usize,
    /// Bytes that are still to come of the message under way, and those that have.
    left: usize,
    here: usize,
    taken: Option<Taken>,
    /// Messages that are whole, and have not been asked for.
    whole: VecDeque<Held>,
    refused: Option<Full>,
}

/// The room of one message, given back when this is dropped.
#[derive(Debug)]
pub struct Held {
    is_compressed: bool,
    taken: Option<Taken>,
}

impl Messages {
    /// None yet.
    pub fn new(room: Room) -> Self {
        Self {
            room,
            header: [0; HEADER_BYTES],
            header_len: 0,
            left: 0,
            here: 0,
            taken: None,
            whole: VecDeque::new(),
            refused: None,
        }
    }

    /// These bytes have come.
    ///
    /// # Errors
    /// When there is no room for them.
    pub fn see(&mut self, mut bytes: &[u8]) -> Result<(), Full> {
        while !bytes.is_empty() {
            if self.header_len < HEADER_BYTES {
                let count = bytes.len().min(HEADER_BYTES - self.header_len);
                self.header[self.header_len..self.header_len + count].copy_from_slice(&bytes[..count]);
                self.header_len += count;
                bytes = &bytes[count..];
                if self.header_len < HEADER_BYTES {
                    return Ok(());
                }
                let [_, length @ ..] = self.header;
                (self.left, self.here) = (usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX), 0);
            }
            let count = bytes.len().min(self.left);
            (self.left, self.here) = (self.left - count, self.here + count);
            bytes = &bytes[count..];
            // Whom short messages belong to is not asked: all threads share the room.
            if self.here > COUNTED_BYTES_MIN {
                let (room, here) = (&self.room, self.here);
                let covered = self.taken.get_or_insert_with(|| room.nothing()).cover(here);
                covered.inspect_err(|full| self.refused = Some(*full))?;
            }
            if self.left == 0 {
                self.header_len = 0;
                if self.whole.len() >= WHOLE_MAX {
                    let full = self.room.full();
                    self.refused = Some(full);
                    return Err(full);
                }
                self.whole.push_back(Held { is_compressed: self.header[0] != 0, taken: self.taken.take() });
            }
        }
        Ok(())
    }

    /// The room of the next message that was read, which is so long. A compressed one is longer than what has come of it.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn next(&mut self, length: impl FnOnce() -> usize) -> Result<Option<Held>, Full> {
        let Some(mut held) = self.whole.pop_front() else { return Ok(None) };
        if held.is_compressed {
            held.taken.get_or_insert_with(|| self.room.nothing()).cover(length())?;
        }
        Ok(Some(held))
    }

    /// That there was no room for one.
    pub fn refused(&self) -> Option<Full> {
        self.refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1024;

    fn message(flag: u8, bytes: usize) -> Vec<u8> {
        let length = u32::try_from(bytes).unwrap().to_be_bytes();
        [&[flag][..], &length, &vec![7; bytes]].concat()
    }

    #[test]
    fn each_message_has_its_room_however_it_comes() {
        let sizes = [0, 100 * KIB, 3, 200 * KIB, 64 * KIB];
        let all: Vec<u8> = sizes.iter().flat_map(|&bytes| message(0, bytes)).collect();
        for piece in [1, 4, 5, 1000, 16 * KIB, all.len()] {
            let room = Room::new(1024 * KIB);
            let mut messages = Messages::new(room.clone());
            all.chunks(piece).for_each(|piece| messages.see(piece).unwrap());
            assert_eq!(room.free_bytes(), (1024 - 300) * KIB, "short ones are not counted");
            for (free, bytes) in [(724, 0), (724, 100), (824, 0), (824, 200), (1024, 0)] {
                assert_eq!(room.free_bytes(), free * KIB);
                let held = messages.next(|| unreachable!("it is not compressed")).unwrap().unwrap();
                assert_eq!(room.free_bytes(), free * KIB, "it is held");
                drop(held);
                assert_eq!(room.free_bytes(), (free + bytes) * KIB);
            }
            assert!(messages.next(|| 0).unwrap().is_none());
        }
    }

    #[test]
    fn what_has_no_room_is_refused_and_gives_back_what_it_took() {
        let room = Room::new(256 * KIB);
        let mut messages = Messages::new(room.clone());
        let long = message(0, 300 * KIB);
        let full = long.chunks(16 * KIB).find_map(|piece| messages.see(piece).err());
        assert!(full.is_some() && messages.refused() == full);
        drop(messages);
        assert_eq!(room.free_bytes(), 256 * KIB);
    }

    #[test]
    fn messages_that_nobody_asks_for_come_to_an_end() {
        let mut messages = Messages::new(Room::new(1024 * KIB));
        let empty = message(0, 0);
        for _ in 0..WHOLE_MAX {
            messages.see(&empty).unwrap();
        }
        let full = messages.see(&empty).unwrap_err();
        assert_eq!(messages.refused(), Some(full));
        // Where somebody does, there is no end.
        let mut messages = Messages::new(Room::new(1024 * KIB));
        for _ in 0..2 * WHOLE_MAX {
            messages.see(&empty).unwrap();
            assert!(messages.next(|| 0).unwrap().is_some());
        }
    }

    #[test]
    fn a_compressed_message_is_as_long_as_it_becomes() {
        let room = Room::new(256 * KIB);
        let mut messages = Messages::new(room.clone());
        messages.see(&[message(1, 10), message(1, 10)].concat()).unwrap();
        let held = messages.next(|| 200 * KIB).unwrap();
        assert_eq!(room.free_bytes(), 56 * KIB);
        assert!(messages.next(|| 100 * KIB).is_err());
        drop(held);
        assert_eq!(room.free_bytes(), 256 * KIB);
    }
}
