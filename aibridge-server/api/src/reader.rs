//! Reads records on threads of their own, without slowing down recording.

use crate::error::ApiError;
use aibridge_store::{Records, StoreError, StoreOptions, Tokens};
use bytes::Bytes;
use serde::Serialize;
use std::sync::Arc;
use std::thread::Builder;
use std::time::Duration;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// The number of concurrent reads. Each read has a thread and a connection, and uses a core that recording may need: so the
/// threads have a lower priority.
const READERS: usize = 4;

/// The stack of a reading thread, in bytes.
const STACK: usize = 2 << 20;

/// The priority of reading threads: one unit of time for about ten of the threads that record.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// The longest duration of one read.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// The highest number of groups that a request adds up in memory.
const MAX_GROUPS: usize = 50_000;

/// The highest number of bytes of the texts of these groups. JSON serialization holds them several times.
const MAX_GROUP_BYTES: usize = 8 << 20;

/// Reads records, with bounds on the number and the duration of reads.
pub(crate) struct Reader {
    store: StoreOptions,
    permits: Arc<Semaphore>,
    timeout: Duration,
    sums: SumsLimit,
    tasks: TaskTracker,
}

/// The bounds of the groups that a request adds up in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SumsLimit {
    groups: usize,
    bytes: usize,
}

impl SumsLimit {
    /// Compares the number of groups and the bytes of their texts with the bounds.
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

/// An error that ends a read without a result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The result could not be serialized, which is a defect.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// No interception has this id.
    #[error("there is no interception {0}")]
    Unknown(Uuid),
    /// The result has more groups or bytes than the bounds allow; holds the number of groups that fit.
    #[error("the result has more than {0} rows")]
    TooBroad(usize),
}

impl Reader {
    pub(crate) fn new(store: StoreOptions, tasks: TaskTracker) -> Self {
        let permits = Arc::new(Semaphore::new(READERS));
        let sums = SumsLimit { groups: MAX_GROUPS, bytes: MAX_GROUP_BYTES };
        Self { store, permits, timeout: READ_TIMEOUT, sums, tasks }
    }

    /// The bounds of the groups that a request may add up in memory.
    pub(crate) fn sums_limit(&self) -> SumsLimit {
        self.sums
    }

    /// Runs `work` on its own connection and serializes its result as JSON, see [`Self::fetch`].
    pub(crate) async fn read<T: Serialize>(
        &self,
        work: impl FnOnce(&Records) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<Bytes, ApiError> {
        self.fetch(|records| Ok(Bytes::from(serde_json::to_vec(&work(records)?)?))).await
    }

    /// Runs `work` on its own connection and returns its result.
    ///
    /// The read is cancelled after the timeout, and when the returned future is dropped. Its permit is released when the
    /// thread has ended.
    pub(crate) async fn fetch<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Records) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let cancelled = CancellationToken::new();
        let _cancel_on_drop = cancelled.clone().drop_guard();
        let open = move |store| Records::open_cancellable(store, cancelled);
        self.run(move |store| work(&open(store)?))
            .await
            .and_then(|done| done.map_err(|error| api_error(&error)))
    }

    /// Runs `work` on the access tokens.
    pub(crate) async fn tokens<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tokens) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let done = self.run(move |store| work(&Tokens::open(store)?)).await?;
        done.map_err(|error| crate::tokens::store_error(&error))
    }

    /// Runs `work` on a thread of its own, within the limits of reads.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(StoreOptions) -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().map_err(|_| ApiError::TooManyReaders)?;
        let store = self.store.clone();
        let (sender, done) = oneshot::channel();
        let tracked = self.tasks.token();
        let reading = move || {
            let _tracked = tracked;
            lower_priority();
            let result = work(store);
            drop(permit); // before the caller reads again
            let _ = sender.send(result); // the caller may be gone
        };
        let started = Builder::new().name("reader".to_owned()).stack_size(STACK).spawn(reading);
        if let Err(error) = started {
            tracing::error!(%error, "could not start a thread that reads records; check the limit of threads");
            return Err(ApiError::Internal);
        }
        match timeout(self.timeout, done).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(_)) => {
                tracing::error!("a thread that read records panicked; please report this");
                Err(ApiError::Internal)
            }
            Err(_) => {
                tracing::warn!(limit = ?self.timeout, "a read of records took too long and was cancelled; narrow the filters of the request");
                Err(ApiError::RecordsTooSlow(self.timeout))
            }
        }
    }
}

/// Lets the threads that record go before this one. On Linux, a priority is that of a thread; elsewhere it would be that
/// of the process.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "could not lower the priority of a thread that reads records");
    }
}

fn api_error(error: &ReadError) -> ApiError {
    match error {
        ReadError::TooBroad(groups) => ApiError::QueryTooBroad(*groups),
        ReadError::Unknown(id) => ApiError::UnknownInterception(id.to_string()),
        ReadError::Store(error) => {
            tracing::warn!(%error, "could not read records; check that the database is reachable");
            ApiError::RecordsUnavailable
        }
        ReadError::Json(error) => {
            tracing::error!(%error, "could not serialize records as JSON");
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
    use jiff::tz::TimeZone;
    use tempfile::TempDir;

    fn reader(dir: &TempDir, timeout: Duration) -> Reader {
        let mut options = Options::new(dir.path().join("aibridge.db"));
        options.journal.durability = Durability::Database;
        drop(SqliteStore::open(options.clone()).expect("a store"));
        Reader { timeout, ..Reader::new(StoreOptions::Sqlite(options), TaskTracker::new()) }
    }

    /// Reads for far longer than a test waits, unless the read is cancelled.
    fn endless(records: &Records) -> Result<u64, ReadError> {
        (0..200_000).try_fold(0, |_, _| Ok(records.count(&Filter::default())?))
    }

    async fn wait_until_idle(reader: &Reader) {
        reader.tasks.close();
        timeout(Duration::from_secs(5), reader.tasks.wait()).await.expect("all reads ended");
        assert_eq!(reader.permits.available_permits(), READERS);
        reader.tasks.reopen();
    }

    #[tokio::test]
    async fn cancels_a_read_after_the_timeout() {
        let dir = tempfile::tempdir().expect("a directory");
        let reader = reader(&dir, Duration::from_millis(1));
        let error = reader.read(endless).await.expect_err("an error");
        assert_eq!(aibridge_intercept::ErrorResponse::from(error).status, 504);
        wait_until_idle(&reader).await;
    }

    #[tokio::test]
    async fn cancels_a_read_when_its_caller_is_gone_and_releases_its_permit() {
        let dir = tempfile::tempdir().expect("a directory");
        let reader = reader(&dir, READ_TIMEOUT);
        let mut reads: Vec<_> = (0..READERS).map(|_| Box::pin(reader.read(endless))).collect();
        assert!(reads.iter_mut().all(|read| read.now_or_never().is_none()));
        let error =
            aibridge_intercept::ErrorResponse::from(reader.read(endless).await.expect_err("an error"))
                .into_http(aibridge_intercept::ErrorFormat::OpenAi, None);
        assert_eq!(
            (error.status().as_u16(), &error.headers()["retry-after"]),
            (503, &"1".parse().expect("a value"))
        );
        drop(reads);
        wait_until_idle(&reader).await;
        let count = reader.read(|records| Ok(records.count(&Filter::default())?)).await;
        assert_eq!(count.expect("a result"), "0");
    }

    /// An interception with a model and a session of its own.
    fn unique_interception() -> Record {
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
    async fn rejects_too_many_groups_or_bytes() {
        for sums in [SumsLimit { groups: 2, bytes: 1000 }, SumsLimit { groups: 1000, bytes: 100 }] {
            let dir = tempfile::tempdir().expect("a directory");
            let reader = Reader { sums, ..reader(&dir, READ_TIMEOUT) };
            let StoreOptions::Sqlite(options) = reader.store.clone() else { panic!("a file") };
            let store = SqliteStore::open(options).expect("a store");
            for is_too_much in [false, false, true] {
                store.record(vec![unique_interception()]).await.expect("stored");
                let by_model = usage::usage(&reader, Some("by=model"), &TimeZone::UTC).await;
                let code = by_model.err().map(|error| error.code());
                assert_eq!(code, is_too_much.then_some("query_too_broad"), "{sums:?}");
                assert!(sessions::list(&reader, Some("limit=1"), None).await.is_ok(), "one page alone");
                assert!(
                    usage::usage(&reader, Some("by=client"), &TimeZone::UTC).await.is_ok(),
                    "a single group"
                );
            }
        }
    }
}
