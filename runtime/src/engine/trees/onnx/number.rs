//! The two precisions in which ONNX Runtime computes trees.

use servoir_kernels::trees::{Feature, Sum};
use servoir_types::Data;

/// The precision of features, thresholds, leaves and sums.
pub trait Number: Feature + Sum + std::ops::Add<Output = Self> + std::ops::Div<Output = Self> {
    /// Of a number that the file has with 64 bits.
    fn of_f64(number: f64) -> Self;
    /// Rounded to 32 bits.
    fn to_f32(self) -> f32;
    /// The elements of a block that is of this precision.
    fn elements(data: &Data) -> Option<&[Self]>;
    /// The same, taken out of the block.
    fn into_elements(data: Data) -> Option<Vec<Self>>;
    /// A block of this precision.
    fn block(elements: Vec<Self>) -> Data;
}

impl Number for f32 {
    #[allow(clippy::cast_possible_truncation)] // the file's number has 32 bits
    fn of_f64(number: f64) -> Self {
        number as Self
    }

    fn to_f32(self) -> f32 {
        self
    }

    fn elements(data: &Data) -> Option<&[Self]> {
        if let Data::Fp32(elements) = data { Some(elements) } else { None }
    }

    fn into_elements(data: Data) -> Option<Vec<Self>> {
        if let Data::Fp32(mut elements) = data { Some(std::mem::take(elements.to_mut())) } else { None }
    }

    fn block(elements: Vec<Self>) -> Data {
        Data::Fp32(elements.into())
    }
}

impl Number for f64 {
    fn of_f64(number: f64) -> Self {
        number
    }

    #[allow(clippy::cast_possible_truncation)] // outputs have 32 bits
    fn to_f32(self) -> f32 {
        self as f32
    }

    fn elements(data: &Data) -> Option<&[Self]> {
        if let Data::Fp64(elements) = data { Some(elements) } else { None }
    }

    fn into_elements(data: Data) -> Option<Vec<Self>> {
        if let Data::Fp64(mut elements) = data { Some(std::mem::take(elements.to_mut())) } else { None }
    }

    fn block(elements: Vec<Self>) -> Data {
        Data::Fp64(elements.into())
    }
}
