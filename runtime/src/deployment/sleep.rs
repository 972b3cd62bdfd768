//! Deployments that nobody asks anything: without instances, and without the program, until somebody does.
//!
//! There is no other state than that: what is asked in the meantime waits in the queue as ever, and whoever is to see to it is told.

use super::{Deployment, rejected, warmed_session};
use crate::engine::Program;
use crate::error::{LoadError, PredictError};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::Notify;

impl Deployment {
    /// Lets all instances end and frees the program with them, unless a request is inside. `false` when it goes on as it was: also
    /// when it sleeps already, and when it may not, because it runs requests on the threads that ask.
    pub fn fall_asleep(&self) -> bool {
        let mut held = self.held();
        let is_quiet = || self.counters.in_flight.load(Ordering::SeqCst) == 0;
        if self.inline.is_some() || !self.queue.fall_asleep(self.instances_wanted(), is_quiet) {
            return false;
        }
        self.wanted.store(0, Ordering::Relaxed);
        self.look_at_taken(None);
        *held = None;
        true
    }

    /// Whether it sleeps.
    pub fn is_asleep(&self) -> bool {
        self.queue.is_asleep()
    }

    /// Whether it sleeps and a request waits.
    pub fn is_called(&self) -> bool {
        self.queue.rows() > 0 && self.queue.is_asleep()
    }

    /// From now on this is told when a request comes while it sleeps.
    pub fn tell_when_called(&self, waker: Arc<Notify>) {
        self.queue.tell(waker);
    }

    /// Starts as many instances of the same program, loaded anew, as it began with; they take what waits. One that is awake stays as
    /// it is. Blocking.
    ///
    /// # Errors
    /// When it is another program, or no instance can be started: it then goes on sleeping.
    pub fn wake(&self, program: Arc<dyn Program>) -> Result<(), LoadError> {
        let mut held = self.held();
        if held.is_some() {
            return Ok(());
        }
        let is_other = (program.engine(), program.device()) != (self.engine, self.device);
        if is_other || *program.signature() != self.signature {
            return Err(rejected(&*program, "it is not what it was before it fell asleep".to_owned()));
        }
        let sessions = (0..self.options.instances.max(1)).map(|_| warmed_session(&*program));
        let sessions = sessions.collect::<Result<Vec<_>, _>>()?;
        self.queue.wake_up();
        for (index, session) in sessions.into_iter().enumerate() {
            // Counted first: who has its answer finds it.
            self.wanted.fetch_add(1, Ordering::Relaxed);
            let Err(error) = self.start_instance(&*program, (index, self.instance(&program, session))) else {
                continue;
            };
            self.wanted.fetch_sub(1, Ordering::Relaxed);
            if index == 0 {
                self.queue.sleep_on();
                return Err(error);
            }
            // It runs on those that could be started.
            tracing::warn!(%error, "an instance could not be started");
        }
        self.look_at_taken(Some(&*program));
        *held = Some(program);
        Ok(())
    }

    /// Answers all that waits with this.
    pub fn refuse_waiting(&self, error: &PredictError) {
        for job in self.queue.take_all() {
            job.answer(Err(error.clone()));
        }
    }
}
