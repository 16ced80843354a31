//! A thread that serves a queue of jobs with a blocking connection.

use crate::job::{JobReceiver, JobSender, queue};
use aibridge_store_core::StoreError;
use parking_lot::Mutex;
use std::io;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// A thread that serves requests with a connection of its own: SQLite blocks, the gateway must not.
pub(super) struct Worker<Q, A> {
    sender: JobSender<Q, A>,
    thread: Mutex<Option<Thread>>,
}

struct Thread {
    handle: JoinHandle<()>,
    /// Closed when the thread ends.
    ended: oneshot::Receiver<()>,
}

impl<Q: Send + 'static, A: Send + 'static> Worker<Q, A> {
    /// Starts a thread that runs `serve` until the queue, which holds `bound` jobs, is closed and empty.
    pub(super) fn start(
        name: &str,
        bound: usize,
        serve: impl FnOnce(JobReceiver<Q, A>) + Send + 'static,
    ) -> io::Result<Self> {
        let (sender, jobs) = queue(bound);
        let (ending, ended) = oneshot::channel();
        let handle = Builder::new().name(name.to_owned()).spawn(move || {
            let _ending: oneshot::Sender<()> = ending;
            serve(jobs);
        })?;
        Ok(Self { sender, thread: Mutex::new(Some(Thread { handle, ended })) })
    }

    /// Sends a request and waits for its result, see [`JobSender::submit`].
    pub(super) async fn submit(&self, request: Q, limit: Duration) -> Result<A, StoreError> {
        self.sender.submit(request, limit).await
    }

    /// Closes the queue, lets the thread serve the queued requests, and waits for its end, at most `limit`.
    pub(super) async fn stop(&self, limit: Duration) {
        self.sender.close();
        let thread = self.thread.lock().take();
        let Some(Thread { handle, ended }) = thread else { return };
        let name = handle.thread().name().unwrap_or_default().to_owned();
        if timeout(limit, ended).await.is_err() {
            tracing::error!(
                thread = name,
                ?limit,
                "a thread of the store did not end in time and was abandoned"
            );
        } else if handle.join().is_err() {
            tracing::error!(thread = name, "a thread of the store panicked");
        }
    }
}
