//! Tensors: typed elements in row-major order with a shape that fits them.

use super::{Datatype, Elements};
use bytes::Bytes;
use half::{bf16, f16};

/// The elements of a tensor, one vector per datatype.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // each variant is the datatype of its name
pub enum Data {
    Bool(Vec<bool>),
    Uint8(Elements<u8>),
    Uint16(Elements<u16>),
    Uint32(Elements<u32>),
    Uint64(Elements<u64>),
    Int8(Elements<i8>),
    Int16(Elements<i16>),
    Int32(Elements<i32>),
    Int64(Elements<i64>),
    Fp16(Elements<f16>),
    Bf16(Elements<bf16>),
    Fp32(Elements<f32>),
    Fp64(Elements<f64>),
    Bytes(Vec<Bytes>),
}

/// Runs `$body` with `$v` bound to the vector inside `$data`, whatever its type.
macro_rules! each_variant {
    ($data:expr, $v:ident => $body:expr) => {
        match $data {
            Data::Bool($v) => $body,
            Data::Uint8($v) => $body,
            Data::Uint16($v) => $body,
            Data::Uint32($v) => $body,
            Data::Uint64($v) => $body,
            Data::Int8($v) => $body,
            Data::Int16($v) => $body,
            Data::Int32($v) => $body,
            Data::Int64($v) => $body,
            Data::Fp16($v) => $body,
            Data::Bf16($v) => $body,
            Data::Fp32($v) => $body,
            Data::Fp64($v) => $body,
            Data::Bytes($v) => $body,
        }
    };
}

impl Data {
    /// No elements, with room for `capacity` of them.
    pub fn with_capacity(datatype: Datatype, capacity: usize) -> Self {
        match datatype {
            Datatype::Bool => Self::Bool(Vec::with_capacity(capacity)),
            Datatype::Uint8 => Self::Uint8(Elements::with_capacity(capacity)),
            Datatype::Uint16 => Self::Uint16(Elements::with_capacity(capacity)),
            Datatype::Uint32 => Self::Uint32(Elements::with_capacity(capacity)),
            Datatype::Uint64 => Self::Uint64(Elements::with_capacity(capacity)),
            Datatype::Int8 => Self::Int8(Elements::with_capacity(capacity)),
            Datatype::Int16 => Self::Int16(Elements::with_capacity(capacity)),
            Datatype::Int32 => Self::Int32(Elements::with_capacity(capacity)),
            Datatype::Int64 => Self::Int64(Elements::with_capacity(capacity)),
            Datatype::Fp16 => Self::Fp16(Elements::with_capacity(capacity)),
            Datatype::Bf16 => Self::Bf16(Elements::with_capacity(capacity)),
            Datatype::Fp32 => Self::Fp32(Elements::with_capacity(capacity)),
            Datatype::Fp64 => Self::Fp64(Elements::with_capacity(capacity)),
            Datatype::Bytes => Self::Bytes(Vec::with_capacity(capacity)),
        }
    }

    /// The element type.
    pub const fn datatype(&self) -> Datatype {
        match self {
            Self::Bool(_) => Datatype::Bool,
            Self::Uint8(_) => Datatype::Uint8,
            Self::Uint16(_) => Datatype::Uint16,
            Self::Uint32(_) => Datatype::Uint32,
            Self::Uint64(_) => Datatype::Uint64,
            Self::Int8(_) => Datatype::Int8,
            Self::Int16(_) => Datatype::Int16,
            Self::Int32(_) => Datatype::Int32,
            Self::Int64(_) => Datatype::Int64,
            Self::Fp16(_) => Datatype::Fp16,
            Self::Bf16(_) => Datatype::Bf16,
            Self::Fp32(_) => Datatype::Fp32,
            Self::Fp64(_) => Datatype::Fp64,
            Self::Bytes(_) => Datatype::Bytes,
        }
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        each_variant!(self, v => v.len())
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Memory that the elements take, in bytes.
    pub fn size_bytes(&self) -> usize {
        match self {
            Self::Bytes(v) => v.iter().map(|element| element.len() + size_of::<Bytes>()).sum(),
            other => other.len() * other.datatype().size_bytes().unwrap_or(0),
        }
    }

    /// Removes all elements and keeps the memory.
    pub fn clear(&mut self) {
        each_variant!(self, v => v.clear());
    }

    /// Appends the elements `range` of `other`. Returns `false`, having done nothing, when the datatypes differ.
    ///
    /// # Panics
    /// When `range` lies outside `other`.
    pub fn extend_from(&mut self, other: &Self, range: std::ops::Range<usize>) -> bool {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.extend_from_slice(&b[range]),
            (Self::Uint8(a), Self::Uint8(b)) => a.extend_from_slice(&b[range]),
            (Self::Uint16(a), Self::Uint16(b)) => a.extend_from_slice(&b[range]),
            (Self::Uint32(a), Self::Uint32(b)) => a.extend_from_slice(&b[range]),
            (Self::Uint64(a), Self::Uint64(b)) => a.extend_from_slice(&b[range]),
            (Self::Int8(a), Self::Int8(b)) => a.extend_from_slice(&b[range]),
            (Self::Int16(a), Self::Int16(b)) => a.extend_from_slice(&b[range]),
            (Self::Int32(a), Self::Int32(b)) => a.extend_from_slice(&b[range]),
            (Self::Int64(a), Self::Int64(b)) => a.extend_from_slice(&b[range]),
            (Self::Fp16(a), Self::Fp16(b)) => a.extend_from_slice(&b[range]),
            (Self::Bf16(a), Self::Bf16(b)) => a.extend_from_slice(&b[range]),
            (Self::Fp32(a), Self::Fp32(b)) => a.extend_from_slice(&b[range]),
            (Self::Fp64(a), Self::Fp64(b)) => a.extend_from_slice(&b[range]),
            (Self::Bytes(a), Self::Bytes(b)) => a.extend_from_slice(&b[range]),
            _ => return false,
        }
        true
    }
}

/// A tensor: elements in row-major order and the dimensions they fill exactly.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: Data,
}

/// Elements and shape do not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)]
pub enum TensorError {
    #[error("shape {shape:?} has {wanted} elements, {got} came")]
    Count { shape: Vec<usize>, wanted: usize, got: usize },
    #[error("shape {shape:?} has more elements than this machine can count")]
    Overflow { shape: Vec<usize> },
}

impl Tensor {
    /// Puts elements and shape together.
    ///
    /// # Errors
    /// When the shape's element count is not the number of elements, or overflows.
    pub fn new(shape: Vec<usize>, data: Data) -> Result<Self, TensorError> {
        let Some(wanted) = shape.iter().try_fold(1usize, |count, &dim| count.checked_mul(dim)) else {
            return Err(TensorError::Overflow { shape });
        };
        let got = data.len();
        if wanted != got {
            return Err(TensorError::Count { shape, wanted, got });
        }
        Ok(Self { shape, data })
    }

    /// The dimensions; empty for a scalar.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The elements.
    pub fn data(&self) -> &Data {
        &self.data
    }

    /// The element type.
    pub fn datatype(&self) -> Datatype {
        self.data.datatype()
    }

    /// The length of the first dimension; 1 for a scalar.
    pub fn rows(&self) -> usize {
        self.shape.first().copied().unwrap_or(1)
    }

    /// Elements in one row: the product of all dimensions but the first.
    pub fn row_len(&self) -> usize {
        self.shape.iter().skip(1).product()
    }

    /// Takes the tensor apart.
    pub fn into_parts(self) -> (Vec<usize>, Data) {
        (self.shape, self.data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shape_and_elements_must_fit() {
        let data = || Data::Fp32(vec![0.0; 6].into());
        assert!(Tensor::new(vec![2, 3], data()).is_ok());
        assert!(Tensor::new(vec![], Data::Int8(vec![1].into())).is_ok());
        assert!(Tensor::new(vec![0, usize::MAX], Data::Int8(vec![].into())).is_ok());
        assert_eq!(Tensor::new(vec![2, 2], data()), Err(TensorError::Count { shape: vec![2, 2], wanted: 4, got: 6 }));
        assert_eq!(Tensor::new(vec![usize::MAX, 2], data()), Err(TensorError::Overflow { shape: vec![usize::MAX, 2] }));
    }

    #[test]
    fn rows_are_copied_between_tensors_of_one_datatype_only() {
        for datatype in Datatype::ALL {
            let mut data = Data::with_capacity(datatype, 4);
            assert_eq!((data.datatype(), data.len()), (datatype, 0));
            let other =
                if datatype == Datatype::Int8 { Data::Int16(vec![1].into()) } else { Data::Int8(vec![1].into()) };
            assert!(!data.extend_from(&other, 0..1));
        }
        let mut data = Data::Bytes(vec![Bytes::from_static(b"a")]);
        assert!(data.extend_from(&Data::Bytes(vec![Bytes::from_static(b"b"), Bytes::from_static(b"c")]), 1..2));
        assert_eq!(data, Data::Bytes(vec![Bytes::from_static(b"a"), Bytes::from_static(b"c")]));
    }
}
