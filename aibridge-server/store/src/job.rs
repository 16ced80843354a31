//! A bounded queue of jobs, each with a one-shot channel for its result. Threads and tasks of both databases take
//! their work from it.

use crate::StoreError;
use parking_lot::Mutex;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// A request with the channel for its result.
pub(crate) struct Job<Q, A> {
    pub(crate) request: Q,
    reply: ReplySender<A>,
}

/// The sending end of the channel for a result.
pub(crate) type ReplySender<A> = oneshot::Sender<Result<A, StoreError>>;

impl<Q, A> Job<Q, A> {
    /// Creates a job, and the receiving end of its result.
    pub(crate) fn new(request: Q) -> (Self, oneshot::Receiver<Result<A, StoreError>>) {
        let (reply, response) = oneshot::channel();
        (Self { request, reply }, response)
    }

    /// A job that reports to the channel of another job.
    pub(crate) fn with_reply(request: Q, reply: ReplySender<A>) -> Self {
        Self { request, reply }
    }

    /// The request, and the channel for its result.
    pub(crate) fn split(self) -> (Q, ReplySender<A>) {
        (self.request, self.reply)
    }

    /// Whether the caller stopped waiting.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    /// Sends the result. Does nothing if the caller stopped waiting.
    pub(crate) fn respond(self, response: Result<A, StoreError>) {
        let _gone = self.reply.send(response);
    }
}

/// A queue of at most `bound` jobs.
pub(crate) fn queue<Q, A>(bound: usize) -> (JobSender<Q, A>, JobReceiver<Q, A>) {
    let (sender, receiver) = mpsc::channel(bound);
    (JobSender(Mutex::new(Some(sender))), JobReceiver(receiver))
}

/// The sending end of a queue.
pub(crate) struct JobSender<Q, A>(Mutex<Option<mpsc::Sender<Job<Q, A>>>>);

impl<Q, A> JobSender<Q, A> {
    /// Sends a request and waits for its result. `limit` covers the wait for room in the queue and for the result.
    pub(crate) async fn submit(&self, request: Q, limit: Duration) -> Result<A, StoreError> {
        let queue = self.0.lock().clone().ok_or(StoreError::Closed)?;
        let (job, response) = Job::new(request);
        let call = async move {
            queue.send(job).await.map_err(|_| StoreError::Closed)?;
            drop(queue); // or a long wait would keep a closed queue open
            response.await.map_err(|_| StoreError::Closed)?
        };
        timeout(limit, call).await.unwrap_or(Err(StoreError::Timeout(limit)))
    }

    /// Number of requests in the queue.
    pub(crate) fn queue_length(&self) -> usize {
        self.0.lock().as_ref().map_or(0, |queue| queue.max_capacity() - queue.capacity())
    }

    /// Closes the queue: later requests fail, queued ones are still served.
    pub(crate) fn close(&self) {
        drop(self.0.lock().take());
    }
}

/// The receiving end of a queue.
pub(crate) struct JobReceiver<Q, A>(mpsc::Receiver<Job<Q, A>>);

impl<Q, A> JobReceiver<Q, A> {
    /// Blocks until a job arrives, and returns it with the jobs queued after it, at most `max` in all. `None` when
    /// the queue is closed and empty.
    pub(crate) fn blocking_next(&mut self, max: usize) -> Option<Vec<Job<Q, A>>> {
        let first = self.0.blocking_recv()?;
        Some(self.with_waiting(first, max))
    }

    /// Like [`Self::blocking_next`], without blocking the thread.
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
