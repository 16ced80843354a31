//! The tasks of the streams of one HTTP/2 connection, and how long it has been idle.

use crate::progress;
use hyper::rt::Executor;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

/// Runs each stream of one HTTP/2 connection, a request and its response, in a task of its own. Clones share the counts.
#[derive(Clone)]
pub(crate) struct StreamTasks {
    tasks: TaskTracker,
    counts: Arc<watch::Sender<StreamCounts>>,
}

/// The streams of a connection.
#[derive(Default)]
struct StreamCounts {
    /// Since the connection began.
    begun: u64,
    /// At the moment.
    open: usize,
}

impl StreamTasks {
    pub(crate) fn new(tasks: TaskTracker) -> Self {
        Self { tasks, counts: Arc::default() }
    }

    /// Waits until the first request begins.
    pub(crate) async fn first_request(&self) {
        let _ = self.counts.subscribe().wait_for(|counts| counts.begun > 0).await;
    }

    /// Waits until the connection is idle: no request began within `first_timeout`, or none was open for `keep_alive`.
    pub(crate) async fn idle(&self, first_timeout: Duration, keep_alive: Duration) {
        if timeout(first_timeout, self.first_request()).await.is_ok() {
            self.idle_for(keep_alive).await;
        }
    }

    /// Waits until no request was open for `duration`.
    pub(crate) async fn idle_for(&self, duration: Duration) {
        let mut counts = self.counts.subscribe();
        loop {
            let idle = counts.wait_for(|counts| counts.open == 0).await;
            let Ok(begun) = idle.map(|counts| counts.begun) else { return };
            if timeout(duration, counts.wait_for(|counts| counts.begun > begun)).await.is_err() {
                return;
            }
        }
    }
}

impl<F> Executor<F> for StreamTasks
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let open = OpenStream::new(self.counts.clone());
        self.tasks.spawn(async move {
            progress::reset_when_stalled(stream).await;
            drop(open);
        });
    }
}

/// Counts one open stream until it is dropped.
struct OpenStream(Arc<watch::Sender<StreamCounts>>);

impl OpenStream {
    fn new(counts: Arc<watch::Sender<StreamCounts>>) -> Self {
        counts.send_modify(|counts| {
            counts.begun += 1;
            counts.open += 1;
        });
        Self(counts)
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.send_modify(|counts| counts.open -= 1);
    }
}
