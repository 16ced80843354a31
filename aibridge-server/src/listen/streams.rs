use super::progress;
use hyper::rt::Executor;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

/// The streams of one HTTP/2 connection: a request and its answer each, in a task of its own.
#[derive(Clone)]
pub(super) struct Streams {
    tasks: TaskTracker,
    seen: Arc<watch::Sender<Seen>>,
}

#[derive(Default)]
struct Seen {
    begun: u64,
    open: usize,
}

impl Streams {
    pub(super) fn new(tasks: TaskTracker) -> Self {
        Self { tasks, seen: Arc::default() }
    }

    /// Waits until there was a request.
    pub(super) async fn used(&self) {
        let _ = self.seen.subscribe().wait_for(|seen| seen.begun > 0).await;
    }

    /// Waits until the connection is idle: it had no request within `unused`, or none was open for `keep_alive`.
    pub(super) async fn idle(&self, unused: Duration, keep_alive: Duration) {
        if timeout(unused, self.used()).await.is_ok() {
            self.idle_for(keep_alive).await;
        }
    }

    /// Waits until none was open for so long.
    pub(super) async fn idle_for(&self, timeout_scope: Duration) {
        let mut seen = self.seen.subscribe();
        loop {
            let Ok(begun) = seen.wait_for(|seen| seen.open == 0).await.map(|seen| seen.begun) else { return };
            if timeout(timeout_scope, seen.wait_for(|seen| seen.begun > begun)).await.is_err() {
                return;
            }
        }
    }
}

impl<F> Executor<F> for Streams
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let open = Open::new(self.seen.clone());
        self.tasks.spawn(async move {
            progress::watch(stream).await;
            drop(open);
        });
    }
}

struct Open(Arc<watch::Sender<Seen>>);

impl Open {
    fn new(seen: Arc<watch::Sender<Seen>>) -> Self {
        seen.send_modify(|seen| {
            seen.begun += 1;
            seen.open += 1;
        });
        Self(seen)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|seen| seen.open -= 1);
    }
}
