//! The elements of one datatype: memory of their own, or a view of the bytes they came in.

use bytemuck::Pod;
use bytes::Bytes;
use std::fmt;
use std::ops::Deref;

/// Elements of type `T` in row-major order, read as a slice.
///
/// They own their memory, or are a view of bytes that someone else received: a tensor in binary form needs no copy.
/// Changing a view copies it first.
#[derive(Clone)]
pub struct Elements<T>(Repr<T>);

#[derive(Clone)]
enum Repr<T> {
    Owned(Vec<T>),
    /// Aligned for `T`, and a whole number of elements.
    View(Bytes),
}

impl<T: Pod> Elements<T> {
    /// No elements, with room for `capacity` of them.
    pub fn with_capacity(capacity: usize) -> Self {
        Vec::with_capacity(capacity).into()
    }

    /// The elements that `bytes` are, in the machine's own order of bytes: a view when they lie aligned for `T`, else a
    /// copy. `None` when they are not a whole number of elements.
    pub fn from_bytes(bytes: Bytes) -> Option<Self> {
        if !bytes.len().is_multiple_of(size_of::<T>()) {
            return None;
        }
        if bytemuck::try_cast_slice::<u8, T>(&bytes).is_ok() {
            return Some(Self(Repr::View(bytes)));
        }
        Some(bytemuck::pod_collect_to_vec::<u8, T>(&bytes).into())
    }

    /// The elements as the bytes that they are in memory.
    pub fn as_bytes(&self) -> &[u8] {
        bytemuck::cast_slice(self)
    }

    /// The elements in memory of their own, to be changed.
    pub fn to_mut(&mut self) -> &mut Vec<T> {
        if let Repr::View(_) = self.0 {
            self.0 = Repr::Owned(self.to_vec());
        }
        match &mut self.0 {
            Repr::Owned(elements) => elements,
            Repr::View(_) => unreachable!("a view was replaced just above"),
        }
    }

    /// Appends one element.
    pub fn push(&mut self, element: T) {
        self.to_mut().push(element);
    }

    /// Appends elements.
    pub fn extend_from_slice(&mut self, elements: &[T]) {
        self.to_mut().extend_from_slice(elements);
    }

    /// Removes all elements; memory of its own is kept.
    pub fn clear(&mut self) {
        match &mut self.0 {
            Repr::Owned(elements) => elements.clear(),
            Repr::View(_) => self.0 = Repr::Owned(Vec::new()),
        }
    }
}

impl<T: Pod> Deref for Elements<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            Repr::Owned(elements) => elements,
            Repr::View(bytes) => bytemuck::cast_slice(bytes),
        }
    }
}

impl<T> From<Vec<T>> for Elements<T> {
    fn from(elements: Vec<T>) -> Self {
        Self(Repr::Owned(elements))
    }
}

impl<T> FromIterator<T> for Elements<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        elements.into_iter().collect::<Vec<_>>().into()
    }
}

impl<T: Pod> From<Elements<T>> for Vec<T> {
    fn from(elements: Elements<T>) -> Self {
        match elements.0 {
            Repr::Owned(elements) => elements,
            Repr::View(bytes) => bytemuck::cast_slice(&bytes).to_vec(),
        }
    }
}

impl<'a, T: Pod> IntoIterator for &'a Elements<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: Pod + PartialEq> PartialEq for Elements<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Pod + fmt::Debug> fmt::Debug for Elements<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_viewed_where_they_are_aligned_and_copied_where_not() {
        let numbers = [1.5f32, -2.0, f32::MAX];
        let mut padded = vec![0u8; 4];
        padded.extend_from_slice(bytemuck::cast_slice(&numbers));
        let aligned_at = padded.as_ptr().align_offset(align_of::<f32>());
        for start in 0..4 {
            let mut memory = vec![0u8; aligned_at + start];
            memory.extend_from_slice(bytemuck::cast_slice(&numbers));
            let bytes = Bytes::from(memory).slice(aligned_at + start..);
            let address = bytes.as_ptr();
            let elements = Elements::<f32>::from_bytes(bytes).unwrap();
            assert_eq!(&*elements, numbers);
            let is_view = std::ptr::eq(elements.as_bytes().as_ptr(), address);
            assert_eq!(is_view, address.align_offset(align_of::<f32>()) == 0);
        }
        assert_eq!(Elements::<f32>::from_bytes(Bytes::from_static(&[0; 6])), None);
    }

    #[test]
    fn a_view_is_copied_before_it_changes() {
        let bytes = Bytes::from_static(&[1, 2, 3]);
        let mut elements = Elements::<u8>::from_bytes(bytes.clone()).unwrap();
        elements.push(4);
        assert_eq!((&*elements, &*bytes), (&[1, 2, 3, 4][..], &[1, 2, 3][..]));
        let mut cleared = Elements::<u8>::from_bytes(bytes).unwrap();
        cleared.clear();
        assert!(cleared.is_empty());
    }
}
