//! `/api/v1/live`: waits for interceptions that start or end. All waiting calls share one [`ChangeFeed`], so that ten of them
//! cost as many queries as one.

mod recent_changes;

use crate::error::ApiError;
use crate::own_records::{OnlyUser, filter};
use crate::reader::Reader;
use aibridge_api_parameters::{FilterParameters, LiveParameters, QueryParameters, UserParameter};
use aibridge_api_schema::{LivePage, Refusals};
use aibridge_store::Filter;
use bytes::Bytes;
use parking_lot::Mutex;
use recent_changes::{Changes, POLL_INTERVAL, Position, RecentChanges};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// The most calls that wait at once.
const MAX_WAITING: usize = 32;

/// The wait of a call that names none.
const DEFAULT_WAIT: Duration = Duration::from_secs(20);

/// The interceptions that start and end, shared by all calls.
pub(crate) struct ChangeFeed {
    waiting: Semaphore,
    /// One call at a time reads the store; the others use its result.
    polling: Semaphore,
    stopping: CancellationToken,
    recent: Mutex<RecentChanges>,
}

/// Waits until interceptions start or end, and returns them in their present state.
///
/// A first call without `after` returns at once, with the position from which the next call continues. A call returns
/// as soon as there are changes, after `wait` seconds, or when the gateway stops. `missed` means that the gateway no longer
/// has all changes since `after`: read the list again.
#[utoipa::path(
    get,
    path = "/api/v1/live",
    operation_id = "live",
    tag = "records",
    params(UserParameter, FilterParameters, LiveParameters),
    responses((status = 200, description = "The interceptions that changed", body = LivePage), Refusals),
)]
#[allow(dead_code, reason = "only its description is used")]
pub(crate) fn live() {}

impl ChangeFeed {
    pub(crate) fn new(stopping: CancellationToken) -> Self {
        let (waiting, polling) = (Semaphore::new(MAX_WAITING), Semaphore::new(1));
        Self { waiting, polling, stopping, recent: Mutex::default() }
    }

    /// Serves a call, see [`live`].
    pub(crate) async fn wait(
        &self,
        reader: &Reader,
        query: Option<&str>,
        only: OnlyUser,
    ) -> Result<Bytes, ApiError> {
        let mut parameters = QueryParameters::new(query);
        let filter = filter(&mut parameters, only)?;
        let LiveParameters { after, wait } = parameters.take()?;
        parameters.finish()?;
        let _permit = self.waiting.try_acquire().map_err(|_| ApiError::TooManyReaders)?;
        let wait = wait.map_or(DEFAULT_WAIT, Duration::from_secs);
        let until = Instant::now() + wait;
        let from = after.as_deref().filter(|text| !text.is_empty()).map(Position::parse);
        loop {
            let found = self.poll(reader, from, &filter).await?;
            let is_over = from.is_none() || !found.data.is_empty() || found.missed;
            if is_over || Instant::now() >= until || self.stopping.is_cancelled() {
                return serde_json::to_vec(&found).map(Bytes::from).map_err(|error| {
                    tracing::error!(%error, "could not serialize interceptions as JSON");
                    ApiError::Internal
                });
            }
            tokio::select! {
                () = sleep(POLL_INTERVAL) => {}
                () = self.stopping.cancelled() => {}
            }
        }
    }

    /// The changes after `from` that match `filter`. Reads the store first, unless another call has just done so.
    async fn poll(
        &self,
        reader: &Reader,
        from: Option<Option<Position>>,
        filter: &Filter,
    ) -> Result<Changes, ApiError> {
        if let Ok(_polling) = self.polling.try_acquire() {
            let due = self.recent.lock().due();
            if let Some(due) = due {
                let found = due.read(reader).await?;
                self.recent.lock().update(&due, found);
            }
        }
        Ok(self.recent.lock().after(from, filter))
    }
}
