//! What the engine does without a server around it: sessions at work in this process, as many as the server has, with the
//! threads and the rows of a run that it has.

use anyhow::{Context as _, Result};
use servoir_benches::process::Usage;
use servoir_benches::random::Random;
use servoir_benches::rows;
use servoir_benches::server::given;
use servoir_runtime::{Artifact, EngineName, Engines, Format, LoadOptions, Session};
use servoir_types::Tensor;
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

/// What the engine does by itself.
#[derive(Debug, Clone, Copy)]
pub struct Alone {
    /// Of all sessions together.
    pub rows_per_second: f64,
    /// Processor time of a row, in microseconds.
    pub cpu_us: f64,
}

/// All sessions at work, each running `rows` rows again and again for `duration`.
pub fn alone(path: &Path, setting: &Setting, rows: usize, duration: Duration) -> Result<Alone> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let engines = Engines::discover(Some(&given("ORT_DYLIB_PATH")?), cores);
    let artifact = Artifact { path: path.to_path_buf(), folder: None, format: Format::Onnx };
    let options = LoadOptions::cpu(EngineName::from_text(&setting.engine), setting.threads);
    let program = engines.load(&artifact, &options)?;
    let mut random = Random::new();
    let inputs = rows::of(program.signature(), rows, &mut random)?;
    let mut sessions = (0..setting.instances).map(|_| program.session()).collect::<Result<Vec<_>, _>>()?;
    let mut outputs = Vec::new();
    sessions.iter_mut().try_for_each(|session| session.run(&inputs, &mut outputs))?;
    let (start, before) = (Instant::now(), Usage::of(std::process::id())?);
    let runs = thread::scope(|scope| {
        let at_work = |session| scope.spawn(|| runs(session, &inputs, duration));
        let workers: Vec<_> = sessions.iter_mut().map(at_work).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, Result<u32>>| {
            worker.join().ok().context("a session's thread panicked")?
        };
        workers.into_iter().map(join).sum::<Result<u32>>()
    })?;
    let rows = f64::from(runs) * rows as f64;
    let cpu = Usage::of(std::process::id())?.since(before);
    Ok(Alone { rows_per_second: rows / start.elapsed().as_secs_f64(), cpu_us: cpu.all.as_secs_f64() * 1e6 / rows })
}

/// How often one session runs in that time.
fn runs(session: &mut Box<dyn Session>, inputs: &[Tensor], duration: Duration) -> Result<u32> {
    let (mut outputs, mut count) = (Vec::new(), 0);
    let start = Instant::now();
    while start.elapsed() < duration {
        session.run(inputs, &mut outputs)?;
        count += 1;
    }
    Ok(count)
}
