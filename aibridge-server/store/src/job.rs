use crate::StoreError;
use parking_lot::Mutex;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// A request, and where its answer goes.
pub(crate) struct Job<Q, A> {
    pub(crate) request: Q,
    reply: ReplySender<A>,
}

/// Where an answer goes.
pub(crate) type ReplySender<A> = oneshot::Sender<Result<A, StoreError>>;

impl<Q, A> Job<Q, A> {
    /// A request, and where its answer comes from.
    pub(crate) fn new(request: Q) -> (Self, oneshot::Receiver<Result<A, StoreError>>) {
        let (reply, answer) = oneshot::channel();
        (Self { request, reply }, answer)
    }

    /// A request whose answer goes where another one's would have gone.
    pub(crate) fn with_reply(request: Q, reply: ReplySender<A>) -> Self {
        Self { request, reply }
    }

    /// The request, and where its answer goes.
    pub(crate) fn split(self) -> (Q, ReplySender<A>) {
        (self.request, self.reply)
    }

    /// Whether nobody waits for the answer any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    pub(crate) fn respond(self, response: Result<A, StoreError>) {
        let _gone = self.reply.send(response);
    }
}

/// A queue that holds `bound` jobs.
pub(crate) fn queue<Q, A>(bound: usize) -> (JobSender<Q, A>, JobReceiver<Q, A>) {
    let (sender, receiver) = mpsc::channel(bound);
    (JobSender(Mutex::new(Some(sender))), JobReceiver(receiver))
}

/// The askers' end of a queue.
pub(crate) struct JobSender<Q, A>(Mutex<Option<mpsc::Sender<Job<Q, A>>>>);

impl<Q, A> JobSender<Q, A> {
    /// Asks, and waits at max `limit` for a place in the queue and the answer together.
    pub(crate) async fn submit(&self, request: Q, limit: Duration) -> Result<A, StoreError> {
        let queue = self.0.lock().clone().ok_or(StoreError::Closed)?;
        let (job, answer) = Job::new(request);
        let asked = async move {
            queue.send(job).await.map_err(|_| StoreError::Closed)?;
            drop(queue); // or a long wait would keep a closed queue open
            answer.await.map_err(|_| StoreError::Closed)?
        };
        timeout(limit, asked).await.unwrap_or(Err(StoreError::Timeout(limit)))
    }

    /// How many questions wait.
    pub(crate) fn queue_length(&self) -> usize {
        self.0.lock().as_ref().map_or(0, |queue| queue.max_capacity() - queue.capacity())
    }

    /// Takes no more questions; those in the queue are still answered.
    pub(crate) fn close(&self) {
        drop(self.0.lock().take());
    }
}

/// The answerer's end of a queue.
pub(crate) struct JobReceiver<Q, A>(mpsc::Receiver<Job<Q, A>>);

impl<Q, A> JobReceiver<Q, A> {
    /// Blocks until there is a job, and takes what has queued up behind it, at max `max` in all. `None` when the
    /// queue is closed and empty.
    pub(crate) fn blocking_next(&mut self, max: usize) -> Option<Vec<Job<Q, A>>> {
        let first = self.0.blocking_recv()?;
        Some(self.with_waiting(first, max))
    }

    /// The same, without blocking the thread.
    pub(crate) async fn next(&mut self, max: usize) -> Option<Vec<Job<Q, A>>> {
        let first = self.0.recv().await?;
        Some(self.with_waiting(first, max))
    }

    fn with_waiting(&mut self, first: Job<Q, A>, max: usize) -> Vec<Job<Q, A>> {
        let mut jobs = vec![first];
        while jobs.len() < max
            && let Ok(job) = self.0.try_recv()
        {
            jobs.push(job);
        }
        jobs
    }
}
