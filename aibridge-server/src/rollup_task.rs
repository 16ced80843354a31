//! Keeps the stored sums of the records in the background, so that sums over months are quick.

use aibridge_store::{Rollup, StoreError, StoreOptions};
use jiff::Timestamp;
use std::thread;
use std::time::Duration;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// The pause after all sums are up to date.
const PAUSE: Duration = Duration::from_secs(60);

/// The pause after each step, as a multiple of its duration: requests record meanwhile.
const STEP_PAUSE: u32 = 2;

/// The longest pause after a step.
const MAX_STEP_PAUSE: Duration = Duration::from_secs(1);

/// Sums up what is over and what changed, as long as it is polled.
pub async fn run(store: StoreOptions) {
    loop {
        let (store, cancelled) = (store.clone(), CancellationToken::new());
        let _cancel_on_drop = cancelled.clone().drop_guard();
        let caught_up = spawn_blocking(move || catch_up(&store, &cancelled)).await;
        let caught_up = caught_up.unwrap_or_else(|error| Err(StoreError::Database(error.to_string())));
        if let Err(error) = caught_up {
            tracing::debug!(%error, "could not sum up the records; will retry");
        }
        sleep(PAUSE).await;
    }
}

/// Sums up step by step until all sums are up to date, or `cancelled`.
fn catch_up(store: &StoreOptions, cancelled: &CancellationToken) -> Result<(), StoreError> {
    let mut rollup = Rollup::open(store)?;
    while !cancelled.is_cancelled() {
        let started = Instant::now();
        if !rollup.step(Timestamp::now())? {
            break;
        }
        thread::sleep((started.elapsed() * STEP_PAUSE).min(MAX_STEP_PAUSE));
    }
    Ok(())
}
