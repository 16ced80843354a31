//! `/api/v1/live`: waits for interceptions that start or end. All waiting calls share one view of the store, so that ten
//! of them cost as many queries as one.

use crate::call::OnlyUser;
use crate::error::ApiError;
use crate::parameters::{FilterParameters, LiveParameters, QueryParameters, UserParameter, filter};
use crate::reader::{ReadError, Reader};
use crate::schema::{LivePage, Refusals};
use aibridge_store::{Filter, Summary};
use bytes::Bytes;
use parking_lot::Mutex;
use serde::Serialize;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The most calls that wait at once.
const MAX_WAITING: usize = 32;

/// The time between two reads of the store.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The longest wait of a call, and its wait if it names none.
const MAX_WAIT: Duration = Duration::from_secs(30);
const DEFAULT_WAIT: Duration = Duration::from_secs(20);

/// The most changes that are kept for later calls.
const MAX_CHANGES: usize = 1000;

/// The most new interceptions in one read, and the most open ones whose end is awaited.
const MAX_NEW: usize = 1000;
const MAX_OPEN: usize = 2000;

/// The longest time by which a start may become visible after another one with a later id.
const OVERLAP: jiff::SignedDuration = jiff::SignedDuration::from_secs(5);

/// The shared view of the interceptions that start and end.
pub(crate) struct Live {
    waiting: Semaphore,
    /// One call at a time reads the store; the others use its result.
    looking: Semaphore,
    stopping: CancellationToken,
    view: Mutex<View>,
}

#[derive(Default)]
struct View {
    /// Distinguishes the cursors of this view from those of earlier ones.
    epoch: u64,
    looked_at: Option<Instant>,
    /// The largest known id.
    last: Uuid,
    /// The known ids of the last [`OVERLAP`], so that a start that becomes visible late is found.
    recent: BTreeSet<Uuid>,
    open: BTreeSet<Uuid>,
    /// The latest changes, and the number of the first one.
    changes: VecDeque<Summary>,
    first: u64,
}

/// A position in the changes of one view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Position {
    epoch: u64,
    number: u64,
}

#[derive(Serialize)]
struct Changes {
    data: Vec<Summary>,
    after: String,
    missed: bool,
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

impl Live {
    pub(crate) fn new(stopping: CancellationToken) -> Self {
        let (waiting, looking) = (Semaphore::new(MAX_WAITING), Semaphore::new(1));
        Self { waiting, looking, stopping, view: Mutex::default() }
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
        let wait = wait.map_or(DEFAULT_WAIT, Duration::from_secs).min(MAX_WAIT);
        let until = Instant::now() + wait;
        let from = after.as_deref().filter(|text| !text.is_empty()).map(Position::parse);
        loop {
            let found = self.look(reader, from, &filter).await?;
            let is_over = from.is_none() || !found.data.is_empty() || found.missed;
            if is_over || Instant::now() >= until || self.stopping.is_cancelled() {
                return serde_json::to_vec(&found).map(Bytes::from).map_err(|error| {
                    tracing::error!(%error, "could not serialize interceptions as JSON");
                    ApiError::Internal
                });
            }
            tokio::select! {
                () = sleep(LOOK_EVERY) => {}
                () = self.stopping.cancelled() => {}
            }
        }
    }

    /// The changes after `from` that match `filter`. Reads the store first, unless another call has just done so.
    async fn look(
        &self,
        reader: &Reader,
        from: Option<Option<Position>>,
        filter: &Filter,
    ) -> Result<Changes, ApiError> {
        if let Ok(_looking) = self.looking.try_acquire() {
            let due = self.view.lock().due();
            if let Some(due) = due {
                let found = due.read(reader).await?;
                self.view.lock().update(&due, found);
            }
        }
        let view = self.view.lock();
        let end = view.first + view.changes.len() as u64;
        let after = Position { epoch: view.epoch, number: end }.to_text();
        let Some(from) = from else { return Ok(Changes { data: Vec::new(), after, missed: false }) };
        let known = from.filter(|from| from.epoch == view.epoch && (view.first..=end).contains(&from.number));
        let Some(from) = known else { return Ok(Changes { data: Vec::new(), after, missed: true }) };
        let skipped = usize::try_from(from.number - view.first).unwrap_or(usize::MAX);
        let changes = view.changes.iter().skip(skipped).filter(|change| matches(filter, change));
        Ok(Changes { data: changes.cloned().collect(), after, missed: false })
    }
}

/// The ids to read in one read of the store.
struct Look {
    /// The id after which new interceptions are read; `None` for the first read.
    from: Option<Uuid>,
    /// The interceptions whose end is awaited.
    open: Vec<Uuid>,
}

impl Look {
    /// Reads the interceptions that started and those that ended.
    async fn read(&self, reader: &Reader) -> Result<(Vec<Summary>, Vec<Summary>), ApiError> {
        let (from, open) = (self.from, self.open.clone());
        reader
            .fetch(move |records| {
                let new = records.summaries_after(from, MAX_NEW)?;
                let ended = records.ended_of(&open)?;
                Ok::<_, ReadError>((new, records.summaries_of(&ended)?))
            })
            .await
    }
}

impl View {
    /// The next read; `None` if the last one is recent. After a long pause, all earlier changes count as missed.
    fn due(&self) -> Option<Look> {
        match self.looked_at {
            Some(at) if at.elapsed() < LOOK_EVERY => None,
            Some(at) if at.elapsed() < MAX_WAIT * 2 => {
                Some(Look { from: Some(before(self.last)), open: self.open.iter().copied().collect() })
            }
            _ => Some(Look { from: None, open: Vec::new() }),
        }
    }

    fn update(&mut self, look: &Look, (new, ended): (Vec<Summary>, Vec<Summary>)) {
        let is_first = look.from.is_none();
        if is_first {
            let epoch = (Uuid::now_v7().as_u128() >> 64) as u64;
            *self = Self { epoch, ..Self::default() };
        }
        self.looked_at = Some(Instant::now());
        for summary in new.into_iter().chain(ended) {
            self.add(summary, is_first);
        }
        self.recent = self.recent.split_off(&before(self.last));
        while self.open.len() > MAX_OPEN {
            self.open.pop_first();
        }
    }

    fn add(&mut self, summary: Summary, is_first_look: bool) {
        let id = summary.interception.id;
        let is_open = summary.interception.outcome.is_none();
        let is_new = self.recent.insert(id);
        self.last = self.last.max(id);
        let has_ended = !is_open && self.open.remove(&id);
        if is_open && is_new {
            self.open.insert(id);
        }
        if (is_new || has_ended) && !is_first_look {
            self.changes.push_back(summary);
            if self.changes.len() > MAX_CHANGES {
                self.changes.pop_front();
                self.first += 1;
            }
        }
    }
}

impl Position {
    fn parse(text: &str) -> Option<Self> {
        let (epoch, number) = text.split_once('-')?;
        Some(Self { epoch: epoch.parse().ok()?, number: number.parse().ok()? })
    }

    fn to_text(self) -> String {
        format!("{}-{}", self.epoch, self.number)
    }
}

/// The smallest id that may still become visible when `last` is visible.
fn before(last: Uuid) -> Uuid {
    let overlap = u128::try_from(OVERLAP.as_millis()).unwrap_or_default() << 80;
    Uuid::from_u128(last.as_u128().saturating_sub(overlap))
}

fn matches(filter: &Filter, summary: &Summary) -> bool {
    let row = &summary.interception;
    let is = |wanted: &Option<String>, value: &str| wanted.as_ref().is_none_or(|wanted| wanted == value);
    is(&filter.user, &row.initiator_id)
        && is(&filter.model, &row.model)
        && is(&filter.provider, &row.provider_name)
        && is(&filter.client, &row.client)
        && is(&filter.session, row.client_session_id.as_deref().unwrap_or_default())
        && is(&filter.outcome, row.outcome_or_open())
        && filter.since.is_none_or(|since| row.started_at >= since)
        && filter.until.is_none_or(|until| row.started_at < until)
}
