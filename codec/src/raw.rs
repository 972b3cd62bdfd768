//! Tensors as bytes: elements in row-major order, the least significant byte first, as the binary tensor extension of the
//! Open Inference Protocol and the raw contents of its gRPC messages have them.
//!
//! A BOOL is one byte, 0 or 1. An element of BYTES is its length in four bytes and then itself.

use crate::fault::Fault;
use bytemuck::Pod;
use bytes::{Buf as _, Bytes};
use half::{bf16, f16};
use servoir_types::{Data, Datatype, Elements, Tensor, TensorSpec};

/// Bytes before an element of BYTES: its length.
const LENGTH_BYTES: usize = size_of::<u32>();

/// The tensor of an input whose elements are `bytes`; numbers are not copied when they lie aligned for their type.
///
/// # Errors
/// 400 when there are fewer or more bytes than the shape takes, or one that cannot be: a BOOL beyond 1.
pub fn read(spec: &TensorSpec, shape: &[usize], bytes: Bytes) -> Result<Tensor, Fault> {
    let reading = Reading { spec, shape, came: bytes.len() };
    let Some(count) = shape.iter().try_fold(1usize, |count, &dim| count.checked_mul(dim)) else {
        return Err(reading.wrong(format!("shape {shape:?} has more elements than can be counted")));
    };
    let data = match spec.datatype {
        Datatype::Bool => Data::Bool(reading.bools(count, &bytes)?),
        Datatype::Uint8 => Data::Uint8(reading.numbers::<u8>(count, bytes)?),
        Datatype::Uint16 => Data::Uint16(reading.numbers::<u16>(count, bytes)?),
        Datatype::Uint32 => Data::Uint32(reading.numbers::<u32>(count, bytes)?),
        Datatype::Uint64 => Data::Uint64(reading.numbers::<u64>(count, bytes)?),
        Datatype::Int8 => Data::Int8(reading.numbers::<i8>(count, bytes)?),
        Datatype::Int16 => Data::Int16(reading.numbers::<i16>(count, bytes)?),
        Datatype::Int32 => Data::Int32(reading.numbers::<i32>(count, bytes)?),
        Datatype::Int64 => Data::Int64(reading.numbers::<i64>(count, bytes)?),
        Datatype::Fp16 => Data::Fp16(reading.numbers::<f16>(count, bytes)?),
        Datatype::Bf16 => Data::Bf16(reading.numbers::<bf16>(count, bytes)?),
        Datatype::Fp32 => Data::Fp32(reading.numbers::<f32>(count, bytes)?),
        Datatype::Fp64 => Data::Fp64(reading.numbers::<f64>(count, bytes)?),
        Datatype::Bytes => Data::Bytes(reading.texts(count, bytes)?),
    };
    Tensor::new(shape.to_vec(), data).map_err(|error| Fault::Defect(error.to_string()))
}

/// What [`write()`] appends for a tensor, in bytes.
pub fn len(tensor: &Tensor) -> usize {
    match tensor.data() {
        Data::Bytes(texts) => texts.iter().map(|text| LENGTH_BYTES + text.len()).sum(),
        data => data.size_bytes(),
    }
}

/// Appends a tensor's elements to `out`.
///
/// # Errors
/// 422 for an element of BYTES that is longer than its four bytes of length can say.
pub fn write(tensor: &Tensor, out: &mut Vec<u8>) -> Result<(), Fault> {
    out.reserve(len(tensor));
    match tensor.data() {
        Data::Bool(values) => out.extend(values.iter().map(|&value| u8::from(value))),
        Data::Uint8(values) => numbers(values, out),
        Data::Uint16(values) => numbers(values, out),
        Data::Uint32(values) => numbers(values, out),
        Data::Uint64(values) => numbers(values, out),
        Data::Int8(values) => numbers(values, out),
        Data::Int16(values) => numbers(values, out),
        Data::Int32(values) => numbers(values, out),
        Data::Int64(values) => numbers(values, out),
        Data::Fp16(values) => numbers(values, out),
        Data::Bf16(values) => numbers(values, out),
        Data::Fp32(values) => numbers(values, out),
        Data::Fp64(values) => numbers(values, out),
        Data::Bytes(texts) => return write_texts(texts, out),
    }
    Ok(())
}

fn write_texts(texts: &[Bytes], out: &mut Vec<u8>) -> Result<(), Fault> {
    for text in texts {
        let Ok(length) = u32::try_from(text.len()) else {
            let detail = format!("an element of {} bytes; the binary form has at most {}", text.len(), u32::MAX);
            return Err(Fault::NotRepresentable(detail));
        };
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(text);
    }
    Ok(())
}

fn numbers<T: Pod>(values: &Elements<T>, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(values.as_bytes());
    swap_on_big_endian::<T>(&mut out[start..]);
}

/// Between the machine's order of bytes and the protocol's; nothing where they are the same.
fn swap_on_big_endian<T>(bytes: &mut [u8]) {
    if cfg!(target_endian = "big") {
        bytes.chunks_exact_mut(size_of::<T>()).for_each(<[u8]>::reverse);
    }
}

/// An input as it is read, for what messages say.
struct Reading<'a> {
    spec: &'a TensorSpec,
    shape: &'a [usize],
    /// Bytes.
    came: usize,
}

impl Reading<'_> {
    fn numbers<T: Pod>(&self, count: usize, bytes: Bytes) -> Result<Elements<T>, Fault> {
        self.check_size(count, size_of::<T>())?;
        let bytes = if cfg!(target_endian = "big") {
            let mut swapped = bytes.to_vec();
            swap_on_big_endian::<T>(&mut swapped);
            swapped.into()
        } else {
            bytes
        };
        Elements::from_bytes(bytes).ok_or_else(|| self.wrong("its bytes are no whole number of elements".to_owned()))
    }

    fn bools(&self, count: usize, bytes: &[u8]) -> Result<Vec<bool>, Fault> {
        self.check_size(count, 1)?;
        if let Some(position) = bytes.iter().position(|&byte| byte > 1) {
            return Err(self.wrong(format!("value {position} is the byte {}, BOOL takes 0 and 1", bytes[position])));
        }
        Ok(bytes.iter().map(|&byte| byte == 1).collect())
    }

    fn texts(&self, count: usize, mut bytes: Bytes) -> Result<Vec<Bytes>, Fault> {
        let whole = bytes.len();
        // Before anything is allocated: every element takes its length at least.
        if count > whole / LENGTH_BYTES {
            return Err(self.wrong(format!(
                "shape {:?} has {count} elements of at least {LENGTH_BYTES} bytes, {whole} bytes came",
                self.shape
            )));
        }
        let mut texts = Vec::with_capacity(count);
        for position in 0..count {
            let length = bytes.try_get_u32_le().ok().and_then(|length| usize::try_from(length).ok());
            match length {
                Some(length) if length <= bytes.len() => texts.push(bytes.split_to(length)),
                Some(length) => {
                    let left = bytes.len();
                    return Err(self.wrong(format!("value {position} says it has {length} bytes, {left} are left")));
                }
                None => {
                    let left = bytes.len();
                    return Err(self.wrong(format!(
                        "value {position} begins with {LENGTH_BYTES} bytes of length, {left} are left"
                    )));
                }
            }
        }
        if !bytes.is_empty() {
            return Err(self.wrong(format!(
                "shape {:?} has {count} elements, {} bytes are left after them",
                self.shape,
                bytes.len()
            )));
        }
        Ok(texts)
    }

    fn check_size(&self, count: usize, size: usize) -> Result<(), Fault> {
        if count.checked_mul(size) == Some(self.came) {
            return Ok(());
        }
        let (shape, datatype, came) = (self.shape, self.spec.datatype, self.came);
        Err(self.wrong(format!("shape {shape:?} of {datatype} takes {count} × {size} bytes, {came} came")))
    }

    fn wrong(&self, detail: String) -> Fault {
        Fault::Form(format!("input '{}': {detail}", self.spec.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use servoir_types::Shape;

    fn spec(datatype: Datatype) -> TensorSpec {
        TensorSpec::new("x", datatype, Shape::unranked())
    }

    #[test]
    fn every_datatype_has_its_bytes() {
        let cases: [(Data, &[u8]); 14] = [
            (Data::Bool(vec![true, false]), &[1, 0]),
            (Data::Uint8(vec![1, 255].into()), &[1, 255]),
            (Data::Uint16(vec![1, 0x0203].into()), &[1, 0, 3, 2]),
            (Data::Uint32(vec![1, 0x0203_0405].into()), &[1, 0, 0, 0, 5, 4, 3, 2]),
            (Data::Uint64(vec![1, 2].into()), &[1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]),
            (Data::Int8(vec![-1, 1].into()), &[255, 1]),
            (Data::Int16(vec![-2, 1].into()), &[254, 255, 1, 0]),
            (Data::Int32(vec![-2, 1].into()), &[254, 255, 255, 255, 1, 0, 0, 0]),
            (Data::Int64(vec![-1, 1].into()), &[255, 255, 255, 255, 255, 255, 255, 255, 1, 0, 0, 0, 0, 0, 0, 0]),
            (Data::Fp16(vec![f16::ONE, f16::from_f32(-2.0)].into()), &[0x00, 0x3c, 0x00, 0xc0]),
            (Data::Bf16(vec![bf16::ONE, bf16::from_f32(-2.0)].into()), &[0x80, 0x3f, 0x00, 0xc0]),
            (Data::Fp32(vec![1.0, -2.0].into()), &[0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0]),
            (Data::Fp64(vec![1.0, -2.0].into()), &[0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0xc0]),
            (Data::Bytes(vec!["ab".into(), "".into()]), &[2, 0, 0, 0, b'a', b'b', 0, 0, 0, 0]),
        ];
        for (data, expected) in cases {
            let datatype = data.datatype();
            let tensor = Tensor::new(vec![2, 1], data).unwrap();
            let mut bytes = vec![7];
            write(&tensor, &mut bytes).unwrap();
            assert_eq!(&bytes[1..], expected, "{datatype}");
            assert_eq!(len(&tensor), expected.len(), "{datatype}");
            // At an odd address as well, where numbers cannot be viewed.
            let bytes = Bytes::from(bytes).slice(1..);
            assert_eq!(read(&spec(datatype), &[2, 1], bytes).unwrap(), tensor, "{datatype}");
            let empty = Tensor::new(vec![0], Data::with_capacity(datatype, 0)).unwrap();
            assert_eq!((len(&empty), read(&spec(datatype), &[0], Bytes::new())), (0, Ok(empty)), "{datatype}");
        }
    }

    #[test]
    fn what_does_not_fit_the_shape_is_refused() {
        let huge = [usize::MAX, 1];
        let cases: [(Datatype, &[usize], &[u8], &str); 10] = [
            (Datatype::Fp32, &[2], &[0; 7], "shape [2] of FP32 takes 2 × 4 bytes, 7 came"),
            (Datatype::Fp32, &[2], &[0; 12], "shape [2] of FP32 takes 2 × 4 bytes, 12 came"),
            (
                Datatype::Fp64,
                &huge,
                &[],
                "shape [18446744073709551615, 1] of FP64 takes 18446744073709551615 × 8 bytes",
            ),
            (Datatype::Uint8, &[usize::MAX, 2], &[], "shape [18446744073709551615, 2] has more elements than can be"),
            (Datatype::Bool, &[3], &[0, 1, 2], "value 2 is the byte 2, BOOL takes 0 and 1"),
            (Datatype::Bool, &[3], &[0, 1], "shape [3] of BOOL takes 3 × 1 bytes, 2 came"),
            (Datatype::Bytes, &huge, &[0; 4], "shape [18446744073709551615, 1] has 18446744073709551615 elements of"),
            (Datatype::Bytes, &[1], &[3, 0, 0, 0, 9], "value 0 says it has 3 bytes, 1 are left"),
            (Datatype::Bytes, &[2], &[2, 0, 0, 0, 9, 9, 0, 0], "value 1 begins with 4 bytes of length, 2 are left"),
            (Datatype::Bytes, &[1], &[0, 0, 0, 0, 9], "shape [1] has 1 elements, 1 bytes are left after them"),
        ];
        for (datatype, shape, bytes, expected) in cases {
            let error = read(&spec(datatype), shape, Bytes::copy_from_slice(bytes)).unwrap_err().to_string();
            assert!(error.starts_with(&format!("input 'x': {expected}")), "{error}");
        }
    }

    #[test]
    fn elements_of_bytes_are_parts_of_what_came() {
        let bytes = Bytes::from(vec![1, 0, 0, 0, b'a', 1, 0, 0, 0, b'b']);
        let (_, data) = read(&spec(Datatype::Bytes), &[2], bytes.clone()).unwrap().into_parts();
        let Data::Bytes(texts) = data else { panic!("{data:?}") };
        assert!(std::ptr::eq(texts[1].as_ptr(), bytes[9..].as_ptr()));
    }
}
