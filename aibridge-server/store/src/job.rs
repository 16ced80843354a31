use crate::StoreError;
use parking_lot::Mutex;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// A question, and where its answer goes.
pub(crate) struct Job<Q, A> {
    pub(crate) question: Q,
    reply: Reply<A>,
}

/// Where an answer goes.
pub(crate) type Reply<A> = oneshot::Sender<Result<A, StoreError>>;

impl<Q, A> Job<Q, A> {
    /// A question, and where its answer comes from.
    pub(crate) fn new(question: Q) -> (Self, oneshot::Receiver<Result<A, StoreError>>) {
        let (reply, answer) = oneshot::channel();
        (Self { question, reply }, answer)
    }

    /// A question whose answer goes where another one's would have gone.
    pub(crate) fn of(question: Q, reply: Reply<A>) -> Self {
        Self { question, reply }
    }

    /// The question, and where its answer goes.
    pub(crate) fn split(self) -> (Q, Reply<A>) {
        (self.question, self.reply)
    }

    /// Whether nobody waits for the answer any more.
    pub(crate) fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    pub(crate) fn answer(self, answer: Result<A, StoreError>) {
        let _gone = self.reply.send(answer);
    }
}

/// A queue that holds `bound` jobs.
pub(crate) fn queue<Q, A>(bound: usize) -> (Asker<Q, A>, Queue<Q, A>) {
    let (sender, receiver) = mpsc::channel(bound);
    (Asker(Mutex::new(Some(sender))), Queue(receiver))
}

/// The askers' end of a queue.
pub(crate) struct Asker<Q, A>(Mutex<Option<mpsc::Sender<Job<Q, A>>>>);

impl<Q, A> Asker<Q, A> {
    /// Asks, and waits at most `limit` for a place in the queue and the answer together.
    pub(crate) async fn ask(&self, question: Q, limit: Duration) -> Result<A, StoreError> {
        let queue = self.0.lock().clone().ok_or(StoreError::Closed)?;
        let (job, answer) = Job::new(question);
        let asked = async move {
            queue.send(job).await.map_err(|_| StoreError::Closed)?;
            drop(queue); // or a long wait would keep a closed queue open
            answer.await.map_err(|_| StoreError::Closed)?
        };
        timeout(limit, asked).await.unwrap_or(Err(StoreError::TooSlow(limit)))
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
pub(crate) struct Queue<Q, A>(mpsc::Receiver<Job<Q, A>>);

impl<Q, A> Queue<Q, A> {
    /// Blocks until there is a job, and takes what has queued up behind it, at most `most` in all. `None` when the
    /// queue is closed and empty.
    pub(crate) fn next(&mut self, most: usize) -> Option<Vec<Job<Q, A>>> {
        let first = self.0.blocking_recv()?;
        Some(self.with_waiting(first, most))
    }

    /// The same, without blocking the thread.
    pub(crate) async fn arrived(&mut self, most: usize) -> Option<Vec<Job<Q, A>>> {
        let first = self.0.recv().await?;
        Some(self.with_waiting(first, most))
    }

    fn with_waiting(&mut self, first: Job<Q, A>, most: usize) -> Vec<Job<Q, A>> {
        let mut jobs = vec![first];
        while jobs.len() < most
            && let Ok(job) = self.0.try_recv()
        {
            jobs.push(job);
        }
        jobs
    }
}
