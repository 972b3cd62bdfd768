//! The memory that long bodies may take, all together.

use crate::error::ApiError;
use bytes::Bytes;
use servoir_types::Kind;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is counted at a time, in bytes.
const UNIT_BYTES: usize = 1024;
/// Shorter bodies are not counted, in bytes: the number of requests in flight bounds them.
pub const COUNTED_BYTES_MIN: usize = 64 * 1024;

/// The memory that long bodies may take, all together: from their first byte until nobody holds them any more.
#[derive(Debug, Clone)]
pub struct Room {
    free: Arc<Semaphore>,
    bytes_max: usize,
}

/// The part of it that one body takes.
#[derive(Debug)]
pub struct Taken {
    room: Room,
    units: usize,
    permit: Option<OwnedSemaphorePermit>,
}

/// There is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bodies of all requests together would take more than {bytes_max} bytes")]
pub struct Full {
    bytes_max: usize,
}

impl Room {
    /// For so many bytes.
    pub fn new(bytes_max: usize) -> Self {
        let units = (bytes_max / UNIT_BYTES).min(Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(units)), bytes_max }
    }

    /// What nobody has taken, in bytes.
    pub fn free_bytes(&self) -> usize {
        self.free.available_permits() * UNIT_BYTES
    }

    /// That there is none.
    pub fn full(&self) -> Full {
        Full { bytes_max: self.bytes_max }
    }

    /// Nothing of it.
    pub fn nothing(&self) -> Taken {
        Taken { room: self.clone(), units: 0, permit: None }
    }
}

impl Taken {
    /// Takes enough for a body of so many bytes, or nothing more than it has.
    ///
    /// # Errors
    /// When others have it.
    pub fn cover(&mut self, bytes: usize) -> Result<(), Full> {
        let units = bytes.div_ceil(UNIT_BYTES);
        if bytes <= COUNTED_BYTES_MIN || units <= self.units {
            return Ok(());
        }
        let full = self.room.full();
        let more = u32::try_from(units - self.units).map_err(|_| full)?;
        let permit = Arc::clone(&self.room.free).try_acquire_many_owned(more).map_err(|_| full)?;
        match &mut self.permit {
            Some(taken) => taken.merge(permit),
            none => *none = Some(permit),
        }
        self.units = units;
        Ok(())
    }

    /// A body that has its room for as long as anybody holds it.
    pub fn keep(self, body: Bytes) -> Bytes {
        match self.permit {
            Some(permit) => Bytes::from_owner(Kept { body, _permit: permit }),
            None => body,
        }
    }
}

struct Kept {
    body: Bytes,
    _permit: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl From<Full> for ApiError {
    fn from(full: Full) -> Self {
        let detail = format!("{full}; try again in a second");
        Self { retry_after_seconds: Some(1), ..Self::new(Kind::Overloaded, "bodies-too-large", detail) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    #[test]
    fn room_comes_back_when_the_last_holder_lets_go() {
        let room = Room::new(MIB);
        let mut first = room.nothing();
        assert_eq!(first.cover(MIB / 2), Ok(()));
        assert_eq!(first.cover(MIB / 4), Ok(()), "what it has is enough");
        let mut second = room.nothing();
        assert_eq!(second.cover(MIB / 2), Ok(()));
        assert_eq!(second.cover(MIB / 2 + 1), Err(Full { bytes_max: MIB }));
        let body = first.keep(Bytes::from(vec![7; MIB / 2]));
        let part = body.slice(10..20);
        drop(body);
        assert!(second.cover(MIB).is_err(), "a part is held");
        drop(part);
        assert_eq!(second.cover(MIB), Ok(()));
        drop(second);
        assert_eq!(room.free_bytes(), MIB);
    }

    #[test]
    fn short_bodies_are_not_counted() {
        let room = Room::new(0);
        let mut taken = room.nothing();
        assert_eq!(taken.cover(COUNTED_BYTES_MIN), Ok(()));
        assert_eq!(taken.keep(Bytes::from_static(b"x")), Bytes::from_static(b"x"));
        assert!(room.nothing().cover(COUNTED_BYTES_MIN + 1).is_err());
    }
}
