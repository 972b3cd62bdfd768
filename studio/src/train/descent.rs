//! L-BFGS: the least of a smooth function, from its slopes (Nocedal, 1980; algorithm 7.5 of Nocedal and Wright, 2006).

use ndarray::Array1;
use std::collections::VecDeque;

/// How many steps are remembered.
const MEMORY: usize = 10;

/// How often a step is halved before the search ends.
const HALVINGS_MAX: usize = 40;

/// What a step must gain of what its slope promises (Armijo).
const GAIN_MIN: f64 = 1e-4;

/// When to end.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Steps.
    pub steps_max: usize,
    /// The largest slope that counts as none.
    pub slope_max: f64,
}

/// Goes down from `start`. `function` gives the value and the slopes at a point; `listen` is told the number of each step
/// and its point, and ends the search with an error.
///
/// # Errors
/// What `listen` says.
pub fn descend<E>(
    start: Array1<f64>,
    limits: Limits,
    function: impl Fn(&Array1<f64>) -> (f64, Array1<f64>),
    mut listen: impl FnMut(usize, &Array1<f64>) -> Result<(), E>,
) -> Result<Array1<f64>, E> {
    let mut point = start;
    let (mut value, mut slopes) = function(&point);
    let mut steps: VecDeque<(Array1<f64>, Array1<f64>)> = VecDeque::with_capacity(MEMORY);
    for number in 1..=limits.steps_max {
        if slopes.iter().all(|slope| slope.abs() <= limits.slope_max) {
            break;
        }
        let direction = direction(&slopes, &steps);
        let promised = direction.dot(&slopes);
        let mut length = if steps.is_empty() { 1.0 / slopes.dot(&slopes).sqrt().max(1.0) } else { 1.0 };
        let next = (0..HALVINGS_MAX).find_map(|_| {
            let next = &point + &(&direction * length);
            let (of_next, its_slopes) = function(&next);
            let is_enough = of_next <= value + GAIN_MIN * length * promised;
            length /= 2.0;
            is_enough.then_some((next, of_next, its_slopes))
        });
        // No shorter step gains anything: this is as deep as 64 bits tell.
        let Some((next, of_next, its_slopes)) = next else { break };
        let (moved, turned) = (&next - &point, &its_slopes - &slopes);
        if moved.dot(&turned) > f64::EPSILON * moved.dot(&moved) {
            steps.truncate(MEMORY - 1);
            steps.push_front((moved, turned));
        }
        (point, value, slopes) = (next, of_next, its_slopes);
        listen(number, &point)?;
    }
    Ok(point)
}

/// Where to go: down, bent by what the last steps say of the curvature. The latest step is first.
fn direction(slopes: &Array1<f64>, steps: &VecDeque<(Array1<f64>, Array1<f64>)>) -> Array1<f64> {
    let mut direction = -slopes;
    let mut shares = Vec::with_capacity(steps.len());
    for (moved, turned) in steps {
        let share = moved.dot(&direction) / moved.dot(turned);
        direction.scaled_add(-share, turned);
        shares.push(share);
    }
    if let Some((moved, turned)) = steps.front() {
        direction *= moved.dot(turned) / turned.dot(turned);
    }
    for ((moved, turned), share) in steps.iter().zip(shares).rev() {
        let back = turned.dot(&direction) / moved.dot(turned);
        direction.scaled_add(share - back, moved);
    }
    direction
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use std::convert::Infallible;

    #[test]
    fn the_bottom_of_a_bent_valley_is_found() {
        // Rosenbrock's function, whose least is at (1, 1).
        let valley = |at: &Array1<f64>| {
            let (x, y) = (at[0], at[1]);
            let value = (1.0 - x).powi(2) + 100.0 * (y - x * x).powi(2);
            (value, array![-2.0 * (1.0 - x) - 400.0 * x * (y - x * x), 200.0 * (y - x * x)])
        };
        let limits = Limits { steps_max: 200, slope_max: 1e-9 };
        let found: Result<_, Infallible> = descend(array![-1.2, 1.0], limits, valley, |_, _| Ok(()));
        let Ok(found) = found;
        assert!((found[0] - 1.0).abs() < 1e-6 && (found[1] - 1.0).abs() < 1e-6, "{found}");
    }
}
