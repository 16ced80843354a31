//! Recording: every call appends one frame to the journal, and returns when that is durable.

use crate::progress::Progress;
use aibridge_journal::{Journal, Reservation};
use aibridge_recorder::{Record, RecorderError};
use aibridge_store_core::{Durability, JournalOptions, StoreError, payload};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use uuid::Uuid;

/// Bytes in the journal that are reserved for the end of an interception. A larger end needs unreserved room, too.
const END_BYTES: u64 = 16 << 10;

/// Bytes of text from which on records are serialized and written on a blocking thread, because other tasks should not
/// wait that long.
const LARGE_BYTES: usize = 256 << 10;

/// Time for which a call with the owner of an object waits for the database if that accepts records: other gateways look
/// owners up there.
const OWNER_WAIT: Duration = Duration::from_secs(1);

/// Appends records to the journal. Clones share one journal.
#[derive(Clone)]
pub struct Recording {
    shared: Arc<Shared>,
}

struct Shared {
    journal: Arc<Journal>,
    progress: Arc<Progress>,
    durability: Durability,
    timeout: Duration,
    /// The room in the journal of each open interception.
    open: Mutex<HashMap<Uuid, Reservation>>,
    /// Checks whether the database can be used. Must take microseconds only.
    check: Box<dyn Fn() -> Result<(), StoreError> + Send + Sync>,
    is_closed: AtomicBool,
}

/// A frame that was appended and is not acknowledged yet. Dropping it takes a start back: the caller then refuses the
/// request.
struct PendingFrame {
    shared: Arc<Shared>,
    sequence: u64,
    starts: Option<Uuid>,
    ends: Option<Uuid>,
}

impl Recording {
    /// Creates a recorder to `journal`. `check` returns an error if the database cannot be used; it must take microseconds
    /// only, because every start calls it.
    pub fn new(
        journal: Arc<Journal>,
        progress: Arc<Progress>,
        options: &JournalOptions,
        check: impl Fn() -> Result<(), StoreError> + Send + Sync + 'static,
    ) -> Self {
        let shared = Shared {
            journal,
            progress,
            durability: options.durability,
            timeout: options.timeout,
            open: Mutex::default(),
            check: Box::new(check),
            is_closed: AtomicBool::new(false),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Stores all of `records` or none, and returns when they are durable.
    pub async fn record(&self, records: Vec<Record>) -> Result<(), RecorderError> {
        if records.is_empty() {
            return Ok(());
        }
        self.try_record(records).await.map_err(RecorderError::unavailable)
    }

    async fn try_record(&self, records: Vec<Record>) -> Result<(), StoreError> {
        let has_owner = records.iter().any(|record| matches!(record, Record::Owner(_)));
        let pending = if payload::text_bytes(&records) < LARGE_BYTES {
            Shared::append(&self.shared, records)
        } else {
            let shared = Arc::clone(&self.shared);
            let appending = spawn_blocking(move || Shared::append(&shared, records));
            appending.await.unwrap_or_else(|error| Err(StoreError::Journal(error.to_string())))
        }?;
        self.shared.wait_until_durable(&pending).await?;
        if has_owner && self.shared.progress.failure(Duration::ZERO).is_none() {
            let waiting = self.shared.progress.wait_for(pending.sequence);
            // The limit is no error: while the database is unavailable, no gateway can look up owners.
            let _ = timeout(OWNER_WAIT, waiting).await;
        }
        pending.acknowledge();
        Ok(())
    }

    /// Checks whether a start would be accepted now. Does not query the database.
    pub fn check(&self) -> Result<(), StoreError> {
        self.shared.check_start()?;
        self.shared.journal.check(PROBE_BYTES, END_BYTES).map_err(StoreError::from)
    }

    /// Refuses later calls.
    pub fn close(&self) {
        self.shared.is_closed.store(true, Ordering::Relaxed);
    }
}

/// The size in bytes of the start that [`Recording::check`] assumes.
const PROBE_BYTES: usize = 4 << 10;

impl Shared {
    fn append(shared: &Arc<Self>, records: Vec<Record>) -> Result<PendingFrame, StoreError> {
        if shared.is_closed.load(Ordering::Relaxed) {
            return Err(StoreError::Closed);
        }
        let start = records.iter().find_map(|record| match record {
            Record::Start(interception) => Some(interception.id),
            _ => None,
        });
        let ends = records.iter().find_map(|record| match record {
            Record::End(end) => Some(end.interception_id),
            _ => None,
        });
        let payload = payload::records(&records).map_err(|error| StoreError::Journal(error.to_string()))?;
        let bytes = payload.len();
        let sequence = match (start, records.iter().find_map(payload::interception_of)) {
            (Some(id), _) => {
                shared.check_start()?;
                let (sequence, reservation) =
                    shared.journal.append_start(payload::RECORDS, payload, END_BYTES)?;
                shared.open.lock().insert(id, reservation);
                sequence
            }
            (None, Some(id)) => shared.append_to_open(id, payload)?,
            (None, None) => shared.journal.append(payload::RECORDS, payload)?,
        };
        shared.progress.handover.put(sequence, records, bytes);
        Ok(PendingFrame { shared: Arc::clone(shared), sequence, starts: start, ends })
    }

    /// Appends further records of an open interception, in the room that its start has reserved.
    fn append_to_open(&self, id: Uuid, payload: bytes::Bytes) -> Result<u64, StoreError> {
        let reservation = self.open.lock().remove(&id);
        let Some(mut reservation) = reservation else {
            return Err(StoreError::Conflict(format!(
                "interception {id} has further records, but no start record"
            )));
        };
        let appended = self.journal.append_end(payload::RECORDS, payload, &mut reservation);
        self.open.lock().insert(id, reservation);
        Ok(appended?)
    }

    fn check_start(&self) -> Result<(), StoreError> {
        (self.check)()?;
        if self.durability != Durability::Database {
            return Ok(());
        }
        let Some(error) = self.progress.failure(self.timeout) else { return Ok(()) };
        self.progress.flush.notify_one(); // try again soon: the database may be available again
        Err(StoreError::Database(error))
    }

    async fn wait_until_durable(&self, pending: &PendingFrame) -> Result<(), StoreError> {
        if self.durability == Durability::Process {
            return Ok(());
        }
        let _waiting = self.progress.count_waiting();
        let waiting = async {
            if self.durability == Durability::Database {
                self.progress.wait_for(pending.sequence).await;
                return Ok(());
            }
            let synced = self.journal.durable(pending.sequence).await;
            synced.map_err(|error| StoreError::Journal(error.to_string()))
        };
        match pending.starts {
            None => waiting.await,
            Some(_) => timeout(self.timeout, waiting).await.unwrap_or(Err(StoreError::Timeout(self.timeout))),
        }
    }

    /// Takes back the start of an interception.
    fn revoke(&self, id: Uuid) {
        let Some(mut reservation) = self.open.lock().remove(&id) else { return };
        let revoked = self.journal.append_end(payload::REVOKED, payload::revoked(id), &mut reservation);
        if let Err(error) = revoked {
            tracing::error!(%id, %error, "could not take back the start of a refused request; the next start closes it");
        }
    }
}

impl PendingFrame {
    fn acknowledge(mut self) {
        self.starts = None;
        if let Some(id) = self.ends {
            self.shared.open.lock().remove(&id);
        }
    }
}

impl Drop for PendingFrame {
    fn drop(&mut self) {
        if let Some(id) = self.starts {
            self.shared.revoke(id);
        }
    }
}
