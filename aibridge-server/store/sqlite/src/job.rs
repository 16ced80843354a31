//! A bounded queue of jobs, each with a one-shot channel for its result. A thread takes its work from it.

use aibridge_store_core::StoreError;
use parking_lot::Mutex;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// A request with the channel for its result.
pub(crate) struct Job<Q, A> {
    pub(crate) request: Q,
    reply: oneshot::Sender<Result<A, StoreError>>,
}

impl<Q, A> Job<Q, A> {
    /// Creates a job, and the receiving end of its result.
    pub(crate) fn new(request: Q) -> (Self, oneshot::Receiver<Result<A, StoreError>>) {
        let (reply, response) = oneshot::channel();
        (Self { request, reply }, response)
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
        let mut jobs = vec![self.0.blocking_recv()?];
        while jobs.len() < max
            && let Ok(job) = self.0.try_recv()
        {
            jobs.push(job);
        }
        Some(jobs)
    }
}
