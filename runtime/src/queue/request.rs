//! What is asked, what waits, and what is answered.

use crate::error::PredictError;
use crate::pool::InFlight;
use servoir_types::Tensor;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// One prediction to make.
pub struct Request {
    /// In the signature's order; checked against it by [`crate::Deployment::predict`].
    pub inputs: Vec<Tensor>,
    /// When the answer is of no more use.
    pub deadline: Option<Instant>,
    /// Who goes first when requests wait.
    pub priority: Priority,
    /// Whether the deployment's tap sees it.
    pub observed: bool,
}

/// The order in which waiting requests are taken; a lower one cannot starve for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
#[allow(missing_docs)]
pub enum Priority {
    High,
    #[default]
    Normal,
    Low,
}

/// What came of a prediction.
#[derive(Debug)]
pub struct Answer {
    /// In the signature's order.
    pub outputs: Vec<Tensor>,
    /// Time in the queue.
    pub queued: Duration,
    /// Time in the engine.
    pub computed: Duration,
    /// When the engine had done.
    pub ended: Instant,
    /// Rows in the batch that it ran in.
    pub batch_rows: usize,
}

/// What a client waits for.
pub(crate) type Reply = Result<Answer, PredictError>;

/// A request that waits or runs.
pub(crate) struct Job {
    pub inputs: Vec<Tensor>,
    /// Rows that the request has; 1 when the model knows no rows.
    pub rows: usize,
    /// Memory of the inputs, in bytes.
    pub bytes: usize,
    pub deadline: Option<Instant>,
    pub priority: Priority,
    pub observed: bool,
    pub arrived: Instant,
    pub reply: oneshot::Sender<Reply>,
    /// Counts the request as in flight for as long as it is here.
    pub in_flight: InFlight,
}

impl Job {
    /// A request of `rows` rows that arrived then.
    pub fn new(
        request: Request,
        (rows, arrived): (usize, Instant),
        reply: oneshot::Sender<Reply>,
        in_flight: InFlight,
    ) -> Self {
        let Request { inputs, deadline, priority, observed } = request;
        let bytes = inputs.iter().map(|input| input.data().size_bytes()).sum();
        Self { inputs, rows, bytes, deadline, priority, observed, arrived, reply, in_flight }
    }

    /// Rows as limits count them: a request without any still takes a place.
    pub fn charged_rows(&self) -> usize {
        self.rows.max(1)
    }

    /// Whether an answer would be of no use: the deadline has passed or the client has gone.
    pub fn is_dead(&self, now: Instant) -> bool {
        self.reply.is_closed() || self.deadline.is_some_and(|deadline| deadline <= now)
    }

    /// Answers. The request no longer counts as in flight when the client sees the answer.
    pub fn answer(self, reply: Reply) {
        let Self { reply: sender, in_flight, inputs, .. } = self;
        drop(inputs);
        drop(in_flight);
        // A client that has gone does not want the answer.
        let _ = sender.send(reply);
    }
}
