//! Keeps the stored sums of the records in the background, so that sums over months are quick.

use aibridge_store::{Rollup, StoreError, StoreOptions};
use jiff::Timestamp;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The pause after all sums are up to date.
const PAUSE: Duration = Duration::from_secs(60);

/// The pause after each step, as a multiple of its duration: requests record meanwhile.
const STEP_PAUSE: u32 = 2;

/// Sums up what is over and what changed, as long as it is polled.
pub async fn run(store: StoreOptions) {
    loop {
        if let Err(error) = catch_up(store.clone()).await {
            tracing::debug!(%error, "could not sum up the records; will retry");
        }
        sleep(PAUSE).await;
    }
}

async fn catch_up(store: StoreOptions) -> Result<(), StoreError> {
    let blocking = |error: tokio::task::JoinError| StoreError::Database(error.to_string());
    let mut rollup = tokio::task::spawn_blocking(move || Rollup::open(&store)).await.map_err(blocking)??;
    loop {
        let started = Instant::now();
        let step = move || {
            let more = rollup.step(Timestamp::now());
            (rollup, more)
        };
        let (next, more) = tokio::task::spawn_blocking(step).await.map_err(blocking)?;
        rollup = next;
        if !more? {
            return Ok(());
        }
        sleep(started.elapsed() * STEP_PAUSE).await;
    }
}
