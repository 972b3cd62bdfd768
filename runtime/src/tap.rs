//! The tap: sees what a deployment was asked and answered, on the thread that ran it, before anybody else does.

use crate::engine::caught;
use crate::recorded::{RecordLimits, Recorded};
use arc_swap::ArcSwapOption;
use servoir_types::Tensor;
use std::sync::OnceLock;

/// Sees every observed request of a deployment. Whatever it does, it does on the threads that answer: it must be quick,
/// wait for nobody and allocate nothing.
pub trait Tap: Send + Sync {
    /// A request was answered: its own inputs and outputs in the signature's order, `rows` rows, however it was batched.
    fn answered(&self, inputs: &[Tensor], outputs: &[Tensor], rows: usize);

    /// A request was refused before it became tensors.
    fn refused(&self, unfit: Unfit);
}

/// Why a request did not become the tensors of a model, as far as its fields are to blame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// A value is of a type that the model does not take.
    WrongType,
    /// So many fields are not there.
    Missing(usize),
    /// A field is none of the model's.
    Extra,
}

/// The place of a deployment's tap. It can be exchanged at any time.
#[derive(Default)]
pub struct TapPlace {
    tap: ArcSwapOption<Box<dyn Tap>>,
    /// Where requests are kept, when they are.
    recorded: OnceLock<Recorded>,
}

impl TapPlace {
    /// From now on requests are shown to `tap`, or to nobody. Some may still be in the one before, which is dropped when
    /// the last has left it.
    pub fn set(&self, tap: Option<Box<dyn Tap>>) {
        self.tap.store(tap.map(Into::into));
    }

    /// From now on a few requests are kept, when they are not already.
    pub fn record(&self, limits: RecordLimits) {
        self.recorded.get_or_init(|| Recorded::new(limits));
    }

    /// The inputs of the requests that were kept.
    pub fn recorded(&self) -> Vec<Vec<Tensor>> {
        self.recorded.get().map(Recorded::requests).unwrap_or_default()
    }

    /// Shows an answered request. A tap that panics has seen nothing, and its request is answered all the same.
    #[inline]
    pub fn answered(&self, (inputs, rows): (&[Tensor], usize), outputs: &[Tensor]) {
        if let Some(tap) = &*self.tap.load() {
            unharmed(|| tap.answered(inputs, outputs, rows));
        }
        if let Some(recorded) = self.recorded.get() {
            recorded.see(inputs);
        }
    }

    /// Shows a refused request.
    pub fn refused(&self, unfit: Unfit) {
        if let Some(tap) = &*self.tap.load() {
            unharmed(|| tap.refused(unfit));
        }
    }
}

fn unharmed(look: impl FnOnce()) {
    if let Err(panic) = caught(look) {
        tracing::error!("the monitoring of a request panicked: {panic}");
    }
}
