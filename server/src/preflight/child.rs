//! The child: it limits itself, opens the model file with each engine that it is told, and runs it once.

use super::wire::{Job, Verdict};
use servoir_runtime::{Artifact, EngineName, Engines, Format, LoadError, LoadOptions, try_out};
use std::io::{Read as _, Write as _};

/// The most bytes of a job: it names files.
const JOB_BYTES_MAX: u64 = 1 << 20;
/// The exit code when nothing could be tried.
const NO_JOB: u8 = 2;
/// The stack that an engine has here, in bytes: what the server's threads have, 2 MiB, less what they need before it is the
/// engine's turn. A graph that recursion goes too deep into is to end this process.
const STACK_BYTES: usize = 3 << 19;
/// What engines say when they are refused memory. ONNX Runtime's arena and the C++ library have these words.
const WANT_OF_MEMORY: [&str; 3] = ["Failed to allocate memory", "bad allocation", "bad_alloc"];

/// Reads a job from standard input and writes a verdict for each of its engines to standard output. The exit code.
pub fn main() -> u8 {
    match job().and_then(|job| job.limits().apply().map(|()| job).map_err(|error| error.to_string())) {
        Ok(job) => try_all(&job),
        Err(reason) => {
            eprintln!("error: no job: {reason}");
            NO_JOB
        }
    }
}

fn job() -> Result<Job, String> {
    let mut text = String::new();
    let mut input = std::io::stdin().lock().take(JOB_BYTES_MAX);
    std::io::BufRead::read_line(&mut input, &mut text).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

fn try_all(job: &Job) -> u8 {
    let Some(format) = Format::from_text(&job.format) else {
        eprintln!("error: no job: the format is '{}'", job.format);
        return NO_JOB;
    };
    let artifact = Artifact { path: job.file.clone(), folder: job.folder.clone(), format };
    let engines = Engines::discover(job.onnxruntime.as_deref(), 1);
    for engine in &job.engines {
        let engine = engine.as_deref().and_then(EngineName::from_text);
        let verdict = try_on_a_thread(&engines, &artifact, engine);
        let said = serde_json::to_string(&verdict).map(|line| writeln!(std::io::stdout(), "{line}"));
        // A parent that does not listen any more has ended.
        if !matches!(said, Ok(Ok(()))) {
            break;
        }
    }
    0
}

/// Tries an engine on a thread like those of the server.
fn try_on_a_thread(engines: &Engines, artifact: &Artifact, engine: Option<EngineName>) -> Verdict {
    let thread = std::thread::Builder::new().name("servoir-preflight".into()).stack_size(STACK_BYTES);
    std::thread::scope(|scope| match thread.spawn_scoped(scope, || try_one(engines, artifact, engine)) {
        Ok(thread) => thread.join().unwrap_or_else(|_| Verdict::Rejected {
            engine: engine.map_or("the reader of model files", EngineName::as_str).to_owned(),
            reason: "it panicked".to_owned(),
        }),
        Err(error) => Verdict::Unavailable { reason: format!("no thread could be started: {error}") },
    })
}

/// Opens and runs the model; it is closed again before anything is said of it.
fn try_one(engines: &Engines, artifact: &Artifact, engine: Option<EngineName>) -> Verdict {
    // What the engine itself takes is not the model's.
    engine.into_iter().for_each(|engine| engines.open(engine));
    let before = memory_bytes();
    let loaded = engines.load(artifact, &LoadOptions::cpu(engine, 1));
    let tried = loaded.and_then(|program| {
        let (error, _session) = try_out(&*program)?;
        Ok((error, memory_bytes().saturating_sub(before)))
    });
    match tried {
        Ok((Some(error), _)) if is_want_of_memory(&error.reason) => Verdict::OutOfMemory { said: error.to_string() },
        // A model may refuse zeros.
        Ok((_, bytes)) => Verdict::Safe { bytes },
        Err(LoadError::Rejected { reason, .. }) if is_want_of_memory(&reason) => Verdict::OutOfMemory { said: reason },
        Err(LoadError::Unsupported(error)) => Verdict::Unsupported { found: error.found, advice: error.advice },
        Err(LoadError::EngineMissing { engine, reason }) => Verdict::EngineMissing { engine, reason },
        Err(LoadError::Rejected { engine, reason }) => Verdict::Rejected { engine, reason },
        Err(LoadError::Io(reason)) => Verdict::Unavailable { reason },
        // Files are tried on the CPU alone.
        Err(error @ (LoadError::NoDevice { .. } | LoadError::DeviceMemory { .. })) => {
            Verdict::Unavailable { reason: error.to_string() }
        }
    }
}

/// The memory that this process has filled with something of its own, as proc(5) has it; 0 where there is no such file.
fn memory_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kibibytes.unwrap_or(0) << 10
}

fn is_want_of_memory(words: &str) -> bool {
    WANT_OF_MEMORY.iter().any(|want| words.contains(want))
}
