//! What came of files that were tried, for as long as this process lives: its engines and limits stay the same.

use super::reason::{Failed, Reason};
use super::{Barred, Safe};
use crate::tuning::Opens;
use servoir_runtime::EngineName;
use servoir_types::Digest;
use std::collections::{HashMap, VecDeque};

/// The most files, times engines, that are remembered; the oldest are forgotten first, and tried again.
const ENTRIES_MAX: usize = 16_384;

/// A file, and the engine that opened it.
type Key = (Digest, Option<EngineName>);

/// What came of files.
#[derive(Default)]
pub(super) struct Remembered {
    outcomes: HashMap<Key, Result<u64, Failed>>,
    oldest: VecDeque<Key>,
}

impl Remembered {
    /// The engines of which nothing is known, or nothing that lasts.
    pub(super) fn untried(&self, file: Digest, engines: &[Option<EngineName>]) -> Vec<Option<EngineName>> {
        let is_known = |engine: &Option<EngineName>| match self.outcomes.get(&(file, *engine)) {
            Some(Ok(_)) => true,
            Some(Err(failed)) => failed.reason.lasts(),
            None => false,
        };
        engines.iter().copied().filter(|engine| !is_known(engine)).collect()
    }

    /// Notes what came of one more try.
    pub(super) fn note(&mut self, key: Key, outcome: Result<u64, Reason>) {
        let tries = match self.outcomes.get(&key) {
            Some(Err(failed)) => failed.tries + 1,
            _ => 1,
        };
        if self.outcomes.insert(key, outcome.map_err(|reason| Failed { reason, tries })).is_none() {
            self.oldest.push_back(key);
        }
        if self.oldest.len() > ENTRIES_MAX
            && let Some(oldest) = self.oldest.pop_front()
        {
            self.outcomes.remove(&oldest);
        }
    }

    /// Notes what is known from before this process; what it has seen itself goes first.
    pub(super) fn recall(&mut self, file: Digest, safe: &[Safe]) {
        for &(engine, bytes) in safe {
            if !self.outcomes.contains_key(&(file, engine)) {
                self.note((file, engine), Ok(bytes));
            }
        }
    }

    /// The engines that a file is safe with, and what it takes with each.
    pub(super) fn safe(&self, file: Digest) -> Vec<Safe> {
        let engines = std::iter::once(None).chain(EngineName::ALL.iter().copied().map(Some));
        engines.filter_map(|engine| Some((engine, *self.outcomes.get(&(file, engine))?.as_ref().ok()?))).collect()
    }

    /// The bytes that a file takes with the engine of these that takes most, of those that are known to be safe with it.
    pub(super) fn bytes(&self, file: Digest, engines: &[Option<EngineName>]) -> Option<u64> {
        let of = |engine: &Option<EngineName>| self.outcomes.get(&(file, *engine))?.as_ref().ok().copied();
        engines.iter().filter_map(of).max()
    }

    /// What the outcomes mean for a file: it is to be opened by those engines alone that are safe with it.
    ///
    /// # Errors
    /// When there is none, or the one that is named is not among them. What this node alone could not do goes first: it
    /// may be otherwise the next time. Then comes what an engine said that runs any model; the tree kernels run few.
    pub(super) fn result(&self, file: Digest, opens: &Opens) -> Result<Barred, Failed> {
        let unknown = || Failed { reason: Reason::Unavailable("it was not tried".to_owned()), tries: 0 };
        let of = |engine: &Option<EngineName>| match self.outcomes.get(&(file, *engine)) {
            Some(outcome) => outcome.clone(),
            None => Err(unknown()),
        };
        let failures: Vec<_> = opens.engines.iter().filter_map(|engine| Some((*engine, of(engine).err()?))).collect();
        let is_safe = failures.len() < opens.engines.len();
        let named = failures.iter().find(|(engine, _)| opens.named.is_some() && *engine == opens.named);
        if is_safe && named.is_none() {
            return Ok(failures
                .into_iter()
                .filter_map(|(engine, failed)| Some((engine?, failed.to_string())))
                .collect());
        }
        let of_this_node = || failures.iter().find(|(_, failed)| !failed.reason.lasts());
        let of_any_model = || failures.iter().find(|(engine, _)| *engine != Some(EngineName::Trees));
        let told = named.or_else(of_this_node).or_else(of_any_model).or(failures.first());
        Err(told.map_or_else(unknown, |(_, failed)| failed.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use servoir_runtime::LoadError;

    const TREES: Option<EngineName> = Some(EngineName::Trees);
    const ONNX: Option<EngineName> = Some(EngineName::OnnxRuntime);
    const TRACT: Option<EngineName> = Some(EngineName::Tract);

    fn refused(engine: &str) -> Result<u64, Reason> {
        Err(Reason::Refused(LoadError::Rejected { engine: engine.to_owned(), reason: "no".to_owned() }))
    }

    fn killed(signal: &'static str, own: bool) -> Result<u64, Reason> {
        Err(Reason::Crashed { signal, own, said: String::new() })
    }

    /// The engines that are barred, or the beginning of the reason, of a file with these outcomes.
    fn result(outcomes: [Result<u64, Reason>; 3], named: Option<EngineName>) -> String {
        let (file, engines) = (Digest::of(b"file"), [TREES, ONNX, TRACT]);
        let mut remembered = Remembered::default();
        for (engine, outcome) in engines.into_iter().zip(outcomes) {
            remembered.note((file, engine), outcome);
        }
        match remembered.result(file, &Opens { engines: engines.to_vec(), named }) {
            Ok(barred) => format!("{:?}", barred.iter().map(|(engine, _)| engine.as_str()).collect::<Vec<_>>()),
            Err(failed) => failed.to_string(),
        }
    }

    #[test]
    fn one_safe_engine_is_enough_unless_another_is_named() {
        let crashed = || killed("SIGSEGV", true);
        assert_eq!(result([Ok(1), Ok(1), Ok(1)], None), "[]");
        assert_eq!(result([refused("trees"), Ok(1), crashed()], None), r#"["trees", "tract"]"#);
        assert_eq!(result([refused("trees"), Ok(1), crashed()], ONNX), r#"["trees", "tract"]"#);
        assert!(result([refused("trees"), Ok(1), crashed()], TRACT).contains("SIGSEGV"));
        // Of several failures the one that tells most: of this node first, then of an engine for every model.
        assert!(result([refused("trees"), refused("onnxruntime"), crashed()], None).starts_with("onnxruntime"));
        assert!(result([refused("trees"), crashed(), killed("SIGKILL", false)], None).contains("SIGKILL"));
        let unavailable = Err(Reason::Unavailable("no processes".to_owned()));
        assert!(result([refused("trees"), crashed(), unavailable], None).contains("no processes"));
    }

    #[test]
    fn what_lasts_is_not_tried_again_and_the_rest_is_counted() {
        let (file, mut remembered) = (Digest::of(b"file"), Remembered::default());
        let engines = [TREES, ONNX, TRACT, None];
        assert_eq!(remembered.untried(file, &engines), engines);
        remembered.note((file, TREES), refused("trees"));
        remembered.note((file, ONNX), Ok(1));
        remembered.note((file, TRACT), killed("SIGTERM", false));
        remembered.note((file, None), killed("SIGSEGV", true));
        assert_eq!(remembered.untried(file, &engines), [TRACT]);
        assert_eq!(remembered.untried(Digest::of(b"other"), &engines), engines);
        let tract = Opens { engines: vec![TRACT], named: None };
        for is_final in [false, true, true] {
            assert_eq!(remembered.result(file, &tract).unwrap_err().is_final(), is_final);
            remembered.note((file, TRACT), killed("SIGTERM", false));
        }
        remembered.note((file, TRACT), Ok(1));
        assert!(remembered.result(file, &tract).is_ok() && remembered.untried(file, &[TRACT]).is_empty());
    }

    #[test]
    fn what_is_safe_is_recalled_and_what_was_seen_goes_first() {
        let (file, mut remembered) = (Digest::of(b"file"), Remembered::default());
        remembered.note((file, ONNX), refused("onnxruntime"));
        remembered.recall(file, &[(None, 1), (TREES, 2), (ONNX, 3)]);
        assert_eq!(remembered.safe(file), [(None, 1), (TREES, 2)]);
        assert_eq!(remembered.bytes(file, &[TREES, ONNX]), Some(2));
        assert_eq!(remembered.untried(file, &[None, TREES, ONNX, TRACT]), [TRACT]);
        assert!(remembered.safe(Digest::of(b"other")).is_empty());
    }

    #[test]
    fn the_oldest_are_forgotten() {
        let mut remembered = Remembered::default();
        let file = |number: usize| Digest::of(&number.to_le_bytes());
        for number in 0..ENTRIES_MAX + 2 {
            remembered.note((file(number), None), Ok(1));
        }
        assert_eq!(remembered.outcomes.len(), ENTRIES_MAX);
        for (number, is_known) in [(0, false), (1, false), (2, true), (ENTRIES_MAX + 1, true)] {
            assert_eq!(remembered.untried(file(number), &[None]).is_empty(), is_known, "{number}");
        }
    }
}
