use crate::pool::Slot;
use crate::{KeyPool, KeyState};
use secrecy::SecretString;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A key that a walk was offered: use its secret, then say what the provider answered.
///
/// A 403 and everything but the answers below says nothing about the key: it may be about the request, and
/// no client must be able to disable a key.
#[derive(Clone)]
pub struct Key {
    pool: KeyPool,
    index: usize,
    /// Of the walk that it was offered to.
    rate_limited: Arc<AtomicBool>,
}

impl Key {
    pub(crate) fn new(pool: KeyPool, index: usize, rate_limited: Arc<AtomicBool>) -> Self {
        Self { pool, index, rate_limited }
    }

    /// What authenticates the request.
    pub fn secret(&self) -> &SecretString {
        &self.slot().secret
    }

    /// The masked key, see [`hint`](crate::hint).
    pub fn hint(&self) -> &str {
        &self.slot().hint
    }

    /// The provider answered 429: the key cools for `cooldown`, or for 60 s if the answer did not say (see
    /// [`retry_after`](crate::retry_after)). A longer running cooldown is kept; none exceeds a year.
    pub fn rate_limited(&self, cooldown: Option<Duration>) {
        self.rate_limited.store(true, Ordering::Relaxed);
        self.slot().counters.rate_limited();
        self.slot().cooldowns.lock().rate_limited(self.pool.now(), cooldown);
        self.slot().probation.lock().begin();
    }

    /// The provider answered 401: the key cools for 60 s, doubling with every further 401 in a row up to
    /// 1 h. While it does, a further 401 changes nothing: that request began before.
    pub fn rejected(&self) {
        self.slot().counters.rejected();
        self.slot().cooldowns.lock().rejected(self.pool.now());
        self.slot().probation.lock().begin();
    }

    /// The provider answered 403: that is counted, and says nothing about the key.
    pub fn forbidden(&self) {
        self.slot().counters.forbidden();
    }

    /// The provider accepted the key: the next 401 is a first one again. Running cooldowns are left alone.
    pub fn succeeded(&self) {
        self.slot().counters.succeeded();
        let mut cooldowns = self.slot().cooldowns.lock();
        cooldowns.succeeded();
        if cooldowns.state(self.pool.now()) == KeyState::Valid {
            self.slot().probation.lock().pass();
        }
    }

    fn slot(&self) -> &Slot {
        &self.pool.slots()[self.index]
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Key").field(&self.hint()).finish()
    }
}
