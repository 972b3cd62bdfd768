//! What takes the place of missing numbers, and how numbers are scaled, column by column.

use crate::config::{HandleMissing, ScaleFeatures};

/// `(x - offset) * scale`, in 32 bits, as the operator `Scaler` of ai.onnx.ml computes it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub struct Scaling {
    pub offset: f32,
    pub scale: f32,
}

impl Scaling {
    /// The scaled number.
    pub fn apply(self, number: f32) -> f32 {
        (number - self.offset) * self.scale
    }

    /// From a column's training values, none of which is NaN. A column of one value is moved and not scaled.
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // what the model computes with has 32 bits
    pub fn fit(how: ScaleFeatures, values: &[f32]) -> Self {
        let scaling = |offset: f64, width: f64| {
            let scale = (1.0 / width) as f32;
            Self { offset: offset as f32, scale: if scale.is_normal() { scale } else { 1.0 } }
        };
        match how {
            ScaleFeatures::MinMax => {
                let least = values.iter().copied().fold(f32::INFINITY, f32::min);
                let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                if values.is_empty() {
                    scaling(0.0, 1.0)
                } else {
                    scaling(least.into(), f64::from(most) - f64::from(least))
                }
            }
            _ => {
                let mean = mean(values);
                let squares: f64 = values.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum();
                scaling(mean, (squares / values.len().max(1) as f64).sqrt())
            }
        }
    }
}

/// What takes the place of what is missing in a column with these values; 0 when there are none.
#[allow(clippy::cast_possible_truncation)] // what the model computes with has 32 bits
pub fn fill(how: HandleMissing, values: &mut [f32]) -> f32 {
    match how {
        HandleMissing::Zero => 0.0,
        HandleMissing::Mean => mean(values) as f32,
        _ => median(values),
    }
}

#[allow(clippy::cast_precision_loss)] // numbers of rows
fn mean(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value)).sum::<f64>() / values.len().max(1) as f64
}

#[allow(clippy::cast_possible_truncation)] // between two numbers of 32 bits
fn median(values: &mut [f32]) -> f32 {
    if values.is_empty() {
        return 0.0;
    }
    let (count, middle) = (values.len(), values.len() / 2);
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f32::total_cmp);
    if count % 2 == 1 {
        return upper;
    }
    let lower = below.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    (f64::midpoint(lower.into(), upper.into())) as f32
}
