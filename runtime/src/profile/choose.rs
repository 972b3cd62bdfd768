//! From what runs cost to how a model is run.

use super::{Choice, Curve, Point};
use crate::device::Device;
use std::time::Duration;

/// What it costs beside the run to gather a batch, wake who runs it, and wake who waits for it, in microseconds.
const HAND_OVER_MICROS: f64 = 15.0;
/// Throughputs that differ by less than this are taken for equal: they are measured in a moment, on a busy machine.
const EQUAL_WITHIN: f64 = 0.02;

/// The way that answers the most rows per second; among equals, the one whose runs are shortest. Under a target for the
/// latency, only runs of at most half of it count, if there are any: the other half is for waiting.
pub fn choose<'a>(curves: impl Iterator<Item = &'a Curve> + Clone, latency_target: Option<Duration>) -> Option<Choice> {
    let ways = || curves.clone().flat_map(|curve| curve.points.iter().map(move |point| (curve, point)));
    let in_time = |point: &Point| is_in_time(point, latency_target);
    let any_in_time = ways().any(|(_, point)| in_time(point));
    let candidates = || ways().filter(|(_, point)| !any_in_time || in_time(point));
    let best = candidates().map(|(_, point)| throughput(point)).fold(0.0, f64::max);
    let equals = candidates().filter(|(_, point)| throughput(point) >= best * (1.0 - EQUAL_WITHIN));
    let (curve, point) = equals.min_by(|(_, a), (_, b)| a.micros.total_cmp(&b.micros))?;
    Some(Choice {
        engine: curve.engine.clone(),
        device: curve.device,
        instances: curve.instances,
        threads: curve.threads,
        batch_rows_max: point.rows,
    })
}

/// What a way answers at best, and what the best of the others does, each with the run that it takes.
pub fn why(
    curves: &[Curve],
    (engine, device): (&str, Device),
    (batch_rows_max, latency_target): (usize, Option<Duration>),
) -> Option<String> {
    let is_this = |curve: &Curve| (curve.engine.as_str(), curve.device) == (engine, device);
    let all = || curves.iter().flat_map(|curve| curve.points.iter().map(move |point| (curve, point)));
    let any_in_time = all().any(|(_, point)| is_in_time(point, latency_target));
    let best = |these: bool| {
        let counts = |(curve, point): &(&Curve, &Point)| {
            is_this(curve) == these
                && (!these || point.rows <= batch_rows_max)
                && (!any_in_time || is_in_time(point, latency_target))
        };
        all().filter(counts).max_by(|(_, a), (_, b)| throughput(a).total_cmp(&throughput(b)))
    };
    let told = |(curve, point): (&Curve, &Point)| {
        let Point { rows, micros, rows_per_second } = point;
        format!(
            "{} on {}: {rows_per_second:.0} rows/s in runs of {rows} rows, {micros:.0} µs each",
            curve.engine, curve.device
        )
    };
    let this = told(best(true)?);
    Some(match best(false) {
        Some(other) => format!("{this}; the best elsewhere is {}", told(other)),
        None => format!("{this}; nothing else was measured"),
    })
}

/// Whether a run leaves as much of the target for waiting as it takes.
fn is_in_time(point: &Point, latency_target: Option<Duration>) -> bool {
    latency_target.is_none_or(|target| point.micros <= target.as_secs_f64() * 1e6 / 2.0)
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
            device: Device::Cpu,
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

    #[test]
    fn a_gpu_is_taken_where_it_answers_more_in_time() {
        let cpu: Given<'_> = ("trees", 2, 1, &[(1, 4.0), (64, 64.0)]);
        let gpu: Given<'_> = ("trees", 1, 1, &[(1, 60.0), (64, 70.0), (1_024, 100.0)]);
        let mut curves = curves(&[cpu, gpu]);
        curves[1].device = Device::Cuda(0);
        for (target_micros, device) in [(None, Device::Cuda(0)), (Some(300), Device::Cuda(0)), (Some(130), Device::Cpu)]
        {
            let choice = choose(curves.iter(), target_micros.map(Duration::from_micros)).unwrap();
            assert_eq!(choice.device, device, "{target_micros:?}");
        }
        let said = why(&curves, ("trees", Device::Cuda(0)), (1_024, None)).unwrap();
        let expected = "trees on cuda:0: 10240000 rows/s in runs of 1024 rows, 100 µs each; the best elsewhere is trees on \
                        cpu: 2000000 rows/s in runs of 64 rows, 64 µs each";
        assert_eq!(said, expected);
        let said = why(&curves, ("trees", Device::Cpu), (64, Some(Duration::from_micros(130)))).unwrap();
        assert!(said.ends_with("trees on cuda:0: 16667 rows/s in runs of 1 rows, 60 µs each"), "{said}");
        assert_eq!(why(&curves, ("tract", Device::Cpu), (64, None)), None);
    }
}
