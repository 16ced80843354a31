use crate::StoreError;
use parking_lot::Mutex;
use std::io;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

/// A thread that answers questions with a connection of its own: SQLite blocks, the gateway must not.
pub(super) struct Worker<Q, A> {
    queue: Mutex<Option<mpsc::Sender<Job<Q, A>>>>,
    thread: Mutex<Option<Thread>>,
}

struct Thread {
    handle: JoinHandle<()>,
    /// Closed when the thread is about to end.
    ended: oneshot::Receiver<()>,
}

/// A question, and where its answer goes.
pub(super) struct Job<Q, A> {
    pub(super) question: Q,
    reply: oneshot::Sender<Result<A, StoreError>>,
}

impl<Q, A> Job<Q, A> {
    /// A question, and where its answer comes from.
    pub(super) fn new(question: Q) -> (Self, oneshot::Receiver<Result<A, StoreError>>) {
        let (reply, answer) = oneshot::channel();
        (Self { question, reply }, answer)
    }

    /// Whether nobody waits for the answer any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    pub(super) fn answer(self, answer: Result<A, StoreError>) {
        let _gone = self.reply.send(answer);
    }
}

/// The worker's end of its queue.
pub(super) struct Queue<Q, A>(mpsc::Receiver<Job<Q, A>>);

impl<Q, A> Queue<Q, A> {
    /// Waits for a job, and takes what has queued up behind it, at most `most` in all. `None` when the queue is
    /// closed and empty.
    pub(super) fn next(&mut self, most: usize) -> Option<Vec<Job<Q, A>>> {
        let mut jobs = vec![self.0.blocking_recv()?];
        while jobs.len() < most
            && let Ok(job) = self.0.try_recv()
        {
            jobs.push(job);
        }
        Some(jobs)
    }
}

impl<Q: Send + 'static, A: Send + 'static> Worker<Q, A> {
    /// Starts a thread that runs `serve` until the queue, which holds `bound` jobs, is closed and empty.
    pub(super) fn start(
        name: &str,
        bound: usize,
        serve: impl FnOnce(Queue<Q, A>) + Send + 'static,
    ) -> io::Result<Self> {
        let (queue, jobs) = mpsc::channel(bound);
        let (ending, ended) = oneshot::channel();
        let handle = Builder::new().name(name.to_owned()).spawn(move || {
            let _ending: oneshot::Sender<()> = ending;
            serve(Queue(jobs));
        })?;
        Ok(Self { queue: Mutex::new(Some(queue)), thread: Mutex::new(Some(Thread { handle, ended })) })
    }

    /// Asks, and waits at most `limit` for a place in the queue and the answer together.
    pub(super) async fn ask(&self, question: Q, limit: Duration) -> Result<A, StoreError> {
        let queue = self.queue.lock().clone().ok_or(StoreError::Closed)?;
        let (job, answer) = Job::new(question);
        let asked = async move {
            queue.send(job).await.map_err(|_| StoreError::Closed)?;
            drop(queue); // or a long wait would keep a closed queue open
            answer.await.map_err(|_| StoreError::Closed)?
        };
        timeout(limit, asked).await.unwrap_or(Err(StoreError::TooSlow(limit)))
    }

    /// How many questions wait.
    pub(super) fn queue_length(&self) -> usize {
        self.queue.lock().as_ref().map_or(0, |queue| queue.max_capacity() - queue.capacity())
    }

    /// Takes no more questions, lets the thread answer those in the queue, and waits for its end, at most `limit`.
    pub(super) async fn stop(&self, limit: Duration) {
        drop(self.queue.lock().take());
        let thread = self.thread.lock().take();
        let Some(Thread { handle, ended }) = thread else { return };
        let name = handle.thread().name().unwrap_or_default().to_owned();
        if timeout(limit, ended).await.is_err() {
            tracing::error!(
                thread = name,
                ?limit,
                "a thread of the store did not end in time and is left behind"
            );
        } else if handle.join().is_err() {
            tracing::error!(thread = name, "a thread of the store had panicked");
        }
    }
}
