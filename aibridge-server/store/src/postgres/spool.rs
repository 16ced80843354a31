//! The spool: a durable queue of records in local files, for the time while the database is unavailable.

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

/// Approximate size in bytes of the batch that one transaction drains.
const DRAIN_BATCH_BYTES: u64 = 1 << 20;

/// A durable queue of rows, in order. Clones share one spool.
///
/// One task appends, another one peeks and removes. A batch is removed only after it was stored, so each row is
/// stored at least once; its id makes that exactly once.
#[derive(Clone)]
pub(super) struct Spool {
    shared: Arc<Shared>,
}

struct Shared {
    log: Mutex<SegmentLog>,
    /// Size of the log in bytes, readable without a wait for the disk.
    bytes: AtomicU64,
    changed: Notify,
    /// Whether the last records were appended; only a change is logged.
    accepts: AtomicBool,
}

/// The oldest rows, to be stored next.
pub(super) struct Batch {
    pub(super) jobs: Vec<Rows>,
    bytes: u64,
}

impl Spool {
    /// Opens the directory, with the rows that an earlier process left in it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Open`], which names the directory and says what to do.
    pub(super) fn open(options: &SpoolOptions) -> Result<Self, StoreError> {
        let log = SegmentLog::open(options).map_err(|error| StoreError::Open {
            store: format!("{} (the spool)", options.dir.display()),
            problem: error.to_string(),
            advice: "name another directory in store.spool, one for each gateway, that this user may write to",
        })?;
        if !log.is_empty() {
            tracing::info!(
                bytes = log.bytes(),
                "found records of an earlier run in the spool; they are stored first"
            );
        }
        let bytes = AtomicU64::new(log.bytes());
        let (changed, accepts) = (Notify::new(), AtomicBool::new(true));
        Ok(Self { shared: Arc::new(Shared { log: Mutex::new(log), bytes, changed, accepts }) })
    }

    /// Whether the spool is empty. Only the appending task may rely on `true`.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes() == 0
    }

    /// Size of the spool in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::Acquire)
    }

    /// Whether the last records were appended.
    pub(super) fn accepts(&self) -> bool {
        self.shared.accepts.load(Ordering::Relaxed)
    }

    /// Appends the rows of all calls in one write, and responds to each call when its rows are durable.
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
                (Ok(_), false) => tracing::error!("the spool is full; requests are refused"),
                (Err(error), false) => {
                    tracing::error!(%error, "cannot write to the spool; requests are refused")
                }
            }
        }
        match put {
            Ok(fits) => {
                for (job, fits) in jobs.into_iter().zip(fits) {
                    let full = || {
                        StoreError::Database("the database is unavailable and the spool is full".to_owned())
                    };
                    job.respond(if fits { Ok(()) } else { Err(full()) });
                }
            }
            Err(error) => {
                let error = StoreError::Database(format!("cannot write to the spool: {error}"));
                jobs.into_iter().for_each(|job| job.respond(Err(error.clone())));
            }
        }
    }

    /// Reads the oldest rows without removing them.
    pub(super) async fn peek(&self) -> io::Result<Batch> {
        let (payloads, bytes) = self.with_log(|log| log.read(DRAIN_BATCH_BYTES)).await?;
        let jobs = payloads.iter().map(|payload| serde_json::from_slice(payload));
        Ok(Batch { jobs: jobs.collect::<serde_json::Result<_>>()?, bytes })
    }

    /// Removes a batch that was stored.
    pub(super) async fn remove(&self, batch: Batch) -> io::Result<()> {
        self.with_log(move |log| log.remove(batch.bytes)).await
    }

    /// Waits until the spool is not empty.
    pub(super) async fn wait_nonempty(&self) {
        self.wait_until(false).await;
    }

    /// Waits until the spool is empty.
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

    /// Runs `work` on the log, on a thread that may block.
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
