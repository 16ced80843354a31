//! A provider's keys in order of preference.

use crate::slot::{KeyStatus, Slot};
use crate::transitions::Transitions;
use quanta::{Clock, Instant};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::sync::Arc;

/// A provider's keys, in order of preference. Clones share the states of the keys.
#[derive(Clone)]
pub struct KeyPool {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Clock,
    slots: Box<[Arc<Slot>]>,
    /// The transitions of keys that only earlier pools contained: counters never decrease.
    removed: Transitions,
}

/// The reason why keys cannot form a pool. Positions count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyPoolError {
    /// The list of keys is empty.
    #[error("a key pool needs at least one key")]
    Empty,
    /// A key is empty, or consists of white space.
    #[error("key {position} is empty")]
    EmptyKey {
        /// The position of the key.
        position: usize,
    },
    /// Two keys are equal: a walk would try the same key twice.
    #[error("keys {first} and {second} are the same")]
    DuplicateKey {
        /// The position of the first of both.
        first: usize,
        /// The position of the second of both.
        second: usize,
    },
}

impl KeyPool {
    /// Creates a pool of valid keys, the preferred one first.
    ///
    /// # Errors
    ///
    /// A [`KeyPoolError`] if `keys` is empty, or contains an empty or a duplicate key.
    pub fn new(keys: Vec<SecretString>, clock: Clock) -> Result<Self, KeyPoolError> {
        if keys.is_empty() {
            return Err(KeyPoolError::Empty);
        }
        for (at, key) in keys.iter().enumerate() {
            let key = key.expose_secret();
            if key.trim().is_empty() {
                return Err(KeyPoolError::EmptyKey { position: at + 1 });
            }
            if let Some(first) = keys[..at].iter().position(|earlier| earlier.expose_secret() == key) {
                return Err(KeyPoolError::DuplicateKey { first: first + 1, second: at + 1 });
            }
        }
        let slots = keys.into_iter().map(|key| Arc::new(Slot::new(key))).collect();
        Ok(Self { shared: Arc::new(Shared { clock, slots, removed: Transitions::default() }) })
    }

    /// Creates a pool of `keys` that replaces this one. Both pools share the state of a key that both contain: it keeps
    /// cooling, and reports to either pool apply to both.
    ///
    /// # Errors
    ///
    /// The same as those of [`KeyPool::new`].
    pub fn with_keys(&self, keys: Vec<SecretString>) -> Result<Self, KeyPoolError> {
        let Shared { clock, slots, .. } = &*Self::new(keys, self.shared.clock.clone())?.shared;
        let existing =
            |new: &Arc<Slot>| self.slots().iter().find(|slot| slot.has_secret_of(new)).unwrap_or(new).clone();
        let slots: Box<[_]> = slots.iter().map(existing).collect();
        let now = self.now();
        let is_removed = |slot: &&Arc<Slot>| !slots.iter().any(|new| Arc::ptr_eq(new, slot));
        let transitions =
            self.slots().iter().filter(is_removed).map(|slot| slot.health.lock().transitions(now));
        let removed = transitions.fold(self.shared.removed, Transitions::plus);
        Ok(Self { shared: Arc::new(Shared { clock: clock.clone(), slots, removed }) })
    }

    /// The number of keys, cooling ones included.
    pub fn len(&self) -> usize {
        self.slots().len()
    }

    /// Always `false`: a pool has at least one key.
    pub fn is_empty(&self) -> bool {
        self.slots().is_empty()
    }

    /// The statuses of the keys, in order.
    pub fn statuses(&self) -> Vec<KeyStatus> {
        let now = self.now();
        self.slots().iter().map(|slot| slot.status(now)).collect()
    }

    /// Ends the cooldowns of the key at `index`, for all models, and returns its status; `None` if there is no such key.
    /// The next rejection counts as the first one.
    pub fn revive(&self, index: usize) -> Option<KeyStatus> {
        let (slot, now) = (self.slots().get(index)?, self.now());
        slot.health.lock().revive();
        Some(slot.status(now))
    }

    /// The counts of cooldowns that started and ended, including those of pools that this one replaced.
    pub fn transitions(&self) -> Transitions {
        let now = self.now();
        let each = self.slots().iter().map(|slot| slot.health.lock().transitions(now));
        each.fold(self.shared.removed, Transitions::plus)
    }

    pub(crate) fn slots(&self) -> &[Arc<Slot>] {
        &self.shared.slots
    }

    pub(crate) fn now(&self) -> Instant {
        self.shared.clock.now()
    }
}

impl fmt::Debug for KeyPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hints = self.slots().iter().map(|slot| &slot.hint);
        f.write_str("KeyPool ")?;
        f.debug_list().entries(hints).finish()
    }
}

#[cfg(test)]
mod tests;
