//! A forest of churn's size on a device, beside the same forest on the processor, copying alone, and xgboost's own predictor
//! there.
//!
//! `cargo run --release --package servoir-benches --bin cuda [-- --xgboost-python PYTHON]`
//!
//! Ends with 2 where there is no device.

mod forest;
mod xgboost;

use anyhow::{Result, ensure};
use clap::Parser;
use servoir_benches::forest::{FEATURES, trees};
use servoir_benches::random::Random;
use servoir_benches::report::median;
use servoir_kernels::cuda::{Device, DeviceForest, Libraries, Transfers, devices};
use servoir_kernels::trees::Forest;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Rows that are predicted together.
const BATCHES: [usize; 3] = [1 << 10, 1 << 16, 1 << 20];
/// Rounds, in each of which everything has its turn.
const ROUNDS: usize = 31;

#[derive(Parser)]
struct Arguments {
    /// A Python with a build of xgboost that knows devices, to hold xgboost's predictor beside; cupy, where that Python has it,
    /// keeps the rows in plain memory
    #[arg(long)]
    xgboost_python: Option<PathBuf>,
    /// Folders of CUDA's libraries
    #[arg(long)]
    libraries: Vec<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let mut folders = arguments.libraries;
    folders.extend(std::env::var_os("SERVOIR_TEST_NVRTC").map(PathBuf::from));
    Libraries::preload(&folders)?;
    let found = match devices() {
        Ok(found) => found,
        Err(none) => {
            eprintln!("no device, because {none}");
            return Ok(ExitCode::from(2));
        }
    };
    println!("{:?}", found[0]);
    let trees = trees(&mut Random::new());
    let forest = Forest::new(FEATURES, vec![0.5], &trees)?;
    let mut rival =
        arguments.xgboost_python.map(|python| xgboost::Xgboost::start(&python, &trees, "cuda")).transpose()?;
    let begun = Instant::now();
    let device = Device::open(0, None)?;
    let on_device = DeviceForest::new(&device, &forest)?;
    println!("compiled and copied in {:.2} s, {} bytes", begun.elapsed().as_secs_f64(), on_device.memory_bytes());
    for rows in BATCHES {
        measure(&device, (&forest, &on_device), rows, rival.as_mut())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Measures all at one number of rows.
fn measure(
    device: &std::sync::Arc<Device>,
    (forest, on_device): (&Forest<f32, f32>, &DeviceForest<f32, f32>),
    rows: usize,
    mut rival: Option<&mut xgboost::Xgboost>,
) -> Result<()> {
    let mut random = Random::new();
    let values: Vec<f32> = (0..rows * FEATURES).map(|_| random.number()).collect();
    let (mut expected, mut got) = (vec![0.0; rows], vec![0.0; rows]);
    let mut session = on_device.session()?;
    let mut transfers = Transfers::new(device, size_of_val(&*values), size_of_val(&*got))?;
    let threads = std::thread::available_parallelism()?.get();
    if let Some(rival) = &mut rival {
        let answered = rival.take_rows(&values, FEATURES)?;
        let mut first = [0.0];
        forest.predict(&values[..FEATURES], &mut first);
        ensure!((first[0] - answered).abs() <= 1e-5, "xgboost answers {answered}, not {first:?}");
    }
    let names = ["processor, all threads", "device", "copying alone", "xgboost on the device"];
    let mut times: [Vec<f64>; 4] = Default::default();
    // The first round is for what is made when it is first used.
    for round in 0..=ROUNDS {
        let taken = [
            seconds(|| {
                on_threads(forest, &values, &mut expected, threads);
                Ok(())
            })?,
            seconds(|| Ok(session.predict(&values, &mut got)?))?,
            seconds(|| Ok(transfers.run()?))?,
            rival.as_mut().map_or(Ok(f64::NAN), |rival| rival.run())?,
        ];
        if round > 0 {
            times.iter_mut().zip(taken).for_each(|(times, taken)| times.push(taken));
        }
    }
    let same = got.iter().zip(&expected).all(|(got, expected)| got.to_bits() == expected.to_bits());
    ensure!(same, "the device's answers to {rows} rows are not the processor's");
    println!("{rows} rows, {threads} threads, medians of {ROUNDS} rounds");
    let device_takes = median(&times[1]);
    for (name, times) in names.iter().zip(&times).filter(|(_, times)| times.iter().all(|time| time.is_finite())) {
        let takes = median(times);
        println!("  {name:<24} {:>10.1} us   × {:>7.2}", takes * 1e6, takes / device_takes);
    }
    Ok(())
}

fn on_threads(forest: &Forest<f32, f32>, values: &[f32], out: &mut [f32], threads: usize) {
    let each = out.len().div_ceil(threads);
    std::thread::scope(|scope| {
        for (values, out) in values.chunks(each * FEATURES).zip(out.chunks_mut(each)) {
            scope.spawn(move || forest.predict(values, out));
        }
    });
}

fn seconds(run: impl FnOnce() -> Result<()>) -> Result<f64> {
    let begun = Instant::now();
    run()?;
    Ok(begun.elapsed().as_secs_f64())
}
