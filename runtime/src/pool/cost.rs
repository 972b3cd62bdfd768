//! What a run costs, measured on made-up inputs.

use super::warmup::made_up;
use crate::batch::{gather, is_batchable};
use crate::engine::{Session, caught};
use servoir_types::{Datatype, Signature, Tensor};
use std::time::{Duration, Instant};

/// Runs of which the shortest is taken: what else the machine does makes runs longer, never shorter.
const RUNS: usize = 5;
/// The most rows that are tried on the thread that asks.
const ROWS_MAX: usize = 64;

/// The most rows whose run takes no longer than `limit`: a power of two, up to 64; 0 when not even one does.
pub fn rows_within(session: &mut dyn Session, signature: &Signature, limit: Duration) -> usize {
    let mut within = 0;
    let mut rows = 1;
    while rows <= ROWS_MAX && shortest(session, signature, rows).is_some_and(|cost| cost <= limit) {
        within = rows;
        if !is_batchable(signature) {
            break;
        }
        rows *= 2;
    }
    within
}

/// The shortest of a few runs of `rows` rows; `None` when the model refuses made-up inputs.
fn shortest(session: &mut dyn Session, signature: &Signature, rows: usize) -> Option<Duration> {
    let inputs = rows_of(signature, rows)?;
    let mut outputs = Vec::new();
    let mut shortest = None;
    for _ in 0..RUNS {
        let started = Instant::now();
        caught(|| session.run(&inputs, &mut outputs)).ok()?.ok()?;
        let cost = started.elapsed();
        shortest = Some(shortest.map_or(cost, |shortest: Duration| shortest.min(cost)));
    }
    shortest
}

/// `rows` rows of made-up inputs; `None` when a shape is unknown or too large.
pub fn rows_of(signature: &Signature, rows: usize) -> Option<Vec<Tensor>> {
    let row = made_up(signature, 0)?;
    if rows <= 1 {
        return Some(row);
    }
    let mut batch = Vec::new();
    gather(&vec![row.as_slice(); rows], &mut batch).then_some(batch)
}

/// Whether all that a row costs is known beforehand: no free dimension but the rows', and no texts.
pub fn has_rows_of_one_cost(signature: &Signature) -> bool {
    signature.inputs.iter().all(|input| {
        let fixed = input.shape.dims().is_some_and(|dims| dims.iter().skip(1).all(|&dim| dim >= 0));
        fixed && input.datatype != Datatype::Bytes
    })
}
