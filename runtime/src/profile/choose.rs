//! From what runs cost to how a model is run.

use super::{Choice, Curve, Point};
use std::time::Duration;

/// What it costs beside the run to gather a batch, wake who runs it, and wake who waits for it, in microseconds.
const HAND_OVER_MICROS: f64 = 15.0;
/// Throughputs that differ by less than this are taken for equal: they are measured in a moment, on a busy machine.
const EQUAL_WITHIN: f64 = 0.03;

/// The way that answers the most rows per second; among equals, the one whose runs are shortest. Under a target for the
/// latency, only runs of at most half of it count, if there are any: the other half is for waiting.
pub fn choose<'a>(curves: impl Iterator<Item = &'a Curve> + Clone, latency_target: Option<Duration>) -> Option<Choice> {
    let ways = || curves.clone().flat_map(|curve| curve.points.iter().map(move |point| (curve, point)));
    let in_time = |point: &Point| latency_target.is_none_or(|target| point.micros <= target.as_secs_f64() * 1e6 / 2.0);
    let any_in_time = ways().any(|(_, point)| in_time(point));
    let candidates = || ways().filter(|(_, point)| !any_in_time || in_time(point));
    let best = candidates().map(|(_, point)| throughput(point)).fold(0.0, f64::max);
    let equals = candidates().filter(|(_, point)| throughput(point) >= best * (1.0 - EQUAL_WITHIN));
    let (curve, point) = equals.min_by(|(_, a), (_, b)| a.micros.total_cmp(&b.micros))?;
    Some(Choice {
        engine: curve.engine.clone(),
        instances: curve.instances,
        threads: curve.threads,
        batch_rows_max: point.rows,
    })
}

/// Rows per second with what is around a run.
fn throughput(point: &Point) -> f64 {
    point.rows_per_second * point.micros / (point.micros + HAND_OVER_MICROS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A curve: engine, instances, threads, and the microseconds of a run by its rows.
    type Given<'a> = (&'a str, usize, usize, &'a [(usize, f64)]);
    /// A choice: engine, instances, threads, the most rows together.
    type Chosen<'a> = (&'a str, usize, usize, usize);

    fn curves(given: &[Given<'_>]) -> Vec<Curve> {
        let point = |instances: usize, &(rows, micros): &(usize, f64)| Point {
            rows,
            micros,
            rows_per_second: (instances * rows) as f64 * 1e6 / micros,
        };
        let curve = |&(engine, instances, threads, points): &Given<'_>| Curve {
            engine: engine.into(),
            instances,
            threads,
            points: points.iter().map(|given| point(instances, given)).collect(),
        };
        given.iter().map(curve).collect()
    }

    #[test]
    fn throughput_decides_and_latency_among_equals() {
        let cases: &[(&str, &[Given<'_>], Option<u64>, Chosen<'_>)] = &[
            // A convolution, linear in the batch: two threads are as fast as two instances, and sooner done.
            (
                "linear",
                &[
                    ("onnxruntime", 2, 1, &[(1, 3_000.0), (2, 6_000.0), (4, 12_000.0)]),
                    ("onnxruntime", 1, 2, &[(1, 1_500.0), (2, 3_000.0)]),
                ],
                None,
                ("onnxruntime", 1, 2, 1),
            ),
            // Two threads do not help one run: two instances.
            (
                "two instances",
                &[("onnxruntime", 2, 1, &[(1, 100.0), (8, 800.0)]), ("onnxruntime", 1, 2, &[(1, 80.0), (8, 600.0)])],
                None,
                ("onnxruntime", 2, 1, 8),
            ),
            // Batches are cheaper by the row.
            (
                "batches",
                &[("trees", 2, 1, &[(1, 4.0), (64, 50.0)]), ("onnxruntime", 2, 1, &[(1, 20.0), (64, 1_200.0)])],
                None,
                ("trees", 2, 1, 64),
            ),
            ("target", &[("onnxruntime", 2, 1, &[(1, 400.0), (8, 1_600.0)])], Some(1_000), ("onnxruntime", 2, 1, 1)),
            ("no way is in time", &[("tract", 1, 1, &[(1, 400.0)])], Some(10), ("tract", 1, 1, 1)),
        ];
        for (name, given, target_micros, expected) in cases {
            let choice = choose(curves(given).iter(), target_micros.map(Duration::from_micros)).unwrap();
            let got = (choice.engine.as_str(), choice.instances, choice.threads, choice.batch_rows_max);
            assert_eq!(got, *expected, "{name}");
        }
        assert_eq!(choose([].iter(), None), None);
    }
}
