//! The wish that a run end.

use std::io::BufRead;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The line of standard input that asks for the end.
pub const CANCEL: &str = "cancel";

/// The most bytes of a line of standard input that are looked at.
const LINE_BYTES_MAX: u64 = 1 << 10;

/// The wish that a run end; copies share it.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Asks for the end, which comes with the next round.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether to go on.
    pub fn flow(&self) -> ControlFlow<()> {
        if self.0.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Reads lines until one of them is [`CANCEL`], or nothing comes any more. Other lines are passed over.
    pub fn listen(&self, input: &mut impl BufRead) {
        loop {
            let mut line = Vec::new();
            match std::io::Read::take(&mut *input, LINE_BYTES_MAX).read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) if line.trim_ascii() == CANCEL.as_bytes() => return self.ask(),
                Ok(_) => {}
            }
        }
    }
}
