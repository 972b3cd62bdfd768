//! A version that is loaded and answers: its instances, their queue and their counters.

use crate::batch::is_batchable;
use crate::engine::{EngineName, Program, Session, caught};
use crate::error::{LoadError, PredictError};
use crate::pool::{Counters, InFlight, Outcome, Recorder, Worker, probe_batching, warm};
use crate::queue::{Answer, Job, Limits, Queue, Refusal, Request};
use crate::statistics::Statistics;
use servoir_types::{ModelId, Signature, Tensor};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

mod check;

/// How a deployment batches and queues.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolOptions {
    /// Instances: threads with a session each; at least one is started.
    pub instances: usize,
    /// The most rows that are run together. A request of more rows runs alone and whole.
    pub batch_rows_max: usize,
    /// How long a request may wait for company; zero: not at all.
    pub queue_delay_max: Duration,
    /// The most rows that may wait. A request of more rows than this is refused as [`PredictError::Mismatch`].
    pub queue_rows_max: usize,
    /// The most bytes of tensors that may wait. A single request of more is let in when nothing else waits.
    pub queue_bytes_max: usize,
    /// How long an answer is waited for when the caller does not say; `None`: as long as the server allows.
    pub timeout_default: Option<Duration>,
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
    /// Time all instances together have spent in the engine, in nanoseconds.
    pub compute_nanos: u64,
}

/// A version that is loaded and answers: instances, their queue and their counters. Dropping the last handle lets the
/// instances finish what is queued and then end, on their own threads.
pub struct Deployment {
    identity: Identity,
    program: Arc<dyn Program>,
    options: PoolOptions,
    queue: Arc<Queue>,
    counters: Arc<Counters>,
    /// One per instance.
    recorders: Vec<Arc<Recorder>>,
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
    /// Starts instances and warms each with one run where the shapes allow it. Blocking.
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
        let limits = Limits {
            batch_rows_max: options.batch_rows_max,
            queue_delay_max: options.queue_delay_max,
            queue_rows_max: options.queue_rows_max,
            queue_bytes_max: options.queue_bytes_max,
        };
        // Dropping this on an early return closes the queue, and with it the threads that were already started.
        let deployment = Arc::new(Self {
            queue: Arc::new(Queue::new(limits)),
            counters: Arc::new(Counters::default()),
            recorders: sessions.iter().map(|_| Arc::default()).collect(),
            identity,
            program,
            options,
        });
        for (index, session) in sessions.into_iter().enumerate() {
            deployment.start_instance(index, session, batchable)?;
        }
        Ok(deployment)
    }

    fn start_instance(&self, index: usize, session: Box<dyn Session>, batchable: bool) -> Result<(), LoadError> {
        let counted = (Arc::clone(&self.counters), Arc::clone(&self.recorders[index]));
        let worker = Worker::new(Arc::clone(&self.program), session, Arc::clone(&self.queue), counted, batchable);
        self.counters.instances.fetch_add(1, Ordering::Relaxed);
        // A thread's name may hold no zero byte.
        let name = format!("servoir-{}-{index}", self.identity.name.replace('\0', ""));
        let started = std::thread::Builder::new().name(name).spawn(move || worker.work());
        started.map(|_| ()).map_err(|error| {
            self.counters.instances.fetch_sub(1, Ordering::Relaxed);
            rejected(&*self.program, format!("no thread could be started for instance {index}: {error}"))
        })
    }

    /// Which version this is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Inputs and outputs.
    pub fn signature(&self) -> &Signature {
        self.program.signature()
    }

    /// Whether every input and output has a free first dimension, the batch's.
    pub fn is_batchable(&self) -> bool {
        is_batchable(self.signature())
    }

    /// The engine.
    pub fn engine(&self) -> EngineName {
        self.program.engine()
    }

    /// The device, `cpu`.
    pub fn device(&self) -> &'static str {
        "cpu"
    }

    /// How it was started.
    pub fn options(&self) -> &PoolOptions {
        &self.options
    }

    /// The state now.
    pub fn gauges(&self) -> Gauges {
        Gauges {
            instances: self.counters.instances.load(Ordering::Relaxed),
            busy: self.counters.busy.load(Ordering::Relaxed),
            queue_rows: self.queue.rows(),
            in_flight: self.counters.in_flight.load(Ordering::Relaxed),
            compute_nanos: self.counters.compute_nanos.load(Ordering::Relaxed),
        }
    }

    /// What was done since the start. What has been answered is in it.
    pub fn statistics(&self) -> Statistics {
        let (success, fail) = self.counters.outcomes();
        Statistics { success, fail, ..Recorder::sum(self.recorders.iter().map(|recorder| &**recorder)) }
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
        let answer = self.answer(request, rows, arrived).await?;
        outcome.answered();
        Ok(answer)
    }

    /// Queues a request that fits, and waits.
    async fn answer(&self, request: Request, rows: usize, arrived: Instant) -> Result<Answer, PredictError> {
        let (reply, answer) = oneshot::channel();
        let job = Job {
            rows,
            bytes: request.inputs.iter().map(|input| input.data().size_bytes()).sum(),
            inputs: request.inputs,
            deadline: request.deadline,
            priority: request.priority,
            arrived,
            reply,
            in_flight: InFlight::enter(&self.counters),
        };
        if job.is_dead(job.arrived) {
            return Err(PredictError::DeadlineExceeded);
        }
        self.queue.push(job).map_err(|refusal| match refusal {
            Refusal::Closed => PredictError::Closed,
            Refusal::Full { rows } => {
                PredictError::QueueFull { rows, retry_after_seconds: self.counters.retry_after_seconds(rows) }
            }
        })?;
        let answer = match request.deadline {
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
    warm(&mut *session, program.signature()).map_err(|panic| panicked(program, &panic))?;
    Ok(session)
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
