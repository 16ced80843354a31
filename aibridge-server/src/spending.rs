//! Loads the spending from the records: when the gateway starts, and while other gateways share its database.

use crate::store_options::store_options;
use aibridge_accounting::{Accounting, groups_of, key_of};
use aibridge_budgets::{BudgetState, Period, SpentTotals, Subject};
use aibridge_config::Config;
use aibridge_handler::runtime_config::RuntimeConfig;
use aibridge_intercept::events::NoopEventSink;
use aibridge_prices::NanoUsd;
use aibridge_store::{OwnRecords, Records, Spending, SpendingQuery, Store, StoreError, StoreOptions};
use jiff::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The longest wait for records of an earlier run that are not in the database yet. Later ones are counted by a later read.
const PROJECTION_TIMEOUT: Duration = Duration::from_secs(5);

/// The shortest time between two reads of what other gateways on the database have spent.
const FOLLOW_INTERVAL: Duration = Duration::from_secs(1);

/// The time between two reads, as a multiple of the duration of a read, so that a large database is read less often.
const FOLLOW_SHARE: u32 = 20;

/// The longest wait of a request for what other gateways have spent.
const REFRESH_TIMEOUT: Duration = Duration::from_secs(3);

/// Keeps the totals of a gateway in step with the records of its earlier runs and of other gateways.
pub struct SpendingSync {
    options: StoreOptions,
    /// This gateway among those that share the database; `None` if there are no others.
    instance: Option<Uuid>,
    /// The start of this gateway in whole milliseconds, as records have it. From then on, it counts itself.
    started_at: Timestamp,
    /// Whether all records of its earlier runs were in the database when they were read.
    is_complete: AtomicBool,
    wanted: Notify,
    reads: watch::Sender<u64>,
}

impl SpendingSync {
    /// Creates the state for a gateway that starts now.
    pub fn new(store: &Store, options: StoreOptions) -> Self {
        Self {
            options,
            instance: store.instance(),
            started_at: Timestamp::from_millisecond(Timestamp::now().as_millisecond()).unwrap_or_default(),
            is_complete: AtomicBool::new(false),
            wanted: Notify::new(),
            reads: watch::Sender::new(0),
        }
    }

    /// Loads the spending of the current periods. Without the database, the gateway starts with nothing spent, and tries
    /// again later. They are loaded without budgets too: a reload may add the first one, and users see what they have spent.
    pub async fn load(&self, accounting: &Accounting, store: &Store) {
        if let Err(error) = self.read(accounting, store).await {
            tracing::error!(%error, "could not read what was spent, so budgets begin at zero; will retry");
        }
    }

    /// Waits until what other gateways have spent is read again. With budgets, that is read every second anyway.
    pub async fn refresh(&self) {
        if self.instance.is_some() {
            let mut reads = self.reads.subscribe();
            self.wanted.notify_one();
            let _ = timeout(REFRESH_TIMEOUT, reads.changed()).await; // the totals of now are the next best
        }
    }

    /// Reads again and again what other gateways on the same database have spent, as long as it is polled. It returns when
    /// there is nothing to read any more.
    pub async fn run(&self, runtime_config: RuntimeConfig, store: Store) {
        let mut next = Instant::now() + FOLLOW_INTERVAL;
        while self.instance.is_some() || !self.is_complete.load(Ordering::Relaxed) {
            self.wait_for_reason(&runtime_config).await;
            sleep_until(next).await;
            let took = self.read(&runtime_config.load().accounting, &store).await.unwrap_or_else(|error| {
                tracing::debug!(%error, "could not read what other gateways have spent; will retry");
                Duration::ZERO
            });
            self.reads.send_modify(|reads| *reads += 1);
            next = Instant::now() + FOLLOW_INTERVAL.max(took * FOLLOW_SHARE);
        }
    }

    /// Waits until there are budgets, or a request asks. A reload may add budgets meanwhile.
    async fn wait_for_reason(&self, runtime_config: &RuntimeConfig) {
        while self.is_complete.load(Ordering::Relaxed) && !runtime_config.load().accounting.has_budgets() {
            if timeout(FOLLOW_INTERVAL, self.wanted.notified()).await.is_ok() {
                return;
            }
        }
    }

    /// Reads what was spent, after the records of earlier runs are in the database or a time limit. Returns the duration of
    /// the read alone.
    async fn read(&self, accounting: &Accounting, store: &Store) -> Result<Duration, StoreError> {
        let is_complete =
            self.is_complete.load(Ordering::Relaxed) || store.wait_until_projected(PROJECTION_TIMEOUT).await;
        let began = Instant::now();
        let own = OwnRecords { instance: self.instance, since: self.started_at };
        let (query, options) = (query(accounting, Some(own)), self.options.clone());
        let reading = tokio::task::spawn_blocking(move || {
            Records::open_cancellable(options, CancellationToken::new())?.spending(&query)
        });
        apply(accounting, &reading.await.map_err(|error| StoreError::Database(error.to_string()))??);
        self.is_complete.store(is_complete, Ordering::Relaxed);
        Ok(began.elapsed())
    }
}

/// The query for what was spent in the current windows.
fn query(accounting: &Accounting, except: Option<OwnRecords>) -> SpendingQuery {
    let windows = accounting.windows(Timestamp::now());
    let starts = Period::ALL.map(|period| windows.get(period).start);
    SpendingQuery { starts, counts_byok: accounting.counts_byok(), except }
}

/// The budgets of the settings, and what was spent of them by the records. It blocks.
///
/// # Errors
///
/// If the records cannot be read.
pub fn of_records(config: &Config) -> Result<Vec<BudgetState>, StoreError> {
    let now = Timestamp::now();
    let accounting = Accounting::new(config, Arc::new(NoopEventSink), now);
    let options = store_options(config);
    let rows = match &options {
        StoreOptions::Sqlite(options) if !options.path.exists() => Vec::new(), // no gateway has run yet
        _ => Records::open(options)?.spending(&query(&accounting, None))?,
    };
    apply(&accounting, &rows);
    Ok(accounting.budgets(now))
}

fn apply(accounting: &Accounting, rows: &[Spending]) {
    let groups: Vec<Vec<String>> = rows.iter().map(|row| groups_of(&row.metadata)).collect();
    let totals = rows.iter().zip(&groups).map(|(row, groups)| SpentTotals {
        subject: Subject {
            user: &row.user,
            groups,
            key: key_of(&row.metadata),
            model: &row.model,
            provider: &row.provider,
        },
        spent: row.nano_usd.map(NanoUsd::new),
    });
    accounting.load(totals, Timestamp::now());
}
