//! The walk of one upstream call over the keys of a pool.

use crate::key::Key;
use crate::pool::KeyPool;
use crate::walk::Walk;
use crate::{CoolingReason, KeyState};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// The maximum length of a model name, in bytes. Clients choose the names, so the length needs a bound.
const MODEL_NAME_MAX: usize = 512;

/// The walk of one upstream call over the keys of a pool.
#[derive(Debug)]
pub struct Walker {
    pool: KeyPool,
    /// The index of the first key that the walk has not visited.
    next: usize,
    /// The indexes of valid keys that another walk is probing.
    deferred: VecDeque<usize>,
    walk: Arc<Walk>,
}

/// The reason why a walk has no key left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exhaustion {
    /// At least one key cools after a rate limit or for lack of credit, or started to cool during this walk.
    RateLimited {
        /// The shortest remaining cooldown of all cooling keys, whatever its reason; zero if none is cooling any more.
        retry_after: Duration,
    },
    /// The provider refused every key, and none for a rate limit.
    Rejected,
}

impl KeyPool {
    /// Starts the walk of an upstream call that names no model. A rate limit cools the key for all models.
    pub fn walk(&self) -> Walker {
        Walker::new(self.clone(), None)
    }

    /// Starts the walk of an upstream call to `model`. A rate limit cools the key for this model only. Names are
    /// compared by their first 512 bytes.
    pub fn walk_for(&self, model: impl Into<String>) -> Walker {
        Walker::new(self.clone(), Some(compared_name(model.into())))
    }
}

/// The part of a model name that is compared.
fn compared_name(mut model: String) -> String {
    model.truncate(model.floor_char_boundary(MODEL_NAME_MAX));
    model
}

impl Walker {
    fn new(pool: KeyPool, model: Option<String>) -> Self {
        Self { pool, next: 0, deferred: VecDeque::new(), walk: Arc::new(Walk::new(model)) }
    }

    /// Returns the next valid key in the order of the pool; each key at most once. The walk skips a key that is cooling
    /// when its turn comes. A key that another walk is probing comes after all others, so that no request fails
    /// because of a probe.
    pub fn next_key(&mut self) -> Option<Key> {
        let now = self.pool.now();
        let model = self.walk.model();
        while let Some(slot) = self.pool.slots().get(self.next) {
            let index = self.next;
            self.next += 1;
            let mut health = slot.health.lock();
            if health.state(model, now) == KeyState::Valid {
                if health.admit(model, now) {
                    return Some(self.offer(index));
                }
                self.deferred.push_back(index);
            }
        }
        while let Some(index) = self.deferred.pop_front() {
            if self.pool.slots()[index].health.lock().state(model, now) == KeyState::Valid {
                return Some(self.offer(index));
            }
        }
        None
    }

    /// Sets the model of a walk that began without one, because the name was read while the request was sent. Has no effect
    /// if the walk has a model.
    pub fn set_model(&self, model: &str) {
        self.walk.set_model(compared_name(model.to_owned()));
    }

    fn offer(&self, index: usize) -> Key {
        self.pool.slots()[index].counters.offered();
        Key::new(self.pool.clone(), index, Arc::clone(&self.walk))
    }

    /// The reason why [`next_key`](Self::next_key) returned `None`.
    pub fn exhaustion(&self) -> Exhaustion {
        let is_limit = |reason| matches!(reason, CoolingReason::RateLimited | CoolingReason::Quota);
        let rate_limited = self.walk.is_rate_limited() || self.cooling().any(|(reason, _)| is_limit(reason));
        if rate_limited {
            Exhaustion::RateLimited { retry_after: self.shortest_cooldown().unwrap_or_default() }
        } else {
            Exhaustion::Rejected
        }
    }

    /// The shortest remaining cooldown of all keys that cool for the walk's model, whatever its reason: the time after
    /// which a retry may succeed. `None` if no key cools.
    pub fn shortest_cooldown(&self) -> Option<Duration> {
        self.cooling().map(|(_, remaining)| remaining).min()
    }

    fn cooling(&self) -> impl Iterator<Item = (CoolingReason, Duration)> {
        let now = self.pool.now();
        self.pool.slots().iter().filter_map(move |slot| {
            match slot.health.lock().state(self.walk.model(), now) {
                KeyState::Cooling { reason, remaining } => Some((reason, remaining)),
                KeyState::Valid => None,
            }
        })
    }
}

#[cfg(test)]
mod tests;
