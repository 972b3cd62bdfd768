//! What runs cost by their rows: measured on made-up inputs, or known from a profile.

use super::warmup::made_up;
use crate::batch::{gather, is_batchable};
use crate::engine::{Session, caught};
use crate::profile::Point;
use servoir_types::{Datatype, Signature, Tensor};
use std::time::{Duration, Instant};

/// Runs of which the shortest is taken: what else the machine does makes runs longer, never shorter.
const RUNS: usize = 5;
/// The most rows that are tried where nothing is known.
const ROWS_MAX: usize = 64;

/// What runs cost, in microseconds, by their rows: ascending, at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Costs(Vec<(usize, f64)>);

impl Costs {
    /// As a profile has them; `None` when it has none.
    pub fn known(points: &[Point]) -> Option<Self> {
        let costs: Vec<_> = points.iter().map(|point| (point.rows, point.micros)).collect();
        (!costs.is_empty()).then_some(Self(costs))
    }

    /// Measures one row, and where it takes no longer than `limit` two, four and so on, up to 64. `None` when the model refuses
    /// made-up inputs.
    pub fn measured(session: &mut dyn Session, signature: &Signature, limit: Duration) -> Option<Self> {
        let first = shortest(session, signature, 1)?;
        let mut costs = vec![(1, micros(first))];
        let mut rows = 2;
        while first <= limit && rows <= ROWS_MAX && is_batchable(signature) {
            let Some(cost) = shortest(session, signature, rows) else { break };
            costs.push((rows, micros(cost)));
            rows *= 2;
        }
        Some(Self(costs))
    }

    /// The most rows, of those that are known, whose run takes no longer than `limit`, as all smaller ones do; 0 when not even the
    /// smallest does.
    pub fn rows_within(&self, limit: Duration) -> usize {
        let within = self.0.iter().take_while(|(_, cost)| *cost <= micros(limit));
        within.last().map_or(0, |(rows, _)| *rows)
    }

    /// What a run of so many rows costs, in microseconds: between two that are known on the line between them; beyond them, as
    /// much by the row as the nearest.
    pub fn of(&self, rows: f64) -> f64 {
        let after = self.0.partition_point(|(known, _)| (*known as f64) < rows);
        let (below, above) = (after.checked_sub(1).map(|below| self.0[below]), self.0.get(after).copied());
        match (below, above) {
            (Some((fewer, cheaper)), Some((more, dearer))) => {
                let (fewer, more) = (fewer as f64, more as f64);
                cheaper + (dearer - cheaper) * (rows - fewer) / (more - fewer)
            }
            (Some((nearest, cost)), None) | (None, Some((nearest, cost))) => cost * rows / nearest as f64,
            (None, None) => 0.0,
        }
    }

    /// The numbers of rows that are known.
    pub fn sizes(&self) -> impl Iterator<Item = usize> {
        self.0.iter().map(|(rows, _)| *rows)
    }
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_known_between_and_beyond_what_was_measured() {
        let point = |(rows, micros): (usize, f64)| Point { rows, micros, rows_per_second: 0.0 };
        let costs = Costs::known(&[(1, 4.0), (2, 5.0), (8, 11.0)].map(point)).unwrap();
        for (rows, expected) in [(0.5, 2.0), (1.0, 4.0), (1.5, 4.5), (2.0, 5.0), (5.0, 8.0), (8.0, 11.0), (16.0, 22.0)]
        {
            assert!((costs.of(rows) - expected).abs() < 1e-9, "{rows}: {}", costs.of(rows));
        }
        for (micros, rows) in [(3, 0), (4, 1), (10, 2), (11, 8), (1_000, 8)] {
            assert_eq!(costs.rows_within(Duration::from_micros(micros)), rows, "{micros}");
        }
        assert_eq!(Costs::known(&[]), None);
    }
}
