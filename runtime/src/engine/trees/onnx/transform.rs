//! What becomes of a row's scores, as ONNX Runtime computes it.

use super::ensemble::Transform;

impl Transform {
    /// Changes a row of at least two scores.
    pub fn apply(self, scores: &mut [f32]) {
        match self {
            Self::None => {}
            Self::Logistic => scores.iter_mut().for_each(|score| *score = logistic(*score)),
            Self::Softmax => softmax(scores),
            Self::SoftmaxZero => softmax_zero(scores),
            Self::Probit => scores.iter_mut().for_each(|score| *score = probit(*score)),
        }
    }
}

/// `1 / (1 + e^-x)`.
fn logistic(x: f32) -> f32 {
    logistic_of_both(x)[1]
}

/// The logistic function of `-x` and of `x`.
pub fn logistic_of_both(x: f32) -> [f32; 2] {
    let above = 1.0 / (1.0 + (-x.abs()).exp());
    if x < 0.0 { [above, 1.0 - above] } else { [1.0 - above, above] }
}

fn largest(scores: &[f32]) -> f32 {
    scores.iter().copied().fold(f32::MIN, |largest, score| if largest < score { score } else { largest })
}

fn softmax(scores: &mut [f32]) {
    let largest = largest(scores);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - largest).exp();
        sum += *score;
    }
    scores.iter_mut().for_each(|score| *score /= sum);
}

/// Scores nearer to zero than this stay out of the sum.
const ZERO: f32 = 1e-7;

fn softmax_zero(scores: &mut [f32]) {
    let largest = largest(scores);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        if *score > ZERO || *score < -ZERO {
            *score = (*score - largest).exp();
            sum += *score;
        } else {
            *score *= (-largest).exp();
        }
    }
    scores.iter_mut().for_each(|score| *score /= sum);
}

/// The inverse of the normal distribution, by Winitzki's approximation of the inverse error function.
pub fn probit(x: f32) -> f32 {
    const A: f32 = 0.147;
    let x = 2.0 * x - 1.0;
    let log = ((1.0 - x) * (1.0 + x)).ln();
    let half = 2.0 / (std::f32::consts::PI * A) + 0.5 * log;
    let root = (half * half - 1.0 / A * log).sqrt() - half;
    let sign = if x < 0.0 { -1.0 } else { 1.0 };
    std::f32::consts::SQRT_2 * (sign * root.sqrt())
}
