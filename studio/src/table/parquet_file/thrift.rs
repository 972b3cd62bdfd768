//! Thrift's compact protocol, as far as a Parquet file's headers need it: fields are visited, what is not wanted is
//! skipped. <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>

/// How deep structures may lie in one another; Parquet's own lie five deep.
const DEPTH_MAX: usize = 16;

/// A reader of bytes.
pub struct Thrift<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Why bytes could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// They end too early.
    Short,
    /// They are not Thrift.
    Malformed,
}

/// A field's value, or an element's, that has not been read yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    True,
    False,
    Byte,
    Int,
    Double,
    Binary,
    List,
    Map,
    Struct,
    Uuid,
}

impl Kind {
    fn of(code: u8) -> Result<Self, Fault> {
        Ok(match code {
            1 => Self::True,
            2 => Self::False,
            3 => Self::Byte,
            4..=6 => Self::Int,
            7 => Self::Double,
            8 => Self::Binary,
            9 | 10 => Self::List,
            11 => Self::Map,
            12 => Self::Struct,
            13 => Self::Uuid,
            _ => return Err(Fault::Malformed),
        })
    }
}

impl<'a> Thrift<'a> {
    /// Begins at the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes have been read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Reads a structure: `field` is given each field's number and kind, and says whether it has read the value.
    pub fn structure(
        &mut self,
        mut field: impl FnMut(&mut Self, i16, Kind) -> Result<bool, Fault>,
    ) -> Result<(), Fault> {
        let mut number = 0i16;
        while let Some((next, kind)) = self.field(number)? {
            number = next;
            if !field(self, number, kind)? {
                self.skip(kind, DEPTH_MAX)?;
            }
        }
        Ok(())
    }

    /// The length of a list and what it is of.
    pub fn list(&mut self) -> Result<(usize, Kind), Fault> {
        let head = self.byte()?;
        let length = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
        let kind = if length == 0 { Kind::Byte } else { Kind::of(head & 15)? };
        // An element takes a byte at least.
        match usize::try_from(length) {
            Ok(length) if length <= self.bytes.len() => Ok((length, kind)),
            _ => Err(Fault::Malformed),
        }
    }

    /// A whole number.
    pub fn int(&mut self) -> Result<i64, Fault> {
        let coded = self.varint()?;
        Ok((coded >> 1) as i64 ^ -((coded & 1) as i64))
    }

    /// Bytes with their length before them.
    pub fn binary(&mut self) -> Result<&'a [u8], Fault> {
        let length = usize::try_from(self.varint()?).map_err(|_| Fault::Malformed)?;
        self.take(length)
    }

    fn field(&mut self, before: i16) -> Result<Option<(i16, Kind)>, Fault> {
        let head = self.byte()?;
        if head == 0 {
            return Ok(None);
        }
        let number = match head >> 4 {
            0 => i16::try_from(self.int()?).map_err(|_| Fault::Malformed)?,
            step => before.checked_add(i16::from(step)).ok_or(Fault::Malformed)?,
        };
        Ok(Some((number, Kind::of(head & 15)?)))
    }

    fn skip(&mut self, kind: Kind, depth: usize) -> Result<(), Fault> {
        let depth = depth.checked_sub(1).ok_or(Fault::Malformed)?;
        match kind {
            Kind::True | Kind::False => Ok(()),
            Kind::Byte => self.take(1).map(drop),
            Kind::Int => self.varint().map(drop),
            Kind::Double => self.take(8).map(drop),
            Kind::Uuid => self.take(16).map(drop),
            Kind::Binary => self.binary().map(drop),
            Kind::List => {
                let (length, kind) = self.list()?;
                (0..length).try_for_each(|_| self.element(kind, depth))
            }
            Kind::Map => {
                let length = self.varint()?;
                let kinds = if length == 0 { 0 } else { self.byte()? };
                (0..length).try_for_each(|_| {
                    self.element(Kind::of(kinds >> 4)?, depth)?;
                    self.element(Kind::of(kinds & 15)?, depth)
                })
            }
            Kind::Struct => {
                let mut number = 0;
                while let Some((next, kind)) = self.field(number)? {
                    number = next;
                    self.skip(kind, depth)?;
                }
                Ok(())
            }
        }
    }

    /// In lists and maps a boolean takes a byte; in a structure its field's kind says it all.
    fn element(&mut self, kind: Kind, depth: usize) -> Result<(), Fault> {
        match kind {
            Kind::True | Kind::False => self.take(1).map(drop),
            kind => self.skip(kind, depth),
        }
    }

    fn varint(&mut self) -> Result<u64, Fault> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Ok(value);
            }
        }
        Err(Fault::Malformed)
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        Ok(self.take(1)?[0])
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let end = self.at.checked_add(length).ok_or(Fault::Malformed)?;
        let taken = self.bytes.get(self.at..end).ok_or(Fault::Short)?;
        self.at = end;
        Ok(taken)
    }
}
