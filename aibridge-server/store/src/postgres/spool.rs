mod frame;
mod segment_log;

use super::rows::{Rows, WriteJob};
use crate::{SpoolOptions, StoreError};
use parking_lot::Mutex;
use segment_log::{Payload, SegmentLog};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

/// How much is drained in one transaction, about.
const DRAIN_BATCH_BYTES: u64 = 1 << 20;

/// Where records wait, in order and durably, while the database is away. Clones are the same spool.
///
/// One task puts in, another takes out. Only what is removed after it was stored is gone, so that it is stored at least
/// once; that each row has an id makes it once.
#[derive(Clone)]
pub(super) struct Spool {
    shared: Arc<Shared>,
}

struct Shared {
    log: Mutex<SegmentLog>,
    /// How many bytes the log says that it has; known without waiting for a disk.
    bytes: AtomicU64,
    changed: Notify,
    /// Whether the last records were put in; only a change is worth a line in the operator's log.
    accepts: AtomicBool,
}

/// What is to be stored next.
pub(super) struct Batch {
    pub(super) jobs: Vec<Rows>,
    bytes: u64,
}

impl Spool {
    /// Opens the directory, and finds in it what an earlier process could not store.
    ///
    /// # Errors
    ///
    /// [`StoreError::Open`], which names the directory and what to do.
    pub(super) fn open(options: &SpoolOptions) -> Result<Self, StoreError> {
        let log = SegmentLog::open(options).map_err(|error| StoreError::Open {
            store: format!("{} (the spool)", options.dir.display()),
            problem: error.to_string(),
            advice: "name another directory in store.spool, one for each gateway, that this user may write to",
        })?;
        if !log.is_empty() {
            tracing::info!(bytes = log.bytes(), "records of an earlier run wait in the spool");
        }
        let bytes = AtomicU64::new(log.bytes());
        let (changed, accepts) = (Notify::new(), AtomicBool::new(true));
        Ok(Self { shared: Arc::new(Shared { log: Mutex::new(log), bytes, changed, accepts }) })
    }

    /// Whether nothing waits. It is the only one who puts in that may draw conclusions.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes() == 0
    }

    /// How many bytes wait.
    pub(super) fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::Acquire)
    }

    /// Whether there was room for the last records.
    pub(super) fn accepts(&self) -> bool {
        self.shared.accepts.load(Ordering::Relaxed)
    }

    /// Puts the rows of all callers in, with one write, and tells each when they are durable.
    pub(super) async fn append(&self, jobs: Vec<WriteJob>) {
        let payload = |job: &WriteJob| {
            let bytes = serde_json::to_vec(&job.request)?;
            Ok(Payload { bytes, is_start: job.request.has_start() })
        };
        let put = match jobs.iter().map(payload).collect::<io::Result<Vec<_>>>() {
            Ok(payloads) => self.with_log(move |log| log.append(&payloads)).await,
            Err(error) => Err(error),
        };
        let accepts = put.as_ref().is_ok_and(|fits| fits.iter().all(|fits| *fits));
        if self.shared.accepts.swap(accepts, Ordering::Relaxed) != accepts {
            match (&put, accepts) {
                (_, true) => tracing::info!("the spool accepts records again"),
                (Ok(_), false) => tracing::error!("the spool is full: requests are refused"),
                (Err(error), false) => tracing::error!(%error, "the spool cannot be written"),
            }
        }
        match put {
            Ok(fits) => {
                for (job, fits) in jobs.into_iter().zip(fits) {
                    let full =
                        || StoreError::Database("the database is away, and the spool is full".to_owned());
                    job.respond(if fits { Ok(()) } else { Err(full()) });
                }
            }
            Err(error) => {
                let error = StoreError::Database(format!("the spool cannot be written: {error}"));
                jobs.into_iter().for_each(|job| job.respond(Err(error.clone())));
            }
        }
    }

    /// What has waited longest.
    pub(super) async fn peek(&self) -> io::Result<Batch> {
        let (payloads, bytes) = self.with_log(|log| log.read(DRAIN_BATCH_BYTES)).await?;
        let jobs = payloads.iter().map(|payload| serde_json::from_slice(payload));
        Ok(Batch { jobs: jobs.collect::<serde_json::Result<_>>()?, bytes })
    }

    /// Forgets what is stored now.
    pub(super) async fn remove(&self, batch: Batch) -> io::Result<()> {
        self.with_log(move |log| log.remove(batch.bytes)).await
    }

    /// Waits until something waits.
    pub(super) async fn wait_nonempty(&self) {
        self.wait_until(false).await;
    }

    /// Waits until nothing waits.
    pub(super) async fn wait_empty(&self) {
        self.wait_until(true).await;
    }

    async fn wait_until(&self, empty: bool) {
        loop {
            let changed = self.shared.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.is_empty() == empty {
                return;
            }
            changed.await;
        }
    }

    /// Disks block.
    async fn with_log<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut SegmentLog) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let shared = self.shared.clone();
        let worked = spawn_blocking(move || {
            let mut log = shared.log.lock();
            let done = work(&mut log);
            let bytes = log.bytes();
            if (shared.bytes.swap(bytes, Ordering::AcqRel) == 0) != (bytes == 0) {
                shared.changed.notify_waiters();
            }
            done
        });
        worked.await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}
