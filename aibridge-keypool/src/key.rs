use crate::KeyPool;
use crate::pool::Slot;
use crate::walker::Walk;
use secrecy::SecretString;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A key that a walk was offered: use its secret, then report what the provider answered.
///
/// Report only what the provider says about the key. An answer that a request can provoke by what is in it, such as a
/// 403 for a model, must never cool a key: nobody may take a key away from others.
#[derive(Clone)]
pub struct Key {
    pool: KeyPool,
    index: usize,
    /// The walk that it was offered to.
    walk: Arc<Walk>,
}

impl Key {
    pub(crate) fn new(pool: KeyPool, index: usize, walk: Arc<Walk>) -> Self {
        Self { pool, index, walk }
    }

    /// What authenticates the request.
    pub fn secret(&self) -> &SecretString {
        &self.slot().secret
    }

    /// The masked key, see [`hint`](crate::hint).
    pub fn hint(&self) -> &str {
        &self.slot().hint
    }

    /// A rate limit (429): the key cools for the walk's model, or for all models if the walk has none or 64 models of
    /// the key cool already. It cools for `cooldown`, or for 60 s if the answer names no time (see
    /// [`retry_after`](crate::retry_after)). A longer running cooldown is kept; none exceeds a year.
    pub fn rate_limited(&self, cooldown: Option<Duration>) {
        self.walk.saw_rate_limit();
        self.slot().counters.rate_limited();
        self.slot().health.lock().rate_limited(self.walk.model(), self.pool.now(), cooldown);
    }

    /// The account has no credit (402, or a 429 that says so): the key cools for 60 s, doubling up to 1 h until a
    /// [success](Self::succeeded). While it does, a further report changes nothing: that request began before.
    pub fn out_of_quota(&self) {
        self.walk.saw_rate_limit();
        self.slot().counters.out_of_quota();
        self.slot().health.lock().out_of_quota(self.pool.now());
    }

    /// This one request is too large for the rate limit (429): that is counted, and says nothing about the key.
    pub fn request_too_large(&self) {
        self.slot().counters.rate_limited();
    }

    /// The provider does not accept the key, and names it (401): the key cools for 60 s, doubling up to 1 h until a
    /// [success](Self::succeeded). While it does, a further report changes nothing: that request began before.
    pub fn rejected(&self) {
        self.slot().counters.rejected();
        self.slot().health.lock().rejected(self.pool.now());
    }

    /// A 401 that does not name the key, as a provider answers if a restricted key has no right to this route: nothing,
    /// unless another key of this walk [succeeds](Self::succeeded) after it. Then it counts as a [rejection](Self::rejected).
    pub fn unauthorized(&self) {
        self.slot().counters.rejected();
        self.walk.suspect(self.index);
    }

    /// The provider forbids this request (403): that is counted, and says nothing about the key.
    pub fn forbidden(&self) {
        self.slot().counters.forbidden();
    }

    /// The provider accepted the key: the next rejection is a first one again. Running cooldowns are left alone. Keys
    /// of this walk that were [unauthorized](Self::unauthorized) are at fault, since the request is not.
    pub fn succeeded(&self) {
        let now = self.pool.now();
        self.slot().counters.succeeded();
        self.slot().health.lock().succeeded(self.walk.model(), now);
        for suspect in self.walk.take_suspects() {
            self.pool.slots()[suspect].health.lock().rejected(now);
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
