//! A model that answers rows together as it answers each of them alone.

use servoir_runtime::Session;
use servoir_types::{Data, Tensor};
use std::ops::Range;

/// Asks a session for rows together and for each alone, with the inputs that `inputs` makes of a range of rows. Gives the
/// answers together; `None` when the rows are refused, together as alone.
pub fn together_as_alone(
    session: &mut dyn Session,
    rows: usize,
    inputs: impl Fn(Range<usize>) -> Vec<Tensor>,
) -> Option<Vec<Tensor>> {
    let mut answers = |rows| {
        let mut outputs = Vec::new();
        session.run(&inputs(rows), &mut outputs).ok().map(|()| outputs)
    };
    let together = answers(0..rows);
    let alone: Option<Vec<_>> = (0..rows).map(|row| answers(row..row + 1)).collect();
    // A row that is refused refuses the whole.
    assert_eq!(together.is_some(), alone.is_some());
    let (together, alone) = together.zip(alone)?;
    for (row, alone) in alone.iter().enumerate() {
        assert_eq!(alone.len(), together.len());
        for (alone, together) in alone.iter().zip(&together) {
            assert_eq!((alone.rows(), together.rows()), (1, rows));
            let len = together.row_len();
            let mut expected = Data::with_capacity(together.datatype(), len);
            assert!(expected.extend_from(together.data(), row * len..(row + 1) * len));
            assert!(are_same(alone.data(), &expected), "row {row}: {alone:?} alone, {expected:?} among others");
        }
    }
    Some(together)
}

/// Bit for bit, but that one NaN is like another.
fn are_same(one: &Data, other: &Data) -> bool {
    match (one, other) {
        (Data::Fp32(one), Data::Fp32(other)) => {
            one.len() == other.len()
                && one.iter().zip(other.iter()).all(|(a, b)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()))
        }
        (Data::Fp64(one), Data::Fp64(other)) => {
            one.len() == other.len()
                && one.iter().zip(other.iter()).all(|(a, b)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()))
        }
        _ => one == other,
    }
}
