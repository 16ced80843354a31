//! Reading records beside recording.

use aibridge_intercept::Error;
use aibridge_store::{Records, StoreError, StoreOptions};
use bytes::Bytes;
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// How many read at once. Each has a thread and a connection, and takes a core while it reads: a few people and programs,
/// who leave the rest to recording.
const READERS: usize = 4;

/// How long one may read.
pub const READ_WITHIN: Duration = Duration::from_secs(10);

/// How many rows are added up in memory: some ten megabytes.
pub(crate) const GROUPS_AT_MOST: usize = 50_000;

/// Reads records, in threads of its own.
pub struct Reader {
    store: StoreOptions,
    places: Arc<Semaphore>,
    tasks: TaskTracker,
}

/// Why a read found nothing to answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A defect.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// There is no such interception.
    #[error("there is no interception {0}")]
    Unknown(Uuid),
    /// More than [`GROUPS_AT_MOST`].
    #[error("it is too much")]
    TooBroad,
}

impl Reader {
    pub(crate) fn new(store: StoreOptions, tasks: TaskTracker) -> Self {
        Self { store, places: Arc::new(Semaphore::new(READERS)), tasks }
    }

    /// Does `work` on a connection of its own, and makes JSON of what it finds. When nobody waits any more, or too long,
    /// it is given up; its place is free when it has really ended.
    pub(crate) async fn read<T: Serialize>(
        &self,
        work: impl FnOnce(&Records) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<Bytes, Error> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Error::TooManyReaders)?;
        let given_up = CancellationToken::new();
        let _give_up = given_up.clone().drop_guard();
        let store = self.store.clone();
        let reading = self.tasks.spawn_blocking(move || {
            let _place = place;
            let found = work(&Records::open_until(store, given_up)?)?;
            Ok(Bytes::from(serde_json::to_vec(&found)?))
        });
        match timeout(READ_WITHIN, reading).await {
            Ok(Ok(found)) => found.map_err(|error: ReadError| refusal(&error)),
            Ok(Err(error)) => {
                tracing::error!(%error, "reading records failed");
                Err(Error::Internal)
            }
            Err(_) => {
                tracing::warn!(limit = ?READ_WITHIN, "reading records took too long and was given up");
                Err(Error::RecordsTooSlow(READ_WITHIN))
            }
        }
    }
}

fn refusal(error: &ReadError) -> Error {
    match error {
        ReadError::TooBroad => Error::QueryTooBroad(GROUPS_AT_MOST),
        ReadError::Unknown(id) => Error::UnknownInterception(id.to_string()),
        ReadError::Store(error) => {
            tracing::warn!(%error, "the records cannot be read");
            Error::RecordsUnavailable
        }
        ReadError::Json(error) => {
            tracing::error!(%error, "records make no JSON");
            Error::Internal
        }
    }
}
