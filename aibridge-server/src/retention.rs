//! Deleting what has become old, beside everything else.

use crate::current::Current;
use aibridge_metrics::Metrics;
use aibridge_store::{Old, Reach, Store, StoreError, Sweeper};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long after its time an interception is deleted, as a part of the age that it may have; and how long that is at
/// least and at most.
const LATE: u32 = 60;
const SOON: Duration = Duration::from_secs(1);
const LATEST: Duration = Duration::from_secs(60);

/// A look at all interceptions, not only at the oldest, is followed by so many times as long without one.
const REST_FROM_ALL: u32 = 100;

/// Deletes old interceptions.
pub struct Retention {
    sweeper: Sweeper,
    current: Current,
    metrics: Option<Arc<Metrics>>,
    /// Of which age all interceptions were looked for, and when that is to be done again.
    all: Option<(Duration, Instant)>,
    /// Whether the last sweep succeeded; only a change is worth a line in the log.
    works: bool,
}

impl Retention {
    /// Deletes from `store` what `current` says is old.
    pub fn new(store: &Store, current: Current, metrics: Option<Arc<Metrics>>) -> Self {
        Self { sweeper: store.sweeper(), current, metrics, all: None, works: true }
    }

    /// Does it again and again, as long as it is polled.
    pub async fn run(mut self) {
        loop {
            let age = self.current.load().retention;
            if let Some(age) = age {
                match self.sweep(age).await {
                    Ok(()) => self.works = true,
                    Err(error) if self.works => {
                        tracing::warn!(%error, "old interceptions cannot be deleted now, and are later");
                        self.works = false;
                    }
                    Err(error) => tracing::debug!(%error, "old interceptions cannot be deleted yet"),
                }
            }
            sleep(jittered(age.map_or(LATEST, |age| (age / LATE).clamp(SOON, LATEST)))).await;
        }
    }

    async fn sweep(&mut self, age: Duration) -> Result<(), StoreError> {
        let began = Instant::now();
        let reach = match self.all {
            Some((same, again)) if same == age && began < again => Reach::Oldest,
            _ => Reach::All,
        };
        let before = self.sweeper.before(age).await?;
        let (metrics, mut deleted) = (self.metrics.as_ref(), 0);
        let each = |batch| {
            deleted += batch;
            if let Some(metrics) = metrics {
                metrics.add_deleted(batch);
            }
        };
        let swept = self.sweeper.sweep(Old { before, reach }, each).await;
        let took = began.elapsed();
        if deleted > 0 {
            tracing::info!(deleted, started_before = %before, ?took, "old interceptions are deleted");
        }
        if reach == Reach::All && swept.is_ok() {
            self.all = Some((age, Instant::now() + took * REST_FROM_ALL));
        }
        swept
    }
}

/// About as long: gateways that were started together need not sweep together.
fn jittered(pause: Duration) -> Duration {
    let share = getrandom::u32().unwrap_or(u32::MAX / 2);
    pause.mul_f64(0.75 + 0.5 * f64::from(share) / f64::from(u32::MAX))
}
