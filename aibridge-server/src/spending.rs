//! Loads what was spent from the records: when the gateway starts, and while other gateways share its database.

use crate::runtime_config::RuntimeConfig;
use crate::store_options::store_options;
use aibridge_accounting::{Accounting, groups_of, key_of};
use aibridge_budgets::{BudgetState, Period, SpentTotals, Subject};
use aibridge_config::Config;
use aibridge_intercept::events::NoopEventSink;
use aibridge_prices::NanoUsd;
use aibridge_store::{Records, Spending, Store, StoreError, StoreOptions};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// The longest wait for records of an earlier run that are not in the database yet. Later ones are not counted.
const PROJECTION_TIMEOUT: Duration = Duration::from_secs(5);

/// The shortest time between two reads of what all gateways on one database have spent.
const FOLLOW_INTERVAL: Duration = Duration::from_secs(1);

/// Reading takes at most one part in this many of the time, so that a large database is read less often.
const FOLLOW_SHARE: u32 = 20;

/// Loads the spending of the current periods. Without the database, the gateway starts with nothing spent.
/// They are loaded without budgets too: a reload may add the first one, and users see what they have spent.
pub(crate) async fn load(accounting: &Accounting, store: &Store, options: StoreOptions) {
    store.wait_until_projected(PROJECTION_TIMEOUT).await;
    if let Err(error) = read(accounting, options).await {
        tracing::error!(
            %error,
            "could not read what was spent, so budgets begin at zero; check the database and restart"
        );
    }
}

/// Reads again and again what all gateways on the same database have spent, as long as it is polled. Between two reads,
/// this gateway adds its own costs.
pub(crate) async fn follow(runtime_config: RuntimeConfig, options: StoreOptions) {
    let mut pause = FOLLOW_INTERVAL;
    loop {
        tokio::time::sleep(pause).await;
        let accounting = runtime_config.load().accounting.clone();
        if !accounting.has_budgets() {
            continue;
        }
        let began = tokio::time::Instant::now();
        if let Err(error) = read(&accounting, options.clone()).await {
            tracing::debug!(%error, "could not read what other gateways have spent; will retry");
        }
        pause = FOLLOW_INTERVAL.max(began.elapsed() * FOLLOW_SHARE);
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
    read_blocking(&accounting, store_options(config))?;
    Ok(accounting.budgets(now))
}

async fn read(accounting: &Accounting, options: StoreOptions) -> Result<(), StoreError> {
    let accounting = accounting.clone();
    let reading = tokio::task::spawn_blocking(move || read_blocking(&accounting, options));
    reading.await.map_err(|error| StoreError::Database(error.to_string()))?
}

fn read_blocking(accounting: &Accounting, options: StoreOptions) -> Result<(), StoreError> {
    let windows = accounting.windows(Timestamp::now());
    let starts = Period::ALL.map(|period| windows.get(period).start);
    let rows = Records::open(options)?.spending(starts, accounting.counts_byok())?;
    apply(accounting, &rows);
    Ok(())
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
