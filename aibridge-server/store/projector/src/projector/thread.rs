//! The thread of the projector: it waits for frames, gathers them for a moment, and tries again while the database
//! refuses.

use super::backoff::Backoff;
use super::{Projector, Sink, SinkError};
use crate::progress::Progress;
use aibridge_journal::Journal;
use aibridge_store_core::StoreError;
use futures_util::future::LocalBoxFuture;
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Time for which the projector gathers frames after the first one, unless a caller waits for the database. A commit for
/// each frame would cost more than everything else.
const GATHER_TIME: Duration = Duration::from_millis(20);

/// The shortest pause between two attempts while the database refuses, if a caller waits for it.
const MIN_PAUSE: Duration = Duration::from_millis(100);

/// Other work on the projector's connection. It runs between two batches.
type Job<S> = Box<dyn for<'a> FnOnce(&'a mut S) -> LocalBoxFuture<'a, ()> + Send>;

/// Bound of the queue of such work.
const JOBS: usize = 16;

/// Time limit for the thread to end after `abandon` was cancelled.
const ABANDON_LIMIT: Duration = Duration::from_secs(5);

/// The journals, the database and the state that the thread works on.
pub struct Task<S> {
    /// The projector of the journal of this process.
    pub projector: Projector,
    /// The database to write to.
    pub sink: S,
    /// The journal of this process.
    pub journal: Arc<Journal>,
    /// The state that the thread shares.
    pub progress: Arc<Progress>,
    /// Journals of processes that are gone, which are projected first.
    pub leftovers: Vec<Projector>,
    /// Whether callers wait for the database, so that frames are not gathered.
    pub is_awaited: bool,
}

/// The handle of the thread.
pub struct ProjectorThread<S> {
    jobs: mpsc::Sender<Job<S>>,
    /// Cancelled to end the thread when all frames are projected.
    stop: CancellationToken,
    /// Cancelled to end the thread after the current attempt.
    abandon: CancellationToken,
    thread: Mutex<Option<(JoinHandle<()>, oneshot::Receiver<()>)>>,
}

/// The callback for recovery, called once: with the number of closed interceptions when the frames of earlier processes
/// are projected, or with the first error.
type RecoveryCallback = Box<dyn FnOnce(Result<u64, String>) + Send>;

struct Worker<S> {
    task: Task<S>,
    jobs: mpsc::Receiver<Job<S>>,
    stop: CancellationToken,
    abandon: CancellationToken,
    backoff: Backoff,
    on_recovery: Option<RecoveryCallback>,
}

impl<S: Sink> ProjectorThread<S> {
    /// Starts the thread.
    pub fn start(
        task: Task<S>,
        on_recovery: impl FnOnce(Result<u64, String>) + Send + 'static,
    ) -> io::Result<Self> {
        let (sender, jobs) = mpsc::channel(JOBS);
        let (stop, abandon) = (CancellationToken::new(), CancellationToken::new());
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (ending, ended) = oneshot::channel();
        let worker = Worker {
            task,
            jobs,
            stop: stop.clone(),
            abandon: abandon.clone(),
            backoff: Backoff::default(),
            on_recovery: Some(Box::new(on_recovery)),
        };
        let thread = std::thread::Builder::new().name("aibridge-projector".to_owned()).spawn(move || {
            let _ending: oneshot::Sender<()> = ending;
            runtime.block_on(worker.run());
        })?;
        Ok(Self { jobs: sender, stop, abandon, thread: Mutex::new(Some((thread, ended))) })
    }

    /// Runs `work` on the connection of the projector, and returns its result. `limit` includes the wait for its turn.
    pub async fn run<T: Send + 'static>(
        &self,
        limit: Duration,
        work: impl AsyncFnOnce(&mut S) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, response) = oneshot::channel();
        let job: Job<S> = Box::new(move |sink| {
            Box::pin(async move {
                if !reply.is_closed() {
                    let _gone = reply.send(work(sink).await);
                }
            })
        });
        let call = async {
            self.jobs.send(job).await.map_err(|_| StoreError::Closed)?;
            response.await.map_err(|_| StoreError::Closed)
        };
        timeout(limit, call).await.unwrap_or(Err(StoreError::Timeout(limit)))
    }

    /// Ends the thread when all frames are projected, or after `limit`. Returns whether it has ended.
    pub async fn stop(&self, limit: Duration) -> bool {
        self.stop.cancel();
        let thread = self.thread.lock().take();
        let Some((thread, mut ended)) = thread else { return true };
        let mut has_ended = timeout(limit, &mut ended).await.is_ok();
        if !has_ended {
            self.abandon.cancel();
            has_ended = timeout(ABANDON_LIMIT, ended).await.is_ok();
        }
        if !has_ended {
            tracing::error!("the projector did not end in time and was abandoned");
        } else if thread.join().is_err() {
            tracing::error!("the projector panicked");
        }
        has_ended
    }
}

impl<S> Drop for ProjectorThread<S> {
    fn drop(&mut self) {
        self.stop.cancel();
        self.abandon.cancel();
    }
}

impl<S: Sink> Worker<S> {
    async fn run(mut self) {
        for mut leftover in std::mem::take(&mut self.task.leftovers) {
            std::mem::swap(&mut leftover, &mut self.task.projector);
            self.catch_up().await;
            std::mem::swap(&mut leftover, &mut self.task.projector);
        }
        self.catch_up().await;
        self.report_recovery();
        while !self.abandon.is_cancelled() {
            if self.stop.is_cancelled() && self.task.progress.has_projected(self.task.journal.stats().last) {
                return;
            }
            self.wait_for_frames().await;
            while let Some(false) = self.attempt().await {}
        }
    }

    /// Projects until nothing is left, or until the thread must end.
    async fn catch_up(&mut self) {
        while self.seek().await.is_none() {
            if self.abandon.is_cancelled() {
                return;
            }
        }
        while let Some(false) = self.attempt().await {}
    }

    async fn seek(&mut self) -> Option<()> {
        let Task { projector, sink, .. } = &mut self.task;
        let sought = tokio::select! {
            sought = projector.seek(sink) => sought,
            () = self.abandon.cancelled() => return None,
        };
        match sought {
            Ok(()) => Some(()),
            Err(error) => {
                self.fail(&error).await;
                None
            }
        }
    }

    /// Projects the next frames. After a failure, it continues at the position of the database. Returns whether nothing is
    /// left, and `None` when the thread must end.
    async fn attempt(&mut self) -> Option<bool> {
        self.serve_jobs().await;
        let Task { projector, sink, .. } = &mut self.task;
        let projected = tokio::select! {
            projected = projector.step(sink) => projected,
            () = self.abandon.cancelled() => return None,
        };
        let error = match projected {
            Ok(has_more) => {
                self.backoff.reset();
                if self.task.progress.clear_failure() {
                    tracing::info!("the database accepts records again");
                }
                return (!self.abandon.is_cancelled()).then_some(!has_more);
            }
            Err(error) => error,
        };
        self.fail(&error).await;
        while self.seek().await.is_none() {
            if self.abandon.is_cancelled() {
                return None;
            }
        }
        Some(false)
    }

    fn report_recovery(&mut self) {
        if let (Some(closed), Some(report)) = (self.task.projector.orphans_closed(), self.on_recovery.take())
        {
            report(Ok(closed));
        }
    }

    /// Records a failure, logs it at most once a minute, and waits before the next attempt.
    async fn fail(&mut self, error: &SinkError) {
        if let Some(report) = self.on_recovery.take() {
            report(Err(error.to_string()));
        }
        self.task.progress.failed(&error.to_string());
        if self.backoff.is_reminder_due() {
            let waiting = self.task.progress.stats().lag_records;
            tracing::error!(%error, waiting, "the database does not accept records; they wait in the journal");
        }
        let begun = Instant::now();
        let pause = sleep(self.backoff.next_pause());
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => return,
                () = self.abandon.cancelled() => return,
                () = self.task.progress.flush.notified() => {}
                Some(job) = self.jobs.recv() => job(&mut self.task.sink).await,
            }
            // A caller waits for the database, or has just used it.
            pause.as_mut().reset(begun + MIN_PAUSE);
        }
    }

    /// Waits for frames, and then for more of them.
    async fn wait_for_frames(&mut self) {
        let Task { projector, sink, progress, is_awaited, .. } = &mut self.task;
        let (appended, flush) = (projector.reader.appended(), progress.flush.notified());
        tokio::select! {
            () = appended => {}
            // The caller waits for a frame that was appended before.
            () = flush => return,
            () = self.stop.cancelled() => return,
            () = self.abandon.cancelled() => return,
            Some(job) = self.jobs.recv() => return job(sink).await,
        }
        if *is_awaited {
            return;
        }
        tokio::select! {
            () = sleep(GATHER_TIME) => {}
            () = progress.flush.notified() => {}
            () = self.stop.cancelled() => {}
        }
    }

    async fn serve_jobs(&mut self) {
        while let Ok(job) = self.jobs.try_recv() {
            job(&mut self.task.sink).await;
        }
    }
}
