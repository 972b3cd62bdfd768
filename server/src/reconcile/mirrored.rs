//! What shadows answered, held against what callers were answered.

use super::gate::{Agreed, Agreement};
use servoir_runtime::{Deployment, PredictError};
use servoir_types::Tensor;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// Of each shadow on this node, how far it agrees with what is live.
#[derive(Default)]
pub struct Mirrored(Mutex<Vec<OfShadow>>);

/// What is known of one; forgotten when the shadow ends.
struct OfShadow {
    shadow: Weak<Deployment>,
    agreement: Agreement,
    unanswered: u64,
}

/// An answer: whose, what, and how long the engine took.
pub type Said<'a> = (&'a Deployment, &'a [Tensor], Duration);

/// How far a shadow agrees with what is live.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Compared {
    /// What both were asked.
    pub agreed: Agreed,
    /// Requests that the shadow did not get to, through no fault of its own: its queue was full, or the time was over.
    pub unanswered: u64,
}

impl Mirrored {
    /// Both have answered the same request. The answers are compared before anybody is waited for.
    pub fn answered(&self, live: Said<'_>, (shadow, answer, took): (&Arc<Deployment>, &[Tensor], Duration)) {
        let mut one = Agreement::default();
        one.answered((live.0.signature(), live.1), (shadow.signature(), answer));
        one.took(live.2, took);
        self.with(shadow, |of_shadow| of_shadow.agreement.add(one));
    }

    /// What is live has answered, and the shadow has not.
    pub fn failed(&self, shadow: &Arc<Deployment>, error: &PredictError) {
        self.with(shadow, |of_shadow| match error {
            PredictError::Run(_) | PredictError::Mismatch(_) => of_shadow.agreement.failed(error.to_string()),
            _ => of_shadow.unanswered += 1,
        });
    }

    /// How far a shadow agrees.
    pub fn of(&self, shadow: &Arc<Deployment>) -> Compared {
        let all = self.lock();
        let found = all.iter().find(|of_shadow| is(of_shadow, shadow));
        found.map_or_else(Compared::default, |found| Compared {
            agreed: found.agreement.agreed(),
            unanswered: found.unanswered,
        })
    }

    fn with(&self, shadow: &Arc<Deployment>, note: impl FnOnce(&mut OfShadow)) {
        let mut all = self.lock();
        if !all.iter().any(|of_shadow| is(of_shadow, shadow)) {
            all.retain(|of_shadow| of_shadow.shadow.strong_count() > 0);
            let (shadow, agreement) = (Arc::downgrade(shadow), Agreement::default());
            all.push(OfShadow { shadow, agreement, unanswered: 0 });
        }
        if let Some(known) = all.iter_mut().find(|of_shadow| is(of_shadow, shadow)) {
            note(known);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<OfShadow>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is(of_shadow: &OfShadow, shadow: &Arc<Deployment>) -> bool {
    std::ptr::eq(of_shadow.shadow.as_ptr(), Arc::as_ptr(shadow))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::started::start;
    use servoir_runtime::RunError;
    use servoir_runtime::faulty::{Faulty, column};

    #[test]
    fn what_both_answered_is_added_up_for_as_long_as_the_shadow_lives() {
        let constant = || Faulty::by_row(|_| Ok(0.0));
        let (live, shadow) = (start(1, constant()), start(2, constant()));
        let mirrored = Mirrored::default();
        assert_eq!(mirrored.of(&shadow), Compared::default());
        let took = Duration::from_millis(1);
        for (was, is) in [(1.0, 1.0), (1.0, 0.5), (1.0, f32::NAN)] {
            mirrored.answered((&live, &[column(&[was])], took), (&shadow, &[column(&[is])], took));
        }
        mirrored.answered((&live, &[column(&[1.0])], took), (&shadow, &[column(&[1.0, 2.0])], took));
        let failed = PredictError::Run(RunError { engine: "faulty", reason: "no".to_owned() });
        mirrored.failed(&shadow, &failed);
        mirrored.failed(&shadow, &PredictError::DeadlineExceeded);
        mirrored.failed(&shadow, &PredictError::QueueFull { rows: 1, retry_after_seconds: 1 });
        let Compared { agreed, unanswered } = mirrored.of(&shadow);
        assert_eq!((agreed.requests, agreed.failed, unanswered), (5, 1, 2));
        assert_eq!((agreed.reshaped, agreed.not_finite), (1, 1));
        assert_eq!((agreed.scores, agreed.scores_apart), (2, 0.5));
        let another = start(3, constant());
        drop(shadow);
        mirrored.failed(&another, &failed);
        assert_eq!(mirrored.lock().len(), 1, "the one that ended is forgotten");
    }
}
