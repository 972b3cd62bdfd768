//! Tensors of zeros or of random numbers.

use bytes::Bytes;
use half::{bf16, f16};
use servoir_types::{Data, Datatype, Tensor};

/// What a tensor is filled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contents {
    /// Zeros, `false`, empty strings.
    Zero,
    /// Numbers from 0 up to 1, integers 0 or 1, strings of one letter; the same ones each time.
    Random,
}

/// A tensor of this datatype and shape. The caller bounds its size.
///
/// # Panics
/// Never: elements are made as many as the shape has.
pub fn tensor(datatype: Datatype, shape: Vec<usize>, contents: Contents) -> Tensor {
    let mut numbers = Numbers { contents, state: SEED };
    let count = shape.iter().product();
    let whole = |n: &mut Numbers| n.next().round();
    let data = match datatype {
        Datatype::Bool => Data::Bool(numbers.many(count, |n| whole(n) > 0.0)),
        Datatype::Uint8 => Data::Uint8(numbers.many(count, |n| whole(n) as u8).into()),
        Datatype::Uint16 => Data::Uint16(numbers.many(count, |n| whole(n) as u16).into()),
        Datatype::Uint32 => Data::Uint32(numbers.many(count, |n| whole(n) as u32).into()),
        Datatype::Uint64 => Data::Uint64(numbers.many(count, |n| whole(n) as u64).into()),
        Datatype::Int8 => Data::Int8(numbers.many(count, |n| whole(n) as i8).into()),
        Datatype::Int16 => Data::Int16(numbers.many(count, |n| whole(n) as i16).into()),
        Datatype::Int32 => Data::Int32(numbers.many(count, |n| whole(n) as i32).into()),
        Datatype::Int64 => Data::Int64(numbers.many(count, |n| whole(n) as i64).into()),
        Datatype::Fp16 => Data::Fp16(numbers.many(count, |n| f16::from_f32(n.next())).into()),
        Datatype::Bf16 => Data::Bf16(numbers.many(count, |n| bf16::from_f32(n.next())).into()),
        Datatype::Fp32 => Data::Fp32(numbers.many(count, Numbers::next).into()),
        Datatype::Fp64 => Data::Fp64(numbers.many(count, |n| n.next().into()).into()),
        Datatype::Bytes => Data::Bytes(numbers.many(count, Numbers::text)),
    };
    Tensor::new(shape, data).expect("as many elements as the shape has")
}

const SEED: u32 = 0x9e37_79b9;

/// Numbers that look random, by Marsaglia's xorshift.
struct Numbers {
    contents: Contents,
    state: u32,
}

impl Numbers {
    fn many<T>(&mut self, count: usize, one: impl Fn(&mut Self) -> T) -> Vec<T> {
        (0..count).map(|_| one(self)).collect()
    }

    /// The next number, from 0 up to 1.
    fn next(&mut self) -> f32 {
        if self.contents == Contents::Zero {
            return 0.0;
        }
        self.state ^= self.state << 13;
        self.state ^= self.state >> 17;
        self.state ^= self.state << 5;
        (self.state >> 8) as f32 / (1 << 24) as f32
    }

    fn text(&mut self) -> Bytes {
        const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
        if self.contents == Contents::Zero {
            return Bytes::new();
        }
        let letter = (self.next() * LETTERS.len() as f32) as usize;
        Bytes::from_static(&LETTERS[letter..=letter])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_datatype_is_filled_as_asked() {
        for datatype in Datatype::ALL {
            let zero = tensor(datatype, vec![8, 8], Contents::Zero);
            let random = tensor(datatype, vec![8, 8], Contents::Random);
            assert_eq!((zero.datatype(), zero.shape()), (datatype, &[8, 8][..]));
            assert_eq!((random.datatype(), random.data().len()), (datatype, 64));
            assert_ne!(zero, random, "{datatype}");
            assert_eq!(random, tensor(datatype, vec![8, 8], Contents::Random), "the same each time");
        }
    }
}
