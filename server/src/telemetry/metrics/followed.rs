//! The counters of one version, for somebody who reads again and again what was added.

use super::model::ModelMetrics;
use super::reading::{Counts, Traffic};
use servoir_runtime::Deployment;
use std::sync::Arc;

/// The counters of one version, and how far they were read.
pub struct Followed {
    handles: Arc<ModelMetrics>,
    read: Counts,
}

impl Followed {
    /// Those of a deployment, from their beginning; `None` until it has answered.
    pub fn of(deployment: &Deployment) -> Option<Self> {
        let handles = Arc::clone(handles(deployment)?);
        Some(Self { handles, read: Counts::default() })
    }

    /// Whether these are the counters of a deployment: those of one version may be.
    pub fn is_of(&self, deployment: &Deployment) -> bool {
        handles(deployment).is_some_and(|handles| Arc::ptr_eq(handles, &self.handles))
    }

    /// What was added since this was last asked.
    pub fn added(&mut self) -> Traffic {
        let now = Counts::of(&self.handles);
        let added = now.since(&self.read);
        self.read = now;
        Traffic::from(added)
    }

    /// Whether nobody else has these counters, so that nothing will be added.
    pub fn is_over(&self) -> bool {
        Arc::strong_count(&self.handles) == 1
    }
}

fn handles(deployment: &Deployment) -> Option<&Arc<ModelMetrics>> {
    deployment.beside().get()?.downcast_ref()
}
