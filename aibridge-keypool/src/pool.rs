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
mod tests {
    use super::*;
    use crate::{KeyState, Walker, hint};

    fn pool(keys: &[&str]) -> Result<KeyPool, KeyPoolError> {
        KeyPool::new(keys.iter().map(|&key| key.into()).collect(), Clock::mock().0)
    }

    #[test]
    fn unusable_keys_are_refused() {
        let table: &[(&[&str], KeyPoolError, &str)] = &[
            (&[], KeyPoolError::Empty, "a key pool needs at least one key"),
            (&[""], KeyPoolError::EmptyKey { position: 1 }, "key 1 is empty"),
            (&["sk-a", " \n"], KeyPoolError::EmptyKey { position: 2 }, "key 2 is empty"),
            (
                &["sk-a", "sk-b", "sk-a"],
                KeyPoolError::DuplicateKey { first: 1, second: 3 },
                "keys 1 and 3 are the same",
            ),
        ];
        for (keys, expected, message) in table {
            let error = pool(keys).expect_err("a refusal");
            assert_eq!((&error, error.to_string().as_str()), (expected, *message), "{keys:?}");
        }
    }

    #[test]
    fn only_hints_can_be_printed() {
        let pool = pool(&["sk-0123456789abcdefghij", "hunter2-hunter2"]).expect("a pool");
        assert_eq!(format!("{pool:?}"), r#"KeyPool ["sk-0...ghij", "hu...r2"]"#);

        let mut walk = pool.walk();
        let key = walk.next_key().expect("a key");
        assert_eq!(format!("{key:?}"), r#"Key("sk-0...ghij")"#);
        assert_eq!(
            format!("{walk:?}"),
            r#"Walker { pool: KeyPool ["sk-0...ghij", "hu...r2"], next: 1, deferred: [], walk: Walk { model: None, rate_limited: false, suspects: Mutex { data: [] } } }"#
        );
        assert!(!format!("{:?}", pool.statuses()).contains("6789"));
    }

    #[test]
    fn clones_share_the_keys_states() {
        let pool = pool(&["sk-a", "sk-b"]).expect("a pool");
        let key = pool.clone().walk().next_key().expect("a key");
        key.rejected();
        let valid =
            |pool: &KeyPool| pool.statuses().iter().filter(|status| status.state == KeyState::Valid).count();
        assert_eq!((pool.len(), pool.is_empty(), valid(&pool)), (2, false, 1));
    }

    #[test]
    fn pools_share_the_states_of_their_common_keys() {
        let hints = |pool: &KeyPool| {
            let cooling = pool.statuses().into_iter().filter(|status| status.state != KeyState::Valid);
            cooling.map(|status| status.hint).collect::<Vec<_>>()
        };
        let old = pool(&["sk-goes", "sk-stays"]).expect("a pool");
        let mut walk = old.walk();
        while let Some(key) = walk.next_key() {
            key.rate_limited(None);
        }
        let new = old.with_keys(["sk-new", "sk-stays", "sk-stay"].map(Into::into).to_vec()).expect("a pool");
        assert_eq!(hints(&new), [hint("sk-stays")]);
        assert_eq!(new.walk().next_key().map(|key| key.hint().to_owned()), Some(hint("sk-new")));

        let both = new.with_keys(vec!["sk-new".into()]).expect("a pool");
        new.walk().next_key().expect("a key").rejected();
        assert_eq!(hints(&both), [hint("sk-new")], "a report to one pool applies to the other");
        assert_eq!(
            new.with_keys(vec!["x".into(), "x".into()]).err(),
            Some(KeyPoolError::DuplicateKey { first: 1, second: 2 })
        );
    }

    #[test]
    fn counts_include_removed_keys() {
        let old = pool(&["sk-goes", "sk-stays"]).expect("a pool");
        let mut walk = old.walk();
        while let Some(key) = walk.next_key() {
            key.rate_limited(None);
        }
        let new = old.with_keys(vec!["sk-stays".into()]).expect("a pool");
        let expected = Transitions { rate_limited: 2, ..Transitions::default() };
        assert_eq!([old.transitions(), new.transitions()], [expected; 2]);
    }

    #[test]
    fn a_walk_may_cross_threads() {
        fn check<T: Send + Sync + Clone + fmt::Debug + 'static>() {}
        fn check_walk<T: Send + Sync + fmt::Debug + 'static>() {}
        check::<KeyPool>();
        check::<crate::Key>();
        check_walk::<Walker>();
    }
}
