//! The interceptions that started or ended recently, and the polls of the store that find them.

use crate::error::ApiError;
use crate::reader::{ReadError, Reader};
use aibridge_api_parameters::MAX_WAIT_SECONDS;
use aibridge_store::{Filter, Summary};
use serde::Serialize;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// The time between two polls of the store.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The time without a poll after which all earlier changes count as missed: twice the longest wait of a call.
const MAX_PAUSE: Duration = Duration::from_secs(2 * MAX_WAIT_SECONDS);

/// The most changes that are kept for later calls.
const MAX_CHANGES: usize = 1000;

/// The most new interceptions in one poll, and the most open ones whose end is awaited.
const MAX_NEW: usize = 1000;
const MAX_OPEN: usize = 2000;

/// The longest time by which a start may become visible after another one with a later id.
const OVERLAP: jiff::SignedDuration = jiff::SignedDuration::from_secs(5);

/// The changes that polls have found, and the ids from which the next poll follows.
#[derive(Default)]
pub(super) struct RecentChanges {
    /// Distinguishes the positions in these changes from those before the latest first poll.
    epoch: u64,
    polled_at: Option<Instant>,
    /// The largest known id.
    last: Uuid,
    /// The known ids of the last [`OVERLAP`], so that a start that becomes visible late is found.
    recent: BTreeSet<Uuid>,
    open: BTreeSet<Uuid>,
    /// The latest changes, and the number of the first one.
    changes: VecDeque<Summary>,
    first: u64,
}

/// A position in the changes of one epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    epoch: u64,
    number: u64,
}

/// The body of a response.
#[derive(Serialize)]
pub(super) struct Changes {
    pub(super) data: Vec<Summary>,
    after: String,
    pub(super) missed: bool,
}

/// The ids to read in one poll of the store.
pub(super) struct Poll {
    /// The id after which new interceptions are read; `None` for the first poll.
    from: Option<Uuid>,
    /// The interceptions whose end is awaited.
    open: Vec<Uuid>,
}

impl Poll {
    /// Reads the interceptions that started and those that ended.
    pub(super) async fn read(&self, reader: &Reader) -> Result<(Vec<Summary>, Vec<Summary>), ApiError> {
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

impl RecentChanges {
    /// The next poll; `None` if the last one is recent. After a long pause, all earlier changes count as missed.
    pub(super) fn due(&self) -> Option<Poll> {
        match self.polled_at {
            Some(at) if at.elapsed() < POLL_INTERVAL => None,
            Some(at) if at.elapsed() < MAX_PAUSE => {
                Some(Poll { from: Some(before(self.last)), open: self.open.iter().copied().collect() })
            }
            _ => Some(Poll { from: None, open: Vec::new() }),
        }
    }

    /// Adds the interceptions that `poll` found.
    pub(super) fn update(&mut self, poll: &Poll, (new, ended): (Vec<Summary>, Vec<Summary>)) {
        let is_first = poll.from.is_none();
        if is_first {
            let epoch = (Uuid::now_v7().as_u128() >> 64) as u64;
            *self = Self { epoch, ..Self::default() };
        }
        self.polled_at = Some(Instant::now());
        for summary in new.into_iter().chain(ended) {
            self.add(summary, is_first);
        }
        self.recent = self.recent.split_off(&before(self.last));
        while self.open.len() > MAX_OPEN {
            self.open.pop_first();
        }
    }

    /// The changes after `from` that match `filter`: none if the call names no position.
    pub(super) fn after(&self, from: Option<Option<Position>>, filter: &Filter) -> Changes {
        let end = self.first + self.changes.len() as u64;
        let after = Position { epoch: self.epoch, number: end }.to_text();
        let Some(from) = from else { return Changes { data: Vec::new(), after, missed: false } };
        let known = from.filter(|from| from.epoch == self.epoch && (self.first..=end).contains(&from.number));
        let Some(from) = known else { return Changes { data: Vec::new(), after, missed: true } };
        let skipped = usize::try_from(from.number - self.first).unwrap_or(usize::MAX);
        let changes = self.changes.iter().skip(skipped).filter(|change| matches(filter, change));
        Changes { data: changes.cloned().collect(), after, missed: false }
    }

    fn add(&mut self, summary: Summary, is_first_poll: bool) {
        let id = summary.interception.id;
        let is_open = summary.interception.outcome.is_none();
        let is_new = self.recent.insert(id);
        self.last = self.last.max(id);
        let has_ended = !is_open && self.open.remove(&id);
        if is_open && is_new {
            self.open.insert(id);
        }
        if (is_new || has_ended) && !is_first_poll {
            self.changes.push_back(summary);
            if self.changes.len() > MAX_CHANGES {
                self.changes.pop_front();
                self.first += 1;
            }
        }
    }
}

impl Position {
    pub(super) fn parse(text: &str) -> Option<Self> {
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
