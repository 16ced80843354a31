//! Loads what was spent from the records when the gateway starts.

use aibridge_accounting::{Accounting, groups_of, key_of};
use aibridge_budgets::{Period, SpentTotals, Subject};
use aibridge_config::Config;
use aibridge_prices::NanoUsd;
use aibridge_store::{Records, Spending, Store, StoreError, StoreOptions};
use jiff::Timestamp;
use std::time::Duration;

/// The longest wait for records of an earlier run that are not in the database yet. Later ones are not counted.
const PROJECTION_TIMEOUT: Duration = Duration::from_secs(5);

/// Loads the spending of the current periods. Without the database, the gateway starts with nothing spent.
pub(crate) async fn load(accounting: &Accounting, config: &Config, store: &Store, options: StoreOptions) {
    if config.budgets.budgets.is_empty() {
        return;
    }
    store.wait_until_projected(PROJECTION_TIMEOUT).await;
    let windows = accounting.windows(Timestamp::now());
    let starts = Period::ALL.map(|period| windows.get(period).start);
    let counts_byok = config.budgets.byok_counts;
    let reading = tokio::task::spawn_blocking(move || Records::open(options)?.spending(starts, counts_byok));
    let spent = reading.await.unwrap_or_else(|error| Err(StoreError::Database(error.to_string())));
    match spent {
        Ok(rows) => apply(accounting, &rows),
        Err(error) => tracing::error!(
            %error,
            "could not read what was spent, so budgets begin at zero; check the database and restart"
        ),
    }
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
