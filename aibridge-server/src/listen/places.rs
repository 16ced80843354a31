use crate::current::Current;
use parking_lot::Mutex;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// New settings may have more places: while there is none, it is looked at least so often.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// That there are too few is said so often at most.
const WARN_EVERY: Duration = Duration::from_secs(60);

/// The connections of clients that are open. Clones count the same.
#[derive(Debug, Clone, Default)]
pub struct Places {
    taken: Arc<watch::Sender<usize>>,
    warned: Arc<Mutex<Option<Instant>>>,
}

/// One open connection.
#[derive(Debug)]
pub(super) struct Place(Arc<watch::Sender<usize>>);

impl Places {
    /// How many are taken.
    pub fn taken(&self) -> usize {
        *self.taken.borrow()
    }

    /// Waits until there may be one more connection. Those that wait longer are held by the kernel.
    pub(super) async fn free(&self, current: &Current) {
        let mut taken = self.taken.subscribe();
        loop {
            let most = current.load().connections.max_connections;
            match most {
                Some(most) if *taken.borrow_and_update() >= most.get() as usize => self.warn(most),
                _ => return,
            }
            let _ = timeout(LOOK_AGAIN, taken.changed()).await;
        }
    }

    pub(super) fn take(&self) -> Place {
        self.taken.send_modify(|taken| *taken += 1);
        Place(self.taken.clone())
    }

    fn warn(&self, most: NonZeroU32) {
        let mut warned = self.warned.lock();
        if warned.is_none_or(|at| at.elapsed() >= WARN_EVERY) {
            *warned = Some(Instant::now());
            tracing::warn!(
                max_connections = most.get(),
                "all places for connections are taken: others wait until one is closed"
            );
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.send_modify(|taken| *taken -= 1);
    }
}
