//! What counting costs: nanoseconds a value by rows at a time, of requests of one row between other work, and bytes a
//! feature: `counting [features] [rows]`.

use servoir_monitor::{Baseline, CategoryProfile, Column, Meter, NumberProfile, Precision, Tap, VersionCounts};
use servoir_types::{Data, Datatype, Label, Role, Shape, Signature, Tensor, TensorSpec};
use std::hint::black_box;
use std::time::Instant;

/// Times are the least of so many rounds, so that other work on the machine is between them.
const ROUNDS: usize = 500;
/// Values that are counted in a round, over all batches.
const VALUES: usize = 30_720;

fn main() {
    let features = std::env::args().nth(1).and_then(|number| number.parse().ok()).unwrap_or(30);
    let only: Option<usize> = std::env::args().nth(2).and_then(|number| number.parse().ok());
    let mut state = 88_172_645_463_325_252u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    };
    let mut normal = || (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
    let columns = (0..features).map(|index| {
        let values: Vec<f64> = (0..20_000).map(|_| normal()).collect();
        Column::number(format!("f{index}"), NumberProfile::of(&values, Precision::Single))
    });
    let baseline = Baseline::new(20_000, columns.collect(), Vec::new());
    let meter = Meter::new(&baseline);
    let rows: Vec<f32> = (0..VALUES).map(|_| normal() as f32).collect();
    for batch in [1, 2, 4, 8, 32, 128, 1024].into_iter().filter(|batch| only.is_none_or(|only| only == *batch)) {
        let mut least = f64::INFINITY;
        let mut counts = meter.counts();
        for _ in 0..ROUNDS {
            let start = Instant::now();
            for rows in black_box(&rows).chunks_exact(batch * features) {
                count(&meter, &mut counts, rows, features);
            }
            let counted = VALUES / (batch * features) * (batch * features);
            least = least.min(start.elapsed().as_secs_f64() * 1e9 / counted as f64);
        }
        black_box(&counts);
        println!(
            "{batch:5} rows at a time {least:6.2} ns a value {:8.1} ns a row of {features}",
            least * features as f64
        );
    }
    let counts = meter.counts();
    let number = size_of::<servoir_monitor::NumberCounts>();
    let mut filled = meter.counts();
    rows.chunks_exact(features).for_each(|row| count(&meter, &mut filled, row, features));
    println!("{number} bytes a feature counted, {} bytes stored a feature", filled.to_bytes().len() / features);
    println!("{} bytes stored a feature without traffic", counts.to_bytes().len() / features);
    println!("{} bytes of baseline a feature", baseline.to_json().len() / features);
    between_other_work(&baseline, &rows, features);
    texts();
}

/// Requests of a classifier, after work that has taken the cache for itself: all of its features and outputs.
fn between_other_work(baseline: &Baseline, values: &[f32], features: usize) {
    let names = baseline.features.iter().map(|column| column.name.clone()).collect();
    let spec = |name: &str, datatype, dims: &[i64]| TensorSpec::new(name, datatype, Shape::ranked(dims));
    let mut input = spec("x", Datatype::Fp32, &[-1, i64::try_from(features).unwrap_or(i64::MAX)]);
    input.feature_names = Some(names);
    let (mut label, mut scores) = (spec("label", Datatype::Int64, &[-1]), spec("scores", Datatype::Fp32, &[-1, 2]));
    label.role = Some(Role::Label);
    scores.role = Some(Role::Probabilities);
    scores.classes = Some(vec![Label::Int(0), Label::Int(1)]);
    let score =
        |name: &str| Column::number(name, NumberProfile::of(&[0.0, 0.1, 0.4, 0.6, 0.9, 1.0], Precision::Single));
    let outputs = vec![
        Column::category("label", CategoryProfile::of([Some("0"), Some("1")])),
        score("confidence"),
        score("probabilities.0"),
        score("probabilities.1"),
    ];
    let baseline = Baseline::new(20_000, baseline.features.clone(), outputs);
    let tap = Tap::new(&baseline, &Signature { inputs: vec![input], outputs: vec![label, scores] });
    assert_eq!(tap.misfits(), []);
    for rows in [1, 16, 1024] {
        let tensor = |shape: &[usize], data| Tensor::new(shape.to_vec(), data).expect("the data fill the shape");
        let labels: Vec<i64> = (0..rows).map(|row| i64::from(values[row] > 0.0)).collect();
        let scores: Vec<f32> =
            (0..rows).flat_map(|row| [values[row].abs().fract(), 1.0 - values[row].abs().fract()]).collect();
        let input = [tensor(&[rows, features], Data::Fp32(values[..rows * features].to_vec().into()))];
        let output = [tensor(&[rows], Data::Int64(labels.into())), tensor(&[rows, 2], Data::Fp32(scores.into()))];
        let mut others = vec![0u8; 1 << 20];
        let (mut counts, mut counter) = (tap.counts(), tap.counter());
        let mut least = [f64::INFINITY; 2];
        for _ in 0..20 {
            let mut times = [0.0; 2];
            for _ in 0..256 {
                for (turn, time) in times.iter_mut().enumerate() {
                    others.iter_mut().step_by(64).for_each(|byte| *byte = byte.wrapping_add(1));
                    // What a model that has just run has in its cache.
                    black_box(input[0].data() == black_box(&input)[0].data());
                    let request = black_box((&input[..], &output[..]));
                    let start = Instant::now();
                    match turn {
                        0 => tap.count(&mut counts, request, rows),
                        _ => tap.take(&mut counter, request, rows),
                    }
                    *time += start.elapsed().as_secs_f64() * 1e9 / (256 * rows) as f64;
                }
            }
            least = [least[0].min(times[0]), least[1].min(times[1])];
        }
        black_box((&counts, &counter, &others));
        let [at_once, gathered] = least;
        println!(
            "between other work, {rows:4} rows with outputs: {at_once:6.0} ns a row at once, {gathered:6.0} gathered"
        );
    }
}

#[inline(never)]
fn count(meter: &Meter, counts: &mut VersionCounts, rows: &[f32], features: usize) {
    for (column, (meter, counts)) in meter.features.iter().zip(&mut counts.features).enumerate() {
        meter.count(counts, rows, column, features);
    }
}

fn texts() {
    let names: Vec<String> = (0..40).map(|i| format!("category {i}")).collect();
    let profile = CategoryProfile::of(names.iter().map(|name| Some(name.as_str())));
    let baseline = Baseline::new(40, vec![Column::category("text", profile)], Vec::new());
    let meter = Meter::new(&baseline);
    let mut counts = meter.counts();
    let mut least = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for name in names.iter().cycle().take(1000) {
            meter.features[0].count_text(&mut counts.features[0], black_box(name));
        }
        least = least.min(start.elapsed().as_secs_f64() * 1e9 / 1000.0);
    }
    println!("{least:6.2} ns a text of 40 categories");
}
