//! An engine for tests: it computes a function of its inputs, and fails, panics or hangs when the function does.

use super::{EngineName, Program, Session};
use crate::error::{LoadError, RunError};
use servoir_types::{Data, Datatype, Shape, Signature, Tensor, TensorSpec};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// What a faulty program computes; `Err` is the engine's words.
type Function = dyn Fn(&[Tensor]) -> Result<Vec<Tensor>, String> + Send + Sync;

/// A program whose sessions all run one function.
pub struct Faulty {
    signature: Signature,
    function: Box<Function>,
    sessions: AtomicUsize,
    alive: Arc<Alive>,
}

/// Sessions that were made and not yet dropped.
#[derive(Default)]
pub struct Alive {
    count: Mutex<usize>,
    changed: Condvar,
}

impl Alive {
    fn add(&self) {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    }

    fn remove(&self) {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.changed.notify_all();
    }

    /// Blocks until no more than `most` sessions are left.
    pub fn wait_until_at_most(&self, most: usize) {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        while *count > most {
            count = self.changed.wait(count).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Faulty {
    /// A program of this signature and function.
    pub fn new(
        signature: Signature,
        function: impl Fn(&[Tensor]) -> Result<Vec<Tensor>, String> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let sessions = AtomicUsize::new(0);
        Arc::new(Self { signature, function: Box::new(function), sessions, alive: Arc::default() })
    }

    /// A program from `x` FP32 `[-1, 1]` to `y` FP32 `[-1, 1]` that maps each row by `function`.
    pub fn by_row(function: impl Fn(f32) -> Result<f32, String> + Send + Sync + 'static) -> Arc<Self> {
        Self::new(row_signature(), move |inputs| {
            let Some(Data::Fp32(rows)) = inputs.first().map(Tensor::data) else { return Err("not FP32".into()) };
            let results = rows.iter().map(|&row| function(row)).collect::<Result<Vec<_>, _>>()?;
            Ok(vec![column(&results)])
        })
    }

    /// Sessions that were ever made.
    pub fn sessions_made(&self) -> usize {
        self.sessions.load(Ordering::SeqCst)
    }

    /// The sessions that are alive; the handle outlives the program.
    pub fn alive(&self) -> Arc<Alive> {
        Arc::clone(&self.alive)
    }
}

/// `x` FP32 `[-1, 1]` to `y` FP32 `[-1, 1]`.
pub fn row_signature() -> Signature {
    let spec = |name: &str| TensorSpec::new(name, Datatype::Fp32, Shape::ranked([-1, 1]));
    Signature { inputs: vec![spec("x")], outputs: vec![spec("y")] }
}

/// A tensor FP32 `[rows, 1]`.
pub fn column(rows: &[f32]) -> Tensor {
    Tensor::new(vec![rows.len(), 1], Data::Fp32(rows.to_vec().into())).expect("a column of its own length")
}

/// A faulty program behind the seam, under the name of an engine.
pub struct FaultyProgram(pub Arc<Faulty>);

impl Program for FaultyProgram {
    fn signature(&self) -> &Signature {
        &self.0.signature
    }

    fn engine(&self) -> EngineName {
        EngineName::Tract
    }

    fn session(&self) -> Result<Box<dyn Session>, LoadError> {
        self.0.sessions.fetch_add(1, Ordering::SeqCst);
        self.0.alive.add();
        Ok(Box::new(FaultySession(Arc::clone(&self.0))))
    }
}

struct FaultySession(Arc<Faulty>);

impl Drop for FaultySession {
    fn drop(&mut self) {
        self.0.alive.remove();
    }
}

impl Session for FaultySession {
    fn run(&mut self, inputs: &[Tensor], outputs: &mut Vec<Tensor>) -> Result<(), RunError> {
        outputs.clear();
        let made =
            (self.0.function)(inputs).map_err(|reason| RunError { engine: EngineName::Tract.as_str(), reason })?;
        outputs.extend(made);
        Ok(())
    }
}

/// Holds whoever passes while it is shut: an engine that hangs until the test lets it go.
#[derive(Default)]
pub struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    shut: bool,
    held: usize,
}

impl Gate {
    /// Passes at once when open; waits while shut.
    pub fn pass(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.held += 1;
        self.changed.notify_all();
        while state.shut {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.held -= 1;
    }

    /// From now on whoever passes waits.
    pub fn shut(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).shut = true;
    }

    /// Lets everyone go.
    pub fn open(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).shut = false;
        self.changed.notify_all();
    }

    /// Blocks until at least `count` wait at the shut gate.
    pub fn wait_until_held(&self, count: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.held < count {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
