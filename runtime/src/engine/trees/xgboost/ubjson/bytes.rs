//! Bytes that are read from the front: markers, numbers of both kinds, strings.

use super::UbjsonError;

/// Bytes, and how far they were read.
pub struct Bytes<'a> {
    all: &'a [u8],
    at: usize,
}

/// What a container says before its first element.
pub struct Head {
    /// The type of every element, when they share one.
    pub kind: Option<u8>,
    /// How many elements there are; without it an end marker follows the last.
    pub count: Option<usize>,
}

/// The size of a value of a type whose values are all of one size; 0 when it is none.
pub const fn size(marker: u8) -> usize {
    match marker {
        b'i' | b'U' | b'C' => 1,
        b'I' => 2,
        b'l' | b'd' => 4,
        b'L' | b'D' => 8,
        _ => 0,
    }
}

impl<'a> Bytes<'a> {
    pub fn new(all: &'a [u8]) -> Self {
        Self { all, at: 0 }
    }

    /// How many bytes were read.
    pub fn at(&self) -> usize {
        self.at
    }

    /// How many bytes were not read.
    pub fn left(&self) -> usize {
        self.all.len() - self.at
    }

    /// The next byte, left where it is.
    pub fn peek(&self) -> Result<u8, UbjsonError> {
        self.all.get(self.at).copied().ok_or(UbjsonError::Ends(self.all.len()))
    }

    /// The next marker; those that mean nothing are skipped.
    pub fn marker(&mut self) -> Result<u8, UbjsonError> {
        loop {
            let [marker] = self.array()?;
            if marker != b'N' {
                return Ok(marker);
            }
        }
    }

    /// Whether the next marker is this one, which is then read.
    pub fn takes(&mut self, marker: u8) -> Result<bool, UbjsonError> {
        while self.peek()? == b'N' {
            self.at += 1;
        }
        let is = self.peek()? == marker;
        self.at += usize::from(is);
        Ok(is)
    }

    /// So many bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], UbjsonError> {
        let taken = self.all[self.at..].get(..count).ok_or(UbjsonError::Ends(self.all.len()))?;
        self.at += count;
        Ok(taken)
    }

    /// The bytes of a number.
    pub fn array<const SIZE: usize>(&mut self) -> Result<[u8; SIZE], UbjsonError> {
        let taken = self.all[self.at..].first_chunk().ok_or(UbjsonError::Ends(self.all.len()))?;
        self.at += SIZE;
        Ok(*taken)
    }

    /// A whole number of the type `marker`.
    pub fn whole(&mut self, marker: u8, what: &'static str) -> Result<i64, UbjsonError> {
        Ok(match marker {
            b'i' => i8::from_be_bytes(self.array()?).into(),
            b'U' => u8::from_be_bytes(self.array()?).into(),
            b'I' => i16::from_be_bytes(self.array()?).into(),
            b'l' => i32::from_be_bytes(self.array()?).into(),
            b'L' => i64::from_be_bytes(self.array()?),
            _ => return Err(UbjsonError::Marker { at: self.at - 1, marker, what }),
        })
    }

    /// A count of things that take at least `size` bytes each: there is room for them.
    fn count(&mut self, size: usize, what: &'static str) -> Result<usize, UbjsonError> {
        let at = self.at;
        let marker = self.marker()?;
        let count = self.whole(marker, "a count")?;
        let fits = |count: &usize| count.checked_mul(size).is_some_and(|bytes| bytes <= self.left());
        let checked = usize::try_from(count).ok().filter(fits);
        checked.ok_or(UbjsonError::Count { at, count, what, left: self.left() })
    }

    /// A string, after its marker.
    pub fn string(&mut self) -> Result<&'a str, UbjsonError> {
        let count = self.count(1, "letters")?;
        let at = self.at;
        std::str::from_utf8(self.take(count)?).map_err(|_| UbjsonError::NotUtf8(at))
    }

    /// What a container says before its first element.
    pub fn head(&mut self) -> Result<Head, UbjsonError> {
        let kind = if self.takes(b'$')? {
            let [marker] = self.array()?;
            if size(marker) == 0 {
                return Err(UbjsonError::Marker { at: self.at - 1, marker, what: "the elements of a list of numbers" });
            }
            Some(marker)
        } else {
            None
        };
        // An element of any type takes a byte at least.
        let count = if self.takes(b'#')? { Some(self.count(kind.map_or(1, size), "elements")?) } else { None };
        match (kind, count) {
            (Some(marker), None) => Err(UbjsonError::Marker { at: self.at, marker, what: "a list without a count" }),
            _ => Ok(Head { kind, count }),
        }
    }
}
