//! The limit on open client connections.

use aibridge_intercept::warn_throttle::WarnThrottle;
use parking_lot::Mutex;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// The interval at which a full limit is read again, because a reload may have raised it.
const RECHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Counts open client connections. Clones share the count.
#[derive(Debug, Clone, Default)]
pub struct ConnectionLimit {
    open: Arc<watch::Sender<usize>>,
    warnings: Arc<Mutex<WarnThrottle<Instant>>>,
}

/// Counts one open connection until it is dropped.
#[derive(Debug)]
pub(crate) struct ConnectionPermit(Arc<watch::Sender<usize>>);

impl ConnectionLimit {
    /// Returns how many connections are open.
    pub fn open(&self) -> usize {
        *self.open.borrow()
    }

    /// Waits until fewer than `max` connections are open. Meanwhile the kernel queues new ones.
    pub(crate) async fn ready(&self, max: impl Fn() -> Option<NonZeroU32>) {
        let mut open = self.open.subscribe();
        loop {
            match max() {
                Some(max) if *open.borrow_and_update() >= max.get() as usize => self.warn(max),
                _ => return,
            }
            let _ = timeout(RECHECK_INTERVAL, open.changed()).await;
        }
    }

    /// Counts one more connection, whatever the limit.
    pub(crate) fn acquire(&self) -> ConnectionPermit {
        self.open.send_modify(|open| *open += 1);
        ConnectionPermit(self.open.clone())
    }

    fn warn(&self, max: NonZeroU32) {
        if self.warnings.lock().add(1, Instant::now()).is_some() {
            tracing::warn!(
                max_connections = max.get(),
                "the connection limit is reached: new connections wait until one closes"
            );
        }
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1);
    }
}
