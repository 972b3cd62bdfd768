//! A program on several devices, each with a copy of it: sessions are dealt to them in turn.

use super::{EngineName, Program, Session};
use crate::device::Device;
use crate::error::LoadError;
use servoir_types::Signature;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

struct Spread {
    first: Arc<dyn Program>,
    others: Vec<Arc<dyn Program>>,
    dealt: AtomicUsize,
}

/// One program of these, which are the same model on the same engine; `None` of none.
pub fn over(programs: Vec<Arc<dyn Program>>) -> Option<Arc<dyn Program>> {
    let mut programs = programs.into_iter();
    let first = programs.next()?;
    let others: Vec<_> = programs.collect();
    if others.is_empty() { Some(first) } else { Some(Arc::new(Spread { first, others, dealt: AtomicUsize::new(0) })) }
}

impl Spread {
    fn all(&self) -> impl Iterator<Item = &Arc<dyn Program>> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl Program for Spread {
    fn signature(&self) -> &Signature {
        self.first.signature()
    }

    fn engine(&self) -> EngineName {
        self.first.engine()
    }

    fn device(&self) -> Device {
        self.first.device()
    }

    fn taken(&self) -> Vec<(Device, u64)> {
        self.all().flat_map(|program| program.taken()).collect()
    }

    fn nodes_on_cpu(&self) -> usize {
        self.first.nodes_on_cpu()
    }

    fn session(&self) -> Result<Box<dyn Session>, LoadError> {
        let turn = self.dealt.fetch_add(1, Ordering::Relaxed) % (1 + self.others.len());
        match turn.checked_sub(1).and_then(|turn| self.others.get(turn)) {
            Some(program) => program.session(),
            None => self.first.session(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::RunError;
    use servoir_types::{Data, Tensor};

    /// Answers with the number of its device.
    struct On(u32, Signature);

    impl Program for On {
        fn signature(&self) -> &Signature {
            &self.1
        }

        fn engine(&self) -> EngineName {
            EngineName::Trees
        }

        fn device(&self) -> Device {
            Device::Cuda(self.0)
        }

        fn taken(&self) -> Vec<(Device, u64)> {
            vec![(self.device(), 10)]
        }

        fn session(&self) -> Result<Box<dyn Session>, LoadError> {
            Ok(Box::new(Answers(self.0)))
        }
    }

    struct Answers(u32);

    impl Session for Answers {
        fn run(&mut self, _: &[Tensor], outputs: &mut Vec<Tensor>) -> Result<(), RunError> {
            outputs.push(Tensor::new(vec![1], Data::Uint32(vec![self.0].into())).expect("a tensor"));
            Ok(())
        }
    }

    #[test]
    fn sessions_are_dealt_in_turn() {
        assert!(over(Vec::new()).is_none());
        let on = |ordinal| Arc::new(On(ordinal, Signature::default())) as Arc<dyn Program>;
        let spread = over(vec![on(2), on(0), on(1)]).unwrap();
        assert_eq!(spread.device(), Device::Cuda(2));
        assert_eq!(spread.taken(), [2, 0, 1].map(|ordinal| (Device::Cuda(ordinal), 10)));
        let mut answers = Vec::new();
        for _ in 0..5 {
            spread.session().unwrap().run(&[], &mut answers).unwrap();
        }
        let answers: Vec<_> = answers.iter().map(|answer| format!("{:?}", answer.data())).collect();
        let expected: Vec<_> = [2u32, 0, 1, 2, 0].map(|n| format!("{:?}", Data::Uint32(vec![n].into()))).into();
        assert_eq!(answers, expected);
    }
}
