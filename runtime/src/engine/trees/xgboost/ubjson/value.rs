//! Values, as serde asks for them.

use super::UbjsonError;
use super::bytes::{Bytes, Head, size};
use serde::Deserializer;
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A value whose marker was read.
pub struct Value<'b, 'de> {
    bytes: &'b mut Bytes<'de>,
    marker: u8,
    /// How many containers may still be inside one another.
    depth: usize,
}

impl<'b, 'de> Value<'b, 'de> {
    pub fn new(bytes: &'b mut Bytes<'de>, marker: u8, depth: usize) -> Self {
        Self { bytes, marker, depth }
    }

    fn container(self, end: u8) -> Result<Container<'b, 'de>, UbjsonError> {
        let depth = self.depth.checked_sub(1).ok_or(UbjsonError::TooDeep(self.bytes.at()))?;
        let head = self.bytes.head()?;
        Ok(Container { bytes: self.bytes, head, end, depth })
    }
}

impl<'de> Deserializer<'de> for Value<'_, 'de> {
    type Error = UbjsonError;

    #[inline]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, UbjsonError> {
        match self.marker {
            b'd' => visitor.visit_f32(f32::from_be_bytes(self.bytes.array()?)),
            b'D' => visitor.visit_f64(f64::from_be_bytes(self.bytes.array()?)),
            b'S' => visitor.visit_borrowed_str(self.bytes.string()?),
            b'C' => visitor.visit_char(self.bytes.array::<1>()?[0].into()),
            b'T' => visitor.visit_bool(true),
            b'F' => visitor.visit_bool(false),
            b'Z' => visitor.visit_unit(),
            b'[' => {
                let mut list = self.container(b']')?;
                let read = visitor.visit_seq(&mut list)?;
                list.finish(|list| list.next_element::<IgnoredAny>())?;
                Ok(read)
            }
            b'{' => {
                let mut object = self.container(b'}')?;
                let read = visitor.visit_map(&mut object)?;
                object.finish(|object| object.next_entry::<IgnoredAny, IgnoredAny>())?;
                Ok(read)
            }
            marker => visitor.visit_i64(self.bytes.whole(marker, "a value")?),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, UbjsonError> {
        if self.marker != b'[' {
            return self.deserialize_any(visitor);
        }
        let mut list = self.container(b']')?;
        if let Head { kind: Some(kind), count: Some(count) } = list.head {
            list.bytes.take(count * size(kind))?;
        } else {
            list.finish(|list| list.next_element::<IgnoredAny>())?;
        }
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, UbjsonError> {
        if self.marker == b'Z' { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, UbjsonError> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier
    }
}

/// A list or an object whose head was read.
struct Container<'b, 'de> {
    bytes: &'b mut Bytes<'de>,
    head: Head,
    end: u8,
    depth: usize,
}

impl<'de> Container<'_, 'de> {
    /// Whether an element follows; the end is read.
    #[inline]
    fn follows(&mut self) -> Result<bool, UbjsonError> {
        match &mut self.head.count {
            Some(0) => Ok(false),
            Some(left) => {
                *left -= 1;
                Ok(true)
            }
            None if self.bytes.takes(self.end)? => {
                self.head.count = Some(0);
                Ok(false)
            }
            None => Ok(true),
        }
    }

    /// The next element's value.
    #[inline]
    fn value<'c>(&'c mut self) -> Result<Value<'c, 'de>, UbjsonError> {
        let marker = match self.head.kind {
            Some(kind) => kind,
            None => self.bytes.marker()?,
        };
        Ok(Value { bytes: self.bytes, marker, depth: self.depth })
    }

    /// Reads what the visitor left.
    fn finish<T>(
        &mut self,
        mut next: impl FnMut(&mut &mut Self) -> Result<Option<T>, UbjsonError>,
    ) -> Result<(), UbjsonError> {
        let mut this = self;
        while next(&mut this)?.is_some() {}
        Ok(())
    }
}

impl<'de> SeqAccess<'de> for &mut Container<'_, 'de> {
    type Error = UbjsonError;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, UbjsonError> {
        if self.follows()? { seed.deserialize(self.value()?).map(Some) } else { Ok(None) }
    }

    fn size_hint(&self) -> Option<usize> {
        self.head.count
    }
}

impl<'de> MapAccess<'de> for &mut Container<'_, 'de> {
    type Error = UbjsonError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, UbjsonError> {
        if !self.follows()? {
            return Ok(None);
        }
        let key: BorrowedStrDeserializer<'de, UbjsonError> = BorrowedStrDeserializer::new(self.bytes.string()?);
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, UbjsonError> {
        seed.deserialize(self.value()?)
    }
}
