//! Reading records beside recording.

use crate::error::ApiError;
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
const READ_WITHIN: Duration = Duration::from_secs(10);

/// How many rows are added up in memory, and how many bytes their texts may have: some ten megabytes, which are held
/// several times while they are written as JSON.
const GROUPS_AT_MOST: usize = 50_000;
const GROUP_BYTES_AT_MOST: usize = 8 << 20;

/// Reads records, in threads of its own.
pub(crate) struct Reader {
    store: StoreOptions,
    places: Arc<Semaphore>,
    limit: Duration,
    sums: SumsLimit,
    tasks: TaskTracker,
}

/// How much is added up in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SumsLimit {
    groups: usize,
    bytes: usize,
}

impl SumsLimit {
    /// Refuses so many rows with so many bytes.
    ///
    /// # Errors
    ///
    /// [`ReadError::TooBroad`].
    pub(crate) fn check(self, groups: usize, bytes: usize) -> Result<(), ReadError> {
        if groups > self.groups || bytes > self.bytes {
            return Err(ReadError::TooBroad(groups.saturating_sub(1)));
        }
        Ok(())
    }
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
    /// More than so many rows, which are added up in memory.
    #[error("it adds up to more than {0} rows")]
    TooBroad(usize),
}

impl Reader {
    pub(crate) fn new(store: StoreOptions, tasks: TaskTracker) -> Self {
        let places = Arc::new(Semaphore::new(READERS));
        let sums = SumsLimit { groups: GROUPS_AT_MOST, bytes: GROUP_BYTES_AT_MOST };
        Self { store, places, limit: READ_WITHIN, sums, tasks }
    }

    /// How much may be added up in memory.
    pub(crate) fn sums_limit(&self) -> SumsLimit {
        self.sums
    }

    /// Does `work` on a connection of its own, and makes JSON of what it finds. When nobody waits any more, or too long,
    /// it is given up; its place is free when it has really ended.
    pub(crate) async fn read<T: Serialize>(
        &self,
        work: impl FnOnce(&Records) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<Bytes, ApiError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| ApiError::TooManyReaders)?;
        let given_up = CancellationToken::new();
        let _give_up = given_up.clone().drop_guard();
        let store = self.store.clone();
        let reading = self.tasks.spawn_blocking(move || {
            let _place = place;
            let found = work(&Records::open_cancellable(store, given_up)?)?;
            Ok(Bytes::from(serde_json::to_vec(&found)?))
        });
        match timeout(self.limit, reading).await {
            Ok(Ok(found)) => found.map_err(|error: ReadError| refusal(&error)),
            Ok(Err(error)) => {
                tracing::error!(%error, "reading records failed");
                Err(ApiError::Internal)
            }
            Err(_) => {
                tracing::warn!(limit = ?self.limit, "reading records took too long and was given up");
                Err(ApiError::RecordsTooSlow(self.limit))
            }
        }
    }
}

fn refusal(error: &ReadError) -> ApiError {
    match error {
        ReadError::TooBroad(groups) => ApiError::QueryTooBroad(*groups),
        ReadError::Unknown(id) => ApiError::UnknownInterception(id.to_string()),
        ReadError::Store(error) => {
            tracing::warn!(%error, "the records cannot be read");
            ApiError::RecordsUnavailable
        }
        ReadError::Json(error) => {
            tracing::error!(%error, "records make no JSON");
            ApiError::Internal
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sessions, usage};
    use aibridge_recorder::{CredentialKind, Interception, Record, Recorder};
    use aibridge_store::{Durability, Filter, Options, SqliteStore};
    use futures_util::FutureExt;
    use tempfile::TempDir;

    fn reader(dir: &TempDir, limit: Duration) -> Reader {
        let options = Options { path: dir.path().join("aibridge.db"), durability: Durability::Process };
        drop(SqliteStore::open(options.clone()).expect("a store"));
        Reader { limit, ..Reader::new(StoreOptions::Sqlite(options), TaskTracker::new()) }
    }

    /// Reads for far longer than a test waits, unless it is given up.
    fn endless(records: &Records) -> Result<u64, ReadError> {
        (0..200_000).try_fold(0, |_, _| Ok(records.count(&Filter::default())?))
    }

    async fn is_idle(reader: &Reader) {
        reader.tasks.close();
        timeout(Duration::from_secs(5), reader.tasks.wait()).await.expect("all reads ended");
        assert_eq!(reader.places.available_permits(), READERS);
        reader.tasks.reopen();
    }

    #[tokio::test]
    async fn a_read_that_takes_too_long_is_given_up() {
        let dir = tempfile::tempdir().expect("a directory");
        let reader = reader(&dir, Duration::from_millis(1));
        let refused = reader.read(endless).await.expect_err("a refusal");
        assert_eq!(aibridge_intercept::ErrorResponse::from(refused).status, 504);
        is_idle(&reader).await;
    }

    #[tokio::test]
    async fn so_is_one_that_nobody_waits_for_and_others_have_its_place() {
        let dir = tempfile::tempdir().expect("a directory");
        let reader = reader(&dir, READ_WITHIN);
        let mut waiting: Vec<_> = (0..READERS).map(|_| Box::pin(reader.read(endless))).collect();
        assert!(waiting.iter_mut().all(|read| read.now_or_never().is_none()));
        let refused =
            aibridge_intercept::ErrorResponse::from(reader.read(endless).await.expect_err("a refusal"))
                .into_http();
        assert_eq!(
            (refused.status().as_u16(), &refused.headers()["retry-after"]),
            (503, &"1".parse().expect("a value"))
        );
        drop(waiting);
        is_idle(&reader).await;
        let count = reader.read(|records| Ok(records.count(&Filter::default())?)).await;
        assert_eq!(count.expect("an answer"), "0");
    }

    /// An interception of a model and a session that no other has.
    fn one_of_a_kind() -> Record {
        let id = Uuid::now_v7();
        let interception = Interception {
            id,
            initiator_id: "ann".to_owned(),
            provider: "openai".to_owned(),
            provider_name: "openai".to_owned(),
            model: id.to_string(),
            route: "/responses".to_owned(),
            streaming: false,
            client: "Codex".to_owned(),
            client_session_id: Some(id.to_string()),
            user_agent: None,
            credential_kind: CredentialKind::Byok,
            credential_hint: String::new(),
            correlating_tool_call_id: None,
            metadata: [].into(),
            started_at: jiff::Timestamp::now(),
        };
        Record::Start(interception.into())
    }

    #[tokio::test]
    async fn what_adds_up_to_too_many_rows_or_bytes_is_refused() {
        for sums in [SumsLimit { groups: 2, bytes: 1000 }, SumsLimit { groups: 1000, bytes: 100 }] {
            let dir = tempfile::tempdir().expect("a directory");
            let reader = Reader { sums, ..reader(&dir, READ_WITHIN) };
            let StoreOptions::Sqlite(options) = reader.store.clone() else { panic!("a file") };
            let store = SqliteStore::open(options).expect("a store");
            for is_too_much in [false, false, true] {
                store.record(vec![one_of_a_kind()]).await.expect("stored");
                let by_model = usage::usage(&reader, Some("by=model")).await;
                for answered in [by_model, sessions::list(&reader, Some("limit=1")).await] {
                    let code = answered.err().map(|error| error.code());
                    assert_eq!(code, is_too_much.then_some("query_too_broad"), "{sums:?}");
                }
                assert!(usage::usage(&reader, Some("by=client")).await.is_ok(), "these are few");
            }
        }
    }
}
