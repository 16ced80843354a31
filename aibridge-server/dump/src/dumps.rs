//! The dumps of all providers, and the thread that writes them.

use crate::attempt::ProviderDump;
use crate::failure_log::FailureLog;
use crate::queue::Queue;
use crate::writer::Writer;
use aibridge_intercept::tap::Tap;
use parking_lot::Mutex;
use quanta::Clock;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::Builder;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// The longest time that a shutdown waits for dumps to be written.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Dumps the traffic of providers. One thread writes all files; it starts with the first provider that has dumps.
#[derive(Debug)]
pub struct Dumps {
    clock: Clock,
    thread: Mutex<Option<Thread>>,
}

#[derive(Debug)]
struct Thread {
    queue: Queue,
    ended: oneshot::Receiver<()>,
}

impl Dumps {
    /// Creates no thread and no file yet. `clock` measures the time between warnings.
    pub fn new(clock: Clock) -> Self {
        Self { clock, thread: Mutex::new(None) }
    }

    /// Returns a tap that dumps the traffic of `provider` below `dir`.
    ///
    /// # Errors
    ///
    /// Returns the error of the operating system if the thread cannot be started.
    pub fn tap(&self, dir: &Path, provider: &str) -> io::Result<Arc<dyn Tap>> {
        let mut thread = self.thread.lock();
        let thread = match &mut *thread {
            Some(thread) => thread,
            empty => empty.insert(Thread::start(self.clock.clone())?),
        };
        Ok(Arc::new(ProviderDump::new(dir.join(provider), thread.queue.clone())))
    }

    /// Writes the queued data for at most five seconds, then discards the rest.
    pub async fn close(&self) {
        let thread = self.thread.lock().take();
        let Some(Thread { queue, ended }) = thread else { return };
        queue.shut_down();
        if timeout(CLOSE_TIMEOUT, ended).await.is_err() {
            tracing::warn!(limit = ?CLOSE_TIMEOUT, "the shutdown did not wait longer for dumps; the last ones are cut short");
        }
    }
}

impl Thread {
    fn start(clock: Clock) -> io::Result<Self> {
        let warnings = Arc::new(FailureLog::new(clock));
        let (queue, jobs) = Queue::new(warnings.clone());
        let (end_sender, ended) = oneshot::channel();
        Builder::new().name("aibridge-dumps".into()).spawn(move || {
            Writer::new(warnings).run(jobs);
            let _receiver_gone = end_sender.send(());
        })?;
        Ok(Self { queue, ended })
    }
}
