//! The tap of one version on this node: each thread counts for itself, and the service takes away what was counted.

use super::random::Random;
use super::recording::Recording;
use super::totals::{Counted, Totals};
use servoir_monitor::{Counter, Faults, VersionCounts};
use servoir_runtime::{PerThread, Tap, Unfit, threads};
use servoir_types::{BaselineId, ModelId, Tensor};
use std::sync::{Arc, MutexGuard};

/// Counts of which version, and in the bins of which baseline.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subject {
    /// The model.
    pub model: ModelId,
    /// The version.
    pub version: i64,
    /// `None`: there are no bins, requests alone are counted.
    pub baseline: Option<BaselineId>,
}

/// What is to be done with requests.
pub struct Orders {
    /// What is counted, when there is a baseline.
    pub counting: Option<Counting>,
    /// Which requests are.
    pub sampling: Sampling,
    /// Where rows are kept, when they are.
    pub recording: Option<Arc<Recording>>,
}

/// What is counted of requests, and what was.
pub struct Counting {
    /// Which tensors, in which bins.
    pub plan: servoir_monitor::Tap,
    /// Everything since it began.
    pub totals: Totals,
}

/// Counts the requests of a version. Never changed: what is counted otherwise is counted by another one.
pub struct VersionTap {
    /// What the counts are of.
    pub subject: Subject,
    orders: Orders,
    places: PerThread<Place>,
}

/// Which requests are counted and recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sampling(Option<u64>);

impl Sampling {
    /// This share of the requests, from 0 to 1, chosen at random.
    pub fn share(share: f64) -> Self {
        // 2^64 is no u64: all of them need no drawing.
        Self((share < 1.0).then_some((share.max(0.0) * 2f64.powi(64)) as u64))
    }
}

/// What one thread has counted since it was last taken away.
struct Place {
    /// `None`: nothing yet, ever.
    counter: Option<Box<Counter>>,
    random: Random,
}

/// The tap as a deployment has it.
pub struct OfDeployment(pub Arc<VersionTap>);

impl VersionTap {
    /// Does what is ordered.
    pub fn new(subject: Subject, orders: Orders) -> Self {
        let places = (0..threads()).map(|_| Place { counter: None, random: Random::seeded() });
        Self { subject, orders, places: PerThread::new(places) }
    }

    /// Takes away what was counted since this was last done, if anything was. A thread that counts is kept waiting for no
    /// longer than it takes to exchange a pointer.
    pub fn drain(&self) -> Option<VersionCounts> {
        let Counting { plan, totals } = self.orders.counting.as_ref()?;
        let (mut sum, mut spare) = (None::<Box<Counter>>, None);
        for mut place in self.places.all() {
            let Some(counter) = place.counter.as_mut().filter(|counter| !counter.counts.is_empty()) else { continue };
            let empty = spare.take().unwrap_or_else(|| Box::new(plan.counter()));
            let mut taken = std::mem::replace(counter, empty);
            drop(place);
            plan.settle(&mut taken);
            match &mut sum {
                Some(sum) => {
                    sum.counts.merge(&taken.counts);
                    taken.clear();
                    spare = Some(taken);
                }
                none => *none = Some(taken),
            }
        }
        sum.map(|sum| {
            totals.add(&sum.counts);
            sum.counts
        })
    }

    /// What was drained so far; `None` when nothing is counted.
    pub fn counted(&self) -> Option<Counted> {
        self.orders.counting.as_ref().map(|counting| counting.totals.counted())
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.places.any().value
    }
}

impl Tap for OfDeployment {
    fn answered(&self, inputs: &[Tensor], outputs: &[Tensor], rows: usize) {
        let Orders { counting, sampling, recording } = &self.0.orders;
        let place = &mut *self.0.place();
        if let Sampling(Some(below)) = sampling
            && place.random.next() >= *below
        {
            return;
        }
        if let Some(Counting { plan, .. }) = counting {
            let counter = place.counter.get_or_insert_with(|| Box::new(plan.counter()));
            plan.take(counter, (inputs, outputs), rows);
        }
        if let Some(recording) = recording {
            recording.draw(&mut place.random, (inputs, outputs), rows);
        }
    }

    fn refused(&self, unfit: Unfit) {
        let faults = match unfit {
            Unfit::WrongType => Faults { wrong_type: 1, ..Faults::default() },
            Unfit::Missing(fields) => Faults { missing: fields as u64, ..Faults::default() },
            Unfit::Extra => Faults { extra: 1, ..Faults::default() },
        };
        if let Some(Counting { plan, .. }) = &self.0.orders.counting {
            self.0.place().counter.get_or_insert_with(|| Box::new(plan.counter())).counts.faults.merge(faults);
        }
    }
}
