//! The callback that receives the duration of each commit.

use std::sync::OnceLock;
use std::time::Duration;

type Observer = Box<dyn Fn(Duration) + Send + Sync>;

/// At most one callback for commit durations. It runs on the thread that commits, so it must be quick.
#[derive(Default)]
pub struct CommitObserver(OnceLock<Observer>);

impl CommitObserver {
    /// Sets the callback. Only the first call has an effect.
    pub fn set(&self, observer: impl Fn(Duration) + Send + Sync + 'static) {
        let _already_set = self.0.set(Box::new(observer));
    }

    /// Calls the callback with the duration of a committed transaction, commit included.
    pub fn committed(&self, took: Duration) {
        if let Some(observer) = self.0.get() {
            observer(took);
        }
    }
}
