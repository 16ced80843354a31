use crate::attempt::ProviderDump;
use crate::complaints::WarnThrottle;
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

/// How long a shutdown waits for dumps to be written.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// The dumps of all providers, written by one thread, which starts with the first of them.
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
    /// No dumps yet. `clock` keeps complaints rare.
    pub fn new(clock: Clock) -> Self {
        Self { clock, thread: Mutex::new(None) }
    }

    /// What dumps the traffic of `provider` below `dir`.
    ///
    /// # Errors
    ///
    /// When no thread can be started.
    pub fn of(&self, dir: &Path, provider: &str) -> io::Result<Arc<dyn Tap>> {
        let mut thread = self.thread.lock();
        let thread = match &mut *thread {
            Some(thread) => thread,
            none => none.insert(Thread::start(self.clock.clone())?),
        };
        Ok(Arc::new(ProviderDump::new(dir.join(provider), thread.queue.clone())))
    }

    /// Writes what has queued up, for a few seconds at most, and nothing after it.
    pub async fn close(&self) {
        let thread = self.thread.lock().take();
        let Some(Thread { queue, ended }) = thread else { return };
        queue.stop();
        if timeout(CLOSE_WITHIN, ended).await.is_err() {
            tracing::warn!(limit = ?CLOSE_WITHIN, "dumps were not written in time and are cut short");
        }
    }
}

impl Thread {
    fn start(clock: Clock) -> io::Result<Self> {
        let complaints = Arc::new(WarnThrottle::new(clock));
        let (queue, jobs) = Queue::new(complaints.clone());
        let (ending, ended) = oneshot::channel();
        Builder::new().name("aibridge-dumps".into()).spawn(move || {
            Writer::new(complaints).run(jobs);
            let _nobody_waits = ending.send(());
        })?;
        Ok(Self { queue, ended })
    }
}
