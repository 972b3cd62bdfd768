//! Batches of a number of rows that nothing is prepared for: as they are, and padded to the next number that is.

use super::engines::program;
use anyhow::Result;
use servoir_benches::random::Random;
use servoir_benches::rounds::{Subject, measure};
use servoir_benches::rows;
use servoir_benches::server::{given, model};
use servoir_runtime::{EngineName, Engines, Format, Program, Session};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

const MODELS: [&str; 3] = ["mlp", "mobilenet", "transformer"];
/// What has gathered, and what is prepared for.
const ROWS: [(usize, usize); 2] = [(3, 4), (5, 8)];
/// Sizes whose plans leave none for those of [`ROWS`]: tract keeps eight.
const OTHERS: std::ops::Range<usize> = 9..17;

/// Measures every model on both engines.
pub fn measure_all() -> Result<()> {
    let engines = Engines::discover(Some(&given("ORT_DYLIB_PATH")?), 1);
    for name in MODELS {
        let file = model(name)?;
        for (rows, prepared) in ROWS {
            println!("\n{name}, {rows} rows, one thread: ns per row that was asked for");
            let on = |engine| program(&engines, (&file, Format::Onnx), engine);
            let (onnxruntime, exact, any) =
                (on(EngineName::OnnxRuntime)?, on(EngineName::Tract)?, on(EngineName::Tract)?);
            for others in OTHERS {
                run(&any, others)?;
            }
            let started = Instant::now();
            run(&exact, rows)?;
            println!("tract takes {:.0?} for the first run of so many rows", started.elapsed());
            let subjects = [
                ("onnxruntime", &onnxruntime, rows),
                ("onnxruntime, padded", &onnxruntime, prepared),
                ("tract, a plan for them", &exact, rows),
                ("tract, a plan for any number", &any, rows),
                ("tract, padded", &exact, prepared),
            ];
            let subjects = subjects.map(|(name, program, rows)| subject(name, program, rows));
            measure(subjects.into_iter().collect::<Result<Vec<_>>>()?, rows);
        }
    }
    Ok(())
}

fn subject<'a>(name: &str, program: &Arc<dyn Program>, rows: usize) -> Result<Subject<'a>> {
    let inputs = rows::of(program.signature(), rows, &mut Random::new())?;
    let (mut session, mut outputs) = (program.session()?, Vec::new());
    session.run(&inputs, &mut outputs)?;
    Ok(Subject::new(name, move || drop(black_box(session.run(black_box(&inputs), &mut outputs)))))
}

fn run(program: &Arc<dyn Program>, rows: usize) -> Result<()> {
    let mut session: Box<dyn Session> = program.session()?;
    let inputs = rows::of(program.signature(), rows, &mut Random::new())?;
    Ok(session.run(&inputs, &mut Vec::new())?)
}
