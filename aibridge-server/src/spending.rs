//! Loads what was spent from the records: when the gateway starts, and while other gateways share its database.

use crate::runtime_config::RuntimeConfig;
use aibridge_accounting::{Accounting, groups_of, key_of};
use aibridge_budgets::{Period, SpentTotals, Subject};
use aibridge_prices::NanoUsd;
use aibridge_store::{Records, Spending, Store, StoreError, StoreOptions};
use jiff::Timestamp;
use std::time::Duration;

/// The longest wait for records of an earlier run that are not in the database yet. Later ones are not counted.
const PROJECTION_TIMEOUT: Duration = Duration::from_secs(5);

/// The shortest time between two reads of what all gateways on one database have spent.
const FOLLOW_INTERVAL: Duration = Duration::from_secs(1);

/// Reading takes at most one part in this many of the time, so that a large database is read less often.
const FOLLOW_SHARE: u32 = 20;

/// Loads the spending of the current periods. Without the database, the gateway starts with nothing spent.
pub(crate) async fn load(accounting: &Accounting, store: &Store, options: StoreOptions) {
    if !accounting.has_budgets() {
        return;
    }
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

async fn read(accounting: &Accounting, options: StoreOptions) -> Result<(), StoreError> {
    let windows = accounting.windows(Timestamp::now());
    let starts = Period::ALL.map(|period| windows.get(period).start);
    let counts_byok = accounting.counts_byok();
    let reading = tokio::task::spawn_blocking(move || Records::open(options)?.spending(starts, counts_byok));
    let rows = reading.await.map_err(|error| StoreError::Database(error.to_string()))??;
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
