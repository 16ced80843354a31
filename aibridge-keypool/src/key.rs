//! A key that a walk offers, and the reports that a caller makes about it.

use crate::pool::KeyPool;
use crate::slot::Slot;
use crate::walk::Walk;
use secrecy::SecretString;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A key that a walk offered. Use its secret, then report the response of the provider.
///
/// Report only what concerns the key itself. A response that the content of a request can provoke, such as a 403 for
/// a model, must never cool a key: otherwise one client could take the key away from all others.
#[derive(Clone)]
pub struct Key {
    pool: KeyPool,
    index: usize,
    /// The walk that offered the key.
    walk: Arc<Walk>,
}

impl Key {
    pub(crate) fn new(pool: KeyPool, index: usize, walk: Arc<Walk>) -> Self {
        Self { pool, index, walk }
    }

    /// The secret that authenticates the request.
    pub fn secret(&self) -> &SecretString {
        &self.slot().secret
    }

    /// The masked key, see [`hint`](crate::hint).
    pub fn hint(&self) -> &str {
        &self.slot().hint
    }

    /// Reports a rate limit (429). The key cools for the walk's model; it cools for all models if the walk has no model,
    /// or if 64 models of the key are cooling.
    ///
    /// The cooldown lasts for `cooldown`, or for 60 s if the response names no time (see
    /// [`retry_after`](crate::retry_after)). A longer running cooldown stays. No cooldown exceeds one year.
    pub fn rate_limited(&self, cooldown: Option<Duration>) {
        self.walk.set_rate_limited();
        self.slot().counters.rate_limited();
        self.slot().health.lock().rate_limited(self.walk.model(), self.pool.now(), cooldown);
    }

    /// Reports that the account has no credit (402, or a 429 with that error code). The key cools for 60 s, then twice
    /// as long each time, up to 1 h, until a [success](Self::succeeded). Reports during the cooldown have no effect:
    /// their requests started before it.
    pub fn out_of_quota(&self) {
        self.walk.set_rate_limited();
        self.slot().counters.out_of_quota();
        self.slot().health.lock().out_of_quota(self.pool.now());
    }

    /// Reports that this one request exceeds the rate limit by itself (429). It is counted; the key does not cool.
    pub fn request_too_large(&self) {
        self.slot().counters.rate_limited();
    }

    /// Reports that the provider does not accept the key, and names it (401). The key cools for 60 s, then twice as
    /// long each time, up to 1 h, until a [success](Self::succeeded). Reports during the cooldown have no effect: their
    /// requests started before it.
    pub fn rejected(&self) {
        self.slot().counters.rejected();
        self.slot().health.lock().rejected(self.pool.now());
    }

    /// Reports a 401 that does not name the key. Providers respond so if a restricted key lacks a permission for the
    /// route. The key cools only if another key of this walk [succeeds](Self::succeeded) later: then the report counts
    /// as a [rejection](Self::rejected).
    pub fn unauthorized(&self) {
        self.slot().counters.rejected();
        self.walk.add_suspect(self.index);
    }

    /// Reports that the provider forbids this request (403). It is counted; the key does not cool.
    pub fn forbidden(&self) {
        self.slot().counters.forbidden();
    }

    /// Reports that the provider accepted the key. The next rejection counts as the first one. Running cooldowns stay.
    /// [Unauthorized](Self::unauthorized) keys of this walk cool as rejected, since the request is proven valid.
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
