//! A program whose every session has run on given inputs before anybody gets it.

use servoir_runtime::{Device, EngineName, LoadError, Program, Session};
use servoir_types::{Signature, Tensor};
use std::sync::Arc;

/// One warm-up.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// What messages call it.
    pub name: String,
    /// In the signature's order.
    pub inputs: Vec<Tensor>,
    /// How often it runs.
    pub runs: u32,
}

/// A program whose sessions have run on samples.
pub struct Warmed {
    program: Arc<dyn Program>,
    samples: Vec<Sample>,
}

impl Warmed {
    /// The same program; each session that it gives runs on `samples` first.
    pub fn on(program: Arc<dyn Program>, samples: Vec<Sample>) -> Arc<dyn Program> {
        if samples.is_empty() { program } else { Arc::new(Self { program, samples }) }
    }
}

impl Program for Warmed {
    fn signature(&self) -> &Signature {
        self.program.signature()
    }

    fn engine(&self) -> EngineName {
        self.program.engine()
    }

    fn device(&self) -> Device {
        self.program.device()
    }

    fn taken(&self) -> Vec<(Device, u64)> {
        self.program.taken()
    }

    fn nodes_on_cpu(&self) -> usize {
        self.program.nodes_on_cpu()
    }

    fn session(&self) -> Result<Box<dyn Session>, LoadError> {
        let mut session = self.program.session()?;
        let mut outputs = Vec::new();
        for sample in &self.samples {
            for _ in 0..sample.runs {
                session.run(&sample.inputs, &mut outputs).map_err(|error| LoadError::Rejected {
                    engine: self.engine().as_str().to_owned(),
                    reason: format!("its warm-up '{}' failed: {}", sample.name, error.reason),
                })?;
            }
        }
        Ok(session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use servoir_runtime::faulty::{Faulty, FaultyProgram};
    use servoir_types::Data;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn sample(name: &str, value: f32, runs: u32) -> Sample {
        let inputs = vec![Tensor::new(vec![1, 1], Data::Fp32(vec![value].into())).unwrap()];
        Sample { name: name.to_owned(), inputs, runs }
    }

    #[test]
    fn every_session_has_run_and_one_that_cannot_is_refused() {
        let runs = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&runs);
        let program = Faulty::by_row(move |row| {
            counted.fetch_add(1, Ordering::Relaxed);
            if row < 0.0 { Err("it is negative".to_owned()) } else { Ok(row) }
        });
        let program: Arc<dyn Program> = Arc::new(FaultyProgram(program));
        let warmed = Warmed::on(Arc::clone(&program), vec![sample("zero", 0.0, 3), sample("one", 1.0, 1)]);
        for sessions in 1..=2 {
            assert!(warmed.session().is_ok());
            assert_eq!(runs.load(Ordering::Relaxed), 4 * sessions);
        }
        let refused = Warmed::on(program, vec![sample("zero", 0.0, 1), sample("below", -1.0, 1)]);
        let told = refused.session().map(|_| ()).unwrap_err().to_string();
        assert!(told.contains("its warm-up 'below' failed") && told.contains("it is negative"), "{told}");
    }
}
