//! Numbers that may be copied byte by byte.

/// A number without padding of which every pattern of bits is one: it may be copied to a device and back.
pub trait Plain: Copy + Default + Send + Sync + 'static {
    /// Its name in the names of kernels.
    const NAME: &'static str;
    /// Its bits, the higher ones zero.
    fn bits(self) -> u64;
}

macro_rules! plain {
    ($($number:ty, $name:literal, $bits:expr;)*) => {
        $(impl Plain for $number {
            const NAME: &'static str = $name;

            #[inline]
            fn bits(self) -> u64 {
                $bits(self)
            }
        })*
    };
}

plain! {
    u8, "u8", u64::from;
    u16, "u16", u64::from;
    u32, "u32", u64::from;
    u64, "u64", std::convert::identity;
    f32, "f32", |x: f32| u64::from(x.to_bits());
    f64, "f64", f64::to_bits;
}

/// Appends the numbers' bytes.
pub fn append<N: Plain>(bytes: &mut Vec<u8>, numbers: &[N]) {
    bytes.reserve(size_of_val(numbers));
    for number in numbers {
        // Devices are little-endian, and so is every machine that has one.
        bytes.extend_from_slice(&number.bits().to_le_bytes()[..size_of::<N>()]);
    }
}
