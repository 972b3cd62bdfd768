//! Churn in process, one thread: the tree engine, ONNX Runtime, and xgboost's own predictor behind its C interface.

use super::kernels::BATCHES;
use super::xgboost::Xgboost;
use anyhow::{Context as _, Result, ensure};
use servoir_benches::random::Random;
use servoir_benches::rounds::{Subject, measure};
use servoir_benches::server::{given, model};
use servoir_runtime::{Artifact, EngineName, Engines, Format, LoadError, LoadOptions, Program, Session};
use servoir_types::{Data, Tensor};
use std::cell::RefCell;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

const FEATURES: usize = 30;
/// How far apart the engines' probabilities may be.
const TOLERANCE: f32 = 1e-5;

/// Measures all that are here at every batch.
pub fn measure_all() -> Result<()> {
    let engines = Engines::discover(Some(&given("ORT_DYLIB_PATH")?), 1);
    let onnx = model("churn")?;
    let native = onnx.with_file_name("model.json");
    let candidates = [
        ("trees, xgboost's file", &native, Format::XgboostJson, EngineName::Trees),
        ("trees, ONNX file", &onnx, Format::Onnx, EngineName::Trees),
        ("onnxruntime", &onnx, Format::Onnx, EngineName::OnnxRuntime),
    ];
    let mut sessions = Vec::new();
    for (name, path, format, engine) in candidates {
        match program(&engines, (path, format), engine).and_then(|program| program.session()) {
            Ok(session) => sessions.push((name, RefCell::new(session))),
            Err(error) => println!("{name}: not measured: {error}"),
        }
    }
    let xgboost = Xgboost::start(&native).inspect_err(|error| println!("xgboost: not measured: {error:#}")).ok();
    let xgboost = xgboost.map(RefCell::new);
    println!("\nchurn in process, one thread: ns per row\n");
    let mut random = Random::new();
    for rows in BATCHES {
        println!("{rows} rows");
        let values: Vec<f32> = (0..rows * FEATURES).map(|_| 6.0 * random.number() - 3.0).collect();
        let inputs = [Tensor::new(vec![rows, FEATURES], Data::Fp32(values.into()))?];
        agree(&sessions, &inputs)?;
        let mut subjects: Vec<_> = sessions.iter().map(|(name, session)| subject(name, session, &inputs)).collect();
        if let Some(xgboost) = &xgboost {
            xgboost.borrow_mut().take_rows(rows, FEATURES)?;
            let clock = |repetitions| xgboost.borrow_mut().run(repetitions).expect("xgboost goes on running");
            subjects.push(Subject::with_clock("xgboost, C interface", clock));
        }
        measure(subjects, rows);
    }
    Ok(())
}

fn subject<'a>(name: &str, session: &'a RefCell<Box<dyn Session>>, inputs: &'a [Tensor]) -> Subject<'a> {
    let mut outputs = Vec::new();
    Subject::new(name, move || drop(black_box(session.borrow_mut().run(black_box(inputs), &mut outputs))))
}

/// A model on one engine, with one thread a run.
pub fn program(
    engines: &Engines,
    (path, format): (&Path, Format),
    engine: EngineName,
) -> Result<Arc<dyn Program>, LoadError> {
    let artifact = Artifact { path: path.to_path_buf(), folder: None, format };
    engines.load(&artifact, &LoadOptions::cpu(engine, 1))
}

/// Once outside the clock: an engine that answers something else may be as fast as it likes.
fn agree(sessions: &[(&str, RefCell<Box<dyn Session>>)], inputs: &[Tensor]) -> Result<()> {
    let mut first: Option<Vec<f32>> = None;
    for (name, session) in sessions {
        let mut outputs = Vec::new();
        session.borrow_mut().run(inputs, &mut outputs)?;
        let Data::Fp32(probabilities) = outputs.last().context("an output")?.data() else {
            anyhow::bail!("{name}: probabilities are FP32")
        };
        let want = first.get_or_insert_with(|| probabilities.to_vec());
        let are_close = want.len() == probabilities.len()
            && want.iter().zip(probabilities.iter()).all(|(want, got)| (want - got).abs() <= TOLERANCE);
        ensure!(are_close, "{name} answers otherwise than {}", sessions[0].0);
    }
    Ok(())
}
