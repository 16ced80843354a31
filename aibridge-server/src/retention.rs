//! Deletes expired interceptions in the background.

use aibridge_handler::runtime_config::RuntimeConfig;
use aibridge_metrics::Metrics;
use aibridge_store::{Expired, ScanScope, Store, StoreError, Sweeper};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The pause between two sweeps, as a fraction of the retention period.
const PAUSE_FRACTION: u32 = 60;
/// The shortest pause between two sweeps.
const MIN_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between two sweeps.
const MAX_PAUSE: Duration = Duration::from_secs(60);

/// The time between two full scans, as a multiple of the duration of the last one. Other sweeps read only the oldest
/// interceptions.
const FULL_SCAN_PAUSE: u32 = 100;

/// Deletes expired interceptions.
pub struct Retention {
    sweeper: Sweeper,
    runtime_config: RuntimeConfig,
    metrics: Option<Arc<Metrics>>,
    /// The retention period of the last full scan, and the time of the next one.
    full_scan: Option<(Duration, Instant)>,
    /// Whether the last sweep succeeded. Only a change is logged as a warning.
    succeeded: bool,
}

impl Retention {
    /// Deletes interceptions of `store` that are older than the retention period in force.
    pub fn new(store: &Store, runtime_config: RuntimeConfig, metrics: Option<Arc<Metrics>>) -> Self {
        Self { sweeper: store.sweeper(), runtime_config, metrics, full_scan: None, succeeded: true }
    }

    /// Sweeps at intervals, as long as it is polled.
    pub async fn run(mut self) {
        loop {
            let age = self.runtime_config.load().retention;
            if let Some(age) = age {
                match self.sweep(age).await {
                    Ok(()) => self.succeeded = true,
                    Err(error) if self.succeeded => {
                        tracing::warn!(%error, "could not delete expired interceptions; will retry");
                        self.succeeded = false;
                    }
                    Err(error) => {
                        tracing::debug!(%error, "still cannot delete expired interceptions; will retry")
                    }
                }
            }
            sleep(with_jitter(
                age.map_or(MAX_PAUSE, |age| (age / PAUSE_FRACTION).clamp(MIN_PAUSE, MAX_PAUSE)),
            ))
            .await;
        }
    }

    async fn sweep(&mut self, age: Duration) -> Result<(), StoreError> {
        let started = Instant::now();
        let scope = match self.full_scan {
            Some((same, again)) if same == age && started < again => ScanScope::Oldest,
            _ => ScanScope::All,
        };
        let before = self.sweeper.cutoff(age).await?;
        let (metrics, mut deleted) = (self.metrics.as_ref(), 0);
        let each = |batch| {
            deleted += batch;
            if let Some(metrics) = metrics {
                metrics.add_deleted(batch);
            }
        };
        let swept = self.sweeper.sweep(Expired { before, scope }, each).await;
        let took = started.elapsed();
        if deleted > 0 {
            tracing::info!(deleted, started_before = %before, ?took, "deleted expired interceptions");
        }
        if scope == ScanScope::All && swept.is_ok() {
            self.full_scan = Some((age, Instant::now() + took * FULL_SCAN_PAUSE));
        }
        swept
    }
}

/// Varies `pause` by up to a quarter, so that gateways that started together do not sweep together.
fn with_jitter(pause: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or(u32::MAX / 2);
    pause.mul_f64(0.75 + 0.5 * f64::from(random) / f64::from(u32::MAX))
}
