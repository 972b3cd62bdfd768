//! What the engine does without a server around it: sessions at work in this process, as many as the server has, with the
//! threads and the rows of a run that it has.

use anyhow::{Context as _, Result};
use servoir_benches::random::Random;
use servoir_benches::server::given;
use servoir_runtime::{Artifact, EngineName, Engines, Format, LoadOptions, Program};
use servoir_types::{Data, Datatype, Tensor, TensorSpec};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// How a model is run.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The engine's name.
    pub engine: String,
    /// Sessions.
    pub instances: usize,
    /// Threads of a run.
    pub threads: usize,
}

/// Rows per second of all sessions together, each running `rows` rows again and again for `duration`.
pub fn rows_per_second(path: &Path, setting: &Setting, rows: usize, duration: Duration) -> Result<f64> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let engines = Engines::discover(Some(&given("ORT_DYLIB_PATH")?), cores);
    let artifact = Artifact { path: path.to_path_buf(), folder: None, format: Format::Onnx };
    let options = LoadOptions::cpu(EngineName::from_text(&setting.engine), setting.threads);
    let program = engines.load(&artifact, &options)?;
    let runs = thread::scope(|scope| {
        let workers: Vec<_> = (0..setting.instances).map(|_| scope.spawn(|| runs(&*program, rows, duration))).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().ok().context("a session's thread panicked")?)
            .sum::<Result<f64>>()
    })?;
    Ok(runs * rows as f64)
}

/// Runs per second of one session.
fn runs(program: &dyn Program, rows: usize, duration: Duration) -> Result<f64> {
    let mut random = Random::new();
    let inputs =
        program.signature().inputs.iter().map(|input| tensor(input, rows, &mut random)).collect::<Result<Vec<_>>>()?;
    let (mut session, mut outputs, mut count) = (program.session()?, Vec::new(), 0u32);
    session.run(&inputs, &mut outputs)?;
    let start = Instant::now();
    while start.elapsed() < duration {
        session.run(&inputs, &mut outputs)?;
        count += 1;
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}

fn tensor(spec: &TensorSpec, rows: usize, random: &mut Random) -> Result<Tensor> {
    let dims = spec.shape.dims().context("an input of any rank")?;
    let shape: Vec<usize> = dims.iter().map(|&size| usize::try_from(size).unwrap_or(rows)).collect();
    let count: usize = shape.iter().product();
    let data = match spec.datatype {
        Datatype::Int64 => Data::Int64((0..count).map(|_| random.below(100) as i64).collect::<Vec<_>>().into()),
        _ => Data::Fp32((0..count).map(|_| random.number()).collect::<Vec<_>>().into()),
    };
    Ok(Tensor::new(shape, data)?)
}
