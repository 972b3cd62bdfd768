//! Which provider runs which part of a graph, as the library tells its log when it has opened a model. It has no other way to
//! say so without unsafe code.

use ort::logging::{LogLevel, LoggerFunction};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What the log is heard for.
#[derive(Clone, Default)]
pub struct Placements(Arc<Mutex<BTreeMap<String, usize>>>);

impl Placements {
    /// A logger that listens, and passes on what is not only for it.
    pub fn listener(&self) -> LoggerFunction {
        let heard = Arc::clone(&self.0);
        Arc::new(move |level, category, _id, location, message| {
            if let Some((provider, nodes)) = placed(message) {
                *heard.lock().unwrap_or_else(PoisonError::into_inner).entry(provider.to_owned()).or_default() += nodes;
            }
            if level != LogLevel::Verbose {
                tracing::debug!(target: "onnxruntime", ?level, category, location, "{message}");
            }
        })
    }

    /// How many nodes each provider runs; empty when the library did not say.
    pub fn heard(&self) -> BTreeMap<String, usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Reads ` Node(s) placed on [CPUExecutionProvider]. Number of nodes: 3`, which begins with `All nodes` where it is the only one
/// (ONNX Runtime, `session_state.cc`).
fn placed(message: &str) -> Option<(&str, usize)> {
    let (_, rest) = message.split_once(" placed on [")?;
    let (provider, rest) = rest.split_once(']')?;
    let (_, count) = rest.split_once("Number of nodes:")?;
    Some((provider, count.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_s_words_are_read() {
        let all = " All nodes placed on [CUDAExecutionProvider]. Number of nodes: 12";
        assert_eq!(placed(all), Some(("CUDAExecutionProvider", 12)));
        let some = " Node(s) placed on [CPUExecutionProvider]. Number of nodes: 3\n";
        assert_eq!(placed(some), Some(("CPUExecutionProvider", 3)));
        for other in
            ["Node placements", "  MatMul (/model/MatMul)", "placed on [x", " placed on [x] Number of nodes: y"]
        {
            assert_eq!(placed(other), None, "{other}");
        }
    }
}
