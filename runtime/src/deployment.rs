//! A version that is loaded and answers: its instances, their queue and their counters.

use crate::batch::is_batchable;
use crate::device::Device;
use crate::engine::{EngineName, Program, Session, caught};
use crate::error::{LoadError, PredictError};
use crate::gpus::wants_memory;
use crate::pool::{
    Cold, Counters, InFlight, Inline, Instance, Outcome, Recorder, Runner, SelfCheck, probe_batching, warm,
    warm_batches,
};
use crate::profile::Profile;
use crate::queue::{Answer, Job, Limits, Queue, Refusal, Request};
use crate::recorded::RecordLimits;
use crate::scaling::Scaling;
use crate::statistics::Statistics;
use crate::tap::{Tap, TapPlace, Unfit};
use servoir_types::{ModelId, Signature, Tensor};
use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

mod admission;
mod check;
mod here;
mod instances;
mod once;
mod sleep;

use here::Near;
pub use once::{Aside, run_once, try_out};

/// How a deployment batches and queues.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolOptions {
    /// Instances: threads with a session each; at least one is started.
    pub instances: usize,
    /// The most rows that are run together. A request of more rows runs alone and whole.
    pub batch_rows_max: usize,
    /// How long a request may wait for company, and never longer than half of the time until its deadline; zero: not at all.
    pub queue_delay_max: Duration,
    /// The most rows that may wait. A request of more rows than this is refused as [`PredictError::Mismatch`].
    pub queue_rows_max: usize,
    /// The most bytes of tensors that may wait. A single request of more is let in when nothing else waits.
    pub queue_bytes_max: usize,
    /// How long an answer is waited for when the caller does not say; `None`: as long as the server allows.
    pub timeout_default: Option<Duration>,
    /// Requests that are measured to cost no more than this run on the thread that asks; zero: none do.
    pub inline_cost_max: Duration,
    /// The most rows of a request that runs on the thread that asks, whatever it costs and whether others could join it; 0: none
    /// runs there. `None`: what is measured, and none where a request may wait for company.
    pub inline_rows_max: Option<usize>,
    /// Of so many requests that ran with others, one is run again alone and compared; 0: none is.
    pub check_one_in: u64,
    /// Threads that a run may use inside the engine, as the program was loaded.
    pub threads: usize,
    /// How soon answers are wanted. A request whose wait is forecast to be longer is refused at once.
    pub latency_target: Option<Duration>,
    /// Between how many instances it may be, and how busy each; `None`: their number stays as it is.
    pub scaling: Option<Scaling>,
    /// What was measured of the model on this machine, when it was.
    pub profile: Option<Arc<Profile>>,
}

/// Which version of which model a deployment is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The model.
    pub model: ModelId,
    /// Its name at the time of the deployment.
    pub name: String,
    /// The version, from 1.
    pub version: u64,
}

/// A reading of a deployment's state.
#[derive(Debug, Clone, Copy, Default)]
pub struct Gauges {
    /// Instances alive.
    pub instances: usize,
    /// Instances at work now.
    pub busy: usize,
    /// Rows waiting; a request without rows counts as one.
    pub queue_rows: usize,
    /// Requests inside: waiting or running.
    pub in_flight: usize,
    /// Requests that the self-check ran again, and those of them that were answered otherwise.
    pub checks: (u64, u64),
    /// Rows that were added to batches because the engine was prepared for so many.
    pub padded_rows: u64,
    /// Time all instances together have spent in the engine, in nanoseconds.
    pub compute_nanos: u64,
    /// Time they were at work on what was queued, in nanoseconds; what ran on the thread that asked is not in it.
    pub busy_nanos: u64,
}

/// A version that is loaded and answers: instances, their queue and their counters. Dropping the last handle lets the
/// instances finish what is queued and then end, on their own threads.
pub struct Deployment {
    identity: Identity,
    /// What every program of this version has, kept while there is none.
    signature: Signature,
    engine: EngineName,
    device: Device,
    /// What the program had taken of GPUs' own memory when its instances were last changed.
    taken: Mutex<Vec<(Device, u64)>>,
    nodes_on_cpu: usize,
    options: PoolOptions,
    queue: Arc<Queue>,
    counters: Arc<Counters>,
    /// One per instance and per place for runs on the thread that asks. Those of instances that have ended are kept, and taken
    /// by others.
    recorders: Mutex<Vec<Arc<Recorder>>>,
    /// Whether several requests may run together.
    batchable: bool,
    /// What the instances run; `None` while it sleeps. No prediction looks at it.
    program: Mutex<Option<Arc<dyn Program>>>,
    /// How many instances there are to be; who changes that holds the program.
    wanted: AtomicUsize,
    /// Runs what costs less than handing it over.
    inline: Option<Arc<Inline>>,
    tap: Arc<TapPlace>,
    /// What who asks keeps beside it.
    beside: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl fmt::Debug for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deployment").field("identity", &self.identity).field("engine", &self.engine().as_str()).finish()
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Deployment {
    /// Starts instances and warms each where the shapes allow it: with one row, and with each number of rows that was measured.
    /// Blocking.
    ///
    /// # Errors
    /// When a session cannot be made or the engine panics on the warm-up run. A run that ends in an error is no failure:
    /// a model may refuse made-up inputs.
    pub fn start(identity: Identity, program: Arc<dyn Program>, options: PoolOptions) -> Result<Arc<Self>, LoadError> {
        let instances = options.instances.max(1);
        let mut sessions = (0..instances).map(|_| warmed_session(&*program)).collect::<Result<Vec<_>, _>>()?;
        let mut batchable = options.batch_rows_max > 1 && is_batchable(program.signature());
        if batchable && let Some(session) = sessions.first_mut() {
            batchable =
                probe_batching(&mut **session, program.signature()).map_err(|panic| panicked(&*program, &panic))?;
        }
        if let Some(profile) = options.profile.as_ref().filter(|_| batchable) {
            let sizes = profile.sizes((program.engine(), program.device()), (options.threads, options.batch_rows_max));
            for session in &mut sessions {
                let warmed = warm_batches(&mut **session, program.signature(), sizes.iter().copied());
                warmed.or_else(|cold| stays_cold(&*program, &cold))?;
            }
        }
        let limits = Limits {
            batch_rows_max: options.batch_rows_max,
            queue_delay_max: options.queue_delay_max,
            queue_rows_max: options.queue_rows_max,
            queue_bytes_max: options.queue_bytes_max,
        };
        let counters = Arc::new(Counters::default());
        let mut recorders = Vec::new();
        let tap = Arc::new(TapPlace::default());
        let mut instance = |session| {
            let recorder = Arc::new(Recorder::default());
            recorders.push(Arc::clone(&recorder));
            Instance::new(Arc::clone(&program), session, (Arc::clone(&counters), recorder), Arc::clone(&tap))
        };
        let near = sessions.first_mut().and_then(|session| Near::of(&mut **session, &*program, (&options, batchable)));
        let inline = match near {
            None => None,
            Some(near) => {
                let sessions = near.sessions(&*program)?;
                let check = options.check_one_in;
                let runner = |session| Runner::new(instance(session), SelfCheck::new(check));
                Some(Arc::new(near.inline(sessions.into_iter().map(runner))))
            }
        };
        let instances: Vec<_> = sessions.into_iter().map(instance).collect();
        // Dropping this on an early return closes the queue, and with it the threads that were already started.
        let queue = Arc::new(Queue::new(limits));
        let beside = OnceLock::new();
        let wanted = AtomicUsize::new(instances.len());
        let deployment = Arc::new(Self {
            identity,
            signature: program.signature().clone(),
            engine: program.engine(),
            device: program.device(),
            taken: Mutex::new(program.taken()),
            nodes_on_cpu: program.nodes_on_cpu(),
            options,
            queue,
            counters,
            recorders: Mutex::new(recorders),
            batchable,
            program: Mutex::new(Some(Arc::clone(&program))),
            wanted,
            inline,
            tap,
            beside,
        });
        for (index, instance) in instances.into_iter().enumerate() {
            deployment.start_instance(&*program, (index, instance))?;
        }
        Ok(deployment)
    }

    /// Which version this is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Inputs and outputs.
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Whether every input and output has a free first dimension, the batch's.
    pub fn is_batchable(&self) -> bool {
        is_batchable(self.signature())
    }

    /// The engine.
    pub fn engine(&self) -> EngineName {
        self.engine
    }

    /// Where it runs.
    pub fn device(&self) -> Device {
        self.device
    }

    /// What it takes of GPUs' own memory, as [`Program::taken`] has it and as far as it was looked at: when its instances started, and
    /// when their number changed. Nothing while it sleeps.
    pub fn taken(&self) -> Vec<(Device, u64)> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers what its program has taken.
    fn look_at_taken(&self, program: Option<&dyn Program>) {
        let taken = program.map_or_else(Vec::new, Program::taken);
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = taken;
    }

    /// How many nodes of its graph the machine's own processor computes although it runs on another device.
    pub fn nodes_on_cpu(&self) -> usize {
        self.nodes_on_cpu
    }

    /// How it was started.
    pub fn options(&self) -> &PoolOptions {
        &self.options
    }

    /// What who asks keeps beside this deployment, such as the counters of its answers: made once, and found without
    /// looking.
    pub fn beside(&self) -> &OnceLock<Box<dyn Any + Send + Sync>> {
        &self.beside
    }

    /// From now on answered requests are shown to `tap`, or to nobody.
    pub fn set_tap(&self, tap: Option<Box<dyn Tap>>) {
        self.tap.set(tap);
    }

    /// From now on a few of the observed requests are kept.
    pub fn record(&self, limits: RecordLimits) {
        self.tap.record(limits);
    }

    /// The inputs of the requests that were kept, the oldest first, each in the signature's order.
    pub fn recorded(&self) -> Vec<Vec<Tensor>> {
        self.tap.recorded()
    }

    /// The program, to be run beside what answers; `None` while it sleeps.
    pub fn program(&self) -> Option<Arc<dyn Program>> {
        self.held().clone()
    }

    /// Shows the tap a request that was refused before it got here.
    pub fn refused(&self, unfit: Unfit) {
        self.tap.refused(unfit);
    }

    /// The state now.
    pub fn gauges(&self) -> Gauges {
        Gauges {
            instances: self.counters.instances.load(Ordering::Relaxed),
            busy: self.counters.busy.load(Ordering::Relaxed),
            queue_rows: self.queue.rows(),
            in_flight: self.counters.in_flight.load(Ordering::Relaxed),
            checks: self.counters.checks(),
            padded_rows: self.counters.padded_rows(),
            compute_nanos: self.counters.compute_nanos.load(Ordering::Relaxed),
            busy_nanos: self.counters.busy_nanos.load(Ordering::Relaxed),
        }
    }

    /// Requests that were put to it and are through, one way or the other.
    pub fn requests(&self) -> u64 {
        let (success, fail) = self.counters.outcomes();
        success.count + fail.count
    }

    /// What was done since the start. What has been answered is in it.
    pub fn statistics(&self) -> Statistics {
        let (success, fail) = self.counters.outcomes();
        let recorders = self.recorders.lock().unwrap_or_else(PoisonError::into_inner);
        let errors = self.counters.errors();
        Statistics { success, fail, errors, ..Recorder::sum(recorders.iter().map(|recorder| &**recorder)) }
    }

    /// The engine's last failure, if any.
    pub fn last_error(&self) -> Option<String> {
        self.counters.last_error()
    }

    /// Runs the model once on these inputs, alone or with what has gathered. Dropping the future before the model ran takes the request out at no cost.
    ///
    /// # Errors
    /// [`PredictError::Mismatch`] when the inputs do not fit the signature or are more rows than may ever wait. With a
    /// deadline the caller must be inside a tokio runtime with its timer on: the answer comes by then or not at all.
    pub async fn predict(&self, request: Request) -> Result<Answer, PredictError> {
        let rows = check::rows(self.signature(), &request.inputs).map_err(PredictError::Mismatch)?;
        if rows > self.options.queue_rows_max {
            let most = self.options.queue_rows_max;
            return Err(PredictError::Mismatch(format!(
                "a request may have at most {most} rows, got {rows}; send fewer at a time"
            )));
        }
        let arrived = Instant::now();
        let outcome = Outcome::pending(&self.counters, arrived);
        let answer = match &self.inline {
            Some(inline) if rows <= inline.rows_max() => {
                let answered = self.run_here(inline, request, (rows, arrived)).await;
                let (answer, ended) = answered.inspect_err(|error| self.counters.blame(error))?;
                outcome.answered(ended);
                answer
            }
            // On the heap, so that what runs here does not carry the room of what waits.
            _ => {
                let answer = Box::pin(self.queued(request, rows, arrived)).await;
                let answer = answer.inspect_err(|error| self.counters.blame(error))?;
                outcome.answered(Instant::now());
                answer
            }
        };
        Ok(answer)
    }

    /// Queues a request that fits, and waits.
    async fn queued(&self, request: Request, rows: usize, arrived: Instant) -> Result<Answer, PredictError> {
        let (reply, answer) = oneshot::channel();
        let deadline = request.deadline;
        let job = Job::new(request, (rows, arrived), reply, InFlight::enter(&self.counters));
        if job.is_dead(job.arrived) {
            return Err(PredictError::DeadlineExceeded);
        }
        self.forecast_in_time(rows, (arrived, job.deadline))?;
        self.queue.push(job).map_err(|refusal| match refusal {
            Refusal::Closed => PredictError::Closed,
            Refusal::Full { rows } => self.full(rows),
        })?;
        let answer = match deadline {
            None => answer.await,
            Some(deadline) => match tokio::time::timeout_at(deadline.into(), answer).await {
                Ok(answer) => answer,
                Err(_) => return Err(PredictError::DeadlineExceeded),
            },
        };
        answer.unwrap_or(Err(PredictError::Closed))
    }

    /// Waits until nothing is in flight.
    pub async fn idle(&self) {
        self.counters.drained().await;
    }
}

fn warmed_session(program: &dyn Program) -> Result<Box<dyn Session>, LoadError> {
    let mut session = caught(|| program.session()).map_err(|panic| panicked(program, &panic))??;
    warm(&mut *session, program.signature()).or_else(|cold| stays_cold(program, &cold))?;
    Ok(session)
}

/// What becomes of a version that was not warmed. A model may refuse made-up inputs, and is none the worse for it; one whose first run
/// finds no memory on its GPU would find none for anybody.
fn stays_cold(program: &dyn Program, cold: &Cold) -> Result<(), LoadError> {
    match cold {
        Cold::Panicked(panic) => Err(panicked(program, panic)),
        Cold::Refused(error) if program.device().is_gpu() && wants_memory(&error.reason) => {
            Err(LoadError::DeviceMemory { device: program.device(), reason: error.to_string() })
        }
        Cold::Refused(error) => {
            tracing::debug!("a warm-up run failed: {error}");
            Ok(())
        }
    }
}

fn panicked(program: &dyn Program, panic: &str) -> LoadError {
    rejected(program, format!("it panicked on the warm-up run: {panic}"))
}

fn rejected(program: &dyn Program, reason: String) -> LoadError {
    LoadError::Rejected { engine: program.engine().as_str().into(), reason }
}

/// The shape of a tensor beside its datatype, as error messages show both.
fn shown(tensor: &Tensor) -> String {
    format!("{} {:?}", tensor.datatype(), tensor.shape())
}
