//! Loads the spending from the records: when the gateway starts, and while other gateways share its database.

use crate::runtime_config::RuntimeConfig;
use crate::store_options::store_options;
use aibridge_accounting::{Accounting, groups_of, key_of};
use aibridge_budgets::{BudgetState, Period, SpentTotals, Subject};
use aibridge_config::Config;
use aibridge_intercept::events::NoopEventSink;
use aibridge_prices::NanoUsd;
use aibridge_store::{Records, Spending, SpendingQuery, Store, StoreError, StoreOptions};
use jiff::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The longest wait for records of an earlier run that are not in the database yet. Later ones are not counted.
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
    /// The start of this gateway, which counts itself what it spends from then on.
    started_at: Timestamp,
    /// Whether the records of its earlier runs are loaded.
    has_own: AtomicBool,
    wanted: Notify,
    reads: watch::Sender<u64>,
}

impl SpendingSync {
    /// Creates the state for a gateway that starts now.
    pub fn new(store: &Store, options: StoreOptions) -> Self {
        Self {
            options,
            instance: store.instance(),
            started_at: Timestamp::now(),
            has_own: AtomicBool::new(false),
            wanted: Notify::new(),
            reads: watch::Sender::new(0),
        }
    }

    /// Loads the spending of the current periods. Without the database, the gateway starts with nothing spent, and tries
    /// again later. They are loaded without budgets too: a reload may add the first one, and users see what they have spent.
    pub async fn load(&self, accounting: &Accounting, store: &Store) {
        store.wait_until_projected(PROJECTION_TIMEOUT).await;
        if let Err(error) = self.read(accounting).await {
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
    pub async fn run(&self, runtime_config: RuntimeConfig) {
        let mut next = Instant::now() + FOLLOW_INTERVAL;
        while self.instance.is_some() || !self.has_own.load(Ordering::Relaxed) {
            self.wait_for_reason(&runtime_config).await;
            sleep_until(next).await;
            let began = Instant::now();
            if let Err(error) = self.read(&runtime_config.load().accounting).await {
                tracing::debug!(%error, "could not read what other gateways have spent; will retry");
            }
            self.reads.send_modify(|reads| *reads += 1);
            next = Instant::now() + FOLLOW_INTERVAL.max(began.elapsed() * FOLLOW_SHARE);
        }
    }

    /// Waits until there are budgets, or a request asks. A reload may add budgets meanwhile.
    async fn wait_for_reason(&self, runtime_config: &RuntimeConfig) {
        while self.has_own.load(Ordering::Relaxed) && !runtime_config.load().accounting.has_budgets() {
            if timeout(FOLLOW_INTERVAL, self.wanted.notified()).await.is_ok() {
                return;
            }
        }
    }

    async fn read(&self, accounting: &Accounting) -> Result<(), StoreError> {
        let has_own = self.has_own.load(Ordering::Relaxed);
        let windows = accounting.windows(Timestamp::now());
        let query = SpendingQuery {
            starts: Period::ALL.map(|period| windows.get(period).start),
            counts_byok: accounting.counts_byok(),
            instance: self.instance,
            own_before: (!has_own).then_some(self.started_at),
        };
        let options = self.options.clone();
        let reading = tokio::task::spawn_blocking(move || {
            Records::open_cancellable(options, CancellationToken::new())?.spending(&query)
        });
        let rows = reading.await.map_err(|error| StoreError::Database(error.to_string()))??;
        let (own, others): (Vec<Spending>, Vec<Spending>) = rows.into_iter().partition(|row| row.is_own);
        apply(&own, |totals| accounting.load_own(totals, Timestamp::now()));
        apply(&others, |totals| accounting.load_others(totals, Timestamp::now()));
        self.has_own.store(true, Ordering::Relaxed);
        Ok(())
    }
}

/// The budgets of the settings, and what was spent of them by the records. It blocks.
///
/// # Errors
///
/// If the records cannot be read.
pub fn of_records(config: &Config) -> Result<Vec<BudgetState>, StoreError> {
    let now = Timestamp::now();
    let accounting = Accounting::new(config, Arc::new(NoopEventSink), now);
    let windows = accounting.windows(now);
    let query = SpendingQuery {
        starts: Period::ALL.map(|period| windows.get(period).start),
        counts_byok: accounting.counts_byok(),
        instance: None,
        own_before: Some(Timestamp::MAX),
    };
    let options = store_options(config);
    let rows = match &options {
        StoreOptions::Sqlite(options) if !options.path.exists() => Vec::new(), // no gateway has run yet
        _ => Records::open(options)?.spending(&query)?,
    };
    apply(&rows, |totals| accounting.load_own(totals, now));
    Ok(accounting.budgets(now))
}

/// Passes the totals of `rows` to `load`.
fn apply(rows: &[Spending], load: impl FnOnce(Vec<SpentTotals<'_>>)) {
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
    load(totals.collect());
}
