//! What a store tells about itself while it works.

use std::sync::OnceLock;
use std::time::Duration;

type Observer = Box<dyn Fn(Duration) + Send + Sync>;

/// Who wants to know how long transactions take. It is told on the thread that commits, so it must be quick.
#[derive(Default)]
pub(crate) struct CommitObserver(OnceLock<Observer>);

impl CommitObserver {
    /// Tells `observer` from now on. There is one at most: a later one is told nothing.
    pub(crate) fn set(&self, observer: impl Fn(Duration) + Send + Sync + 'static) {
        let _there_is_one = self.0.set(Box::new(observer));
    }

    /// A transaction took so long, from its beginning to its commit.
    pub(crate) fn committed(&self, took: Duration) {
        if let Some(observer) = self.0.get() {
            observer(took);
        }
    }
}
