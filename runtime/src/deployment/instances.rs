//! A deployment's instances: how many there are, starting them and letting them end.

use super::{Deployment, rejected, warmed_session};
use crate::engine::{Program, Session};
use crate::error::LoadError;
use crate::own_priority;
use crate::pool::{Instance, Recorder, Runner, SelfCheck, Worker};
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};

impl Deployment {
    /// Starts an instance on a thread of its own.
    pub(super) fn start_instance(
        &self,
        program: &dyn Program,
        (index, instance): (usize, Instance),
    ) -> Result<(), LoadError> {
        let runner = Runner::new(instance, SelfCheck::new(self.options.check_one_in));
        let worker = Worker::new(runner, (Arc::clone(&self.queue), self.batchable), self.inline.clone());
        self.counters.instances.fetch_add(1, Ordering::Relaxed);
        // A thread's name may hold no zero byte.
        let name = format!("servoir-{}-{index}", self.identity.name.replace('\0', ""));
        let start = move || std::thread::Builder::new().name(name).spawn(move || worker.work());
        // What loads stands back for what answers.
        let started = own_priority::run(start).and_then(|started| started.map_err(|error| error.to_string()));
        started.map(|_| ()).map_err(|error| {
            self.counters.instances.fetch_sub(1, Ordering::Relaxed);
            rejected(program, format!("no thread could be started for instance {index}: {error}"))
        })
    }

    /// Starts instances or lets some end until there are so many, at least one. One that ends does so when it finds nothing to
    /// do: no request waits for it or is lost. One that sleeps goes on sleeping. Blocking; where models are loaded is the place for
    /// it.
    ///
    /// # Errors
    /// When an instance cannot be started; those that could stay.
    pub fn scale_to(&self, instances: usize) -> Result<(), LoadError> {
        let held = self.held();
        let Some(program) = &*held else { return Ok(()) };
        while self.instances_wanted() > instances.max(1) {
            self.queue.let_one_leave();
            self.wanted.fetch_sub(1, Ordering::Relaxed);
        }
        while self.instances_wanted() < instances {
            if !self.queue.let_one_stay() {
                let instance = self.instance(program, warmed_session(&**program)?);
                self.start_instance(&**program, (self.instances_wanted(), instance))?;
            }
            self.wanted.fetch_add(1, Ordering::Relaxed);
            self.look_at_taken(Some(&**program));
        }
        Ok(())
    }

    /// An instance with a session of the program.
    pub(super) fn instance(&self, program: &Arc<dyn Program>, session: Box<dyn Session>) -> Instance {
        let shared = (Arc::clone(&self.counters), self.free_recorder());
        Instance::new(Arc::clone(program), session, shared, Arc::clone(&self.tap))
    }

    /// How many instances there are to be.
    pub fn instances_wanted(&self) -> usize {
        self.wanted.load(Ordering::Relaxed)
    }

    /// The program, for who starts instances or lets them end.
    pub(super) fn held(&self) -> MutexGuard<'_, Option<Arc<dyn Program>>> {
        self.program.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sessions of the program that there are to be: of instances, and of threads that ask.
    pub fn sessions(&self) -> usize {
        self.instances_wanted() + self.inline.as_ref().map_or(0, |inline| inline.places())
    }

    /// The recorder of an instance that has ended, or a new one.
    fn free_recorder(&self) -> Arc<Recorder> {
        let mut recorders = self.recorders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(free) = recorders.iter().find(|recorder| Arc::strong_count(recorder) == 1) {
            return Arc::clone(free);
        }
        let new = Arc::new(Recorder::default());
        recorders.push(Arc::clone(&new));
        new
    }
}
