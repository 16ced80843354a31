use crate::counts::{Counters, KeyCounts};
use crate::health::Health;
use crate::{Fingerprint, KeyState, ModelCooldown, Transitions, Walker, hint};
use parking_lot::Mutex;
use quanta::{Clock, Instant};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// How much of a model's name is kept, in bytes: clients can name models as they like.
const MODEL_NAME_MAX: usize = 512;

/// A provider's keys, in the order of preference. Clones share the keys' states.
#[derive(Clone)]
pub struct KeyPool {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Clock,
    slots: Box<[Arc<Slot>]>,
    /// Of keys that earlier pools had: counts never go down.
    gone: Transitions,
}

/// One key and its state.
pub(crate) struct Slot {
    pub(crate) secret: SecretString,
    pub(crate) hint: String,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) health: Mutex<Health>,
    pub(crate) counters: Counters,
}

/// What may be shown of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStatus {
    /// The masked key, see [`hint`].
    pub hint: String,
    /// Whether it is offered to walks for models that do not cool by themselves.
    pub state: KeyState,
    /// The models that cool by themselves, by name.
    pub models: Vec<ModelCooldown>,
    /// What came of it since the process began, or since it was set.
    pub counts: KeyCounts,
}

/// Why keys make no pool. Positions count from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyPoolError {
    /// There is no key.
    #[error("a key pool needs at least one key")]
    Empty,
    /// A key is empty, or nothing but white space.
    #[error("key {position} is empty")]
    EmptyKey {
        /// Which.
        position: usize,
    },
    /// A key is there twice: it would be tried twice for the same answer.
    #[error("keys {first} and {second} are the same")]
    DuplicateKey {
        /// The one.
        first: usize,
        /// The other.
        second: usize,
    },
}

impl KeyPool {
    /// A pool of `keys`, all of them valid; the first is preferred.
    ///
    /// # Errors
    ///
    /// If there are no keys, or one of them is empty or there twice.
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
        Ok(Self { shared: Arc::new(Shared { clock, slots, gone: Transitions::default() }) })
    }

    /// A pool of `keys` in place of this one. A key that is in both has one state: it goes on cooling, and what either
    /// pool learns of it is known to both.
    ///
    /// # Errors
    ///
    /// As [`KeyPool::new`].
    pub fn renewed(&self, keys: Vec<SecretString>) -> Result<Self, KeyPoolError> {
        let Shared { clock, slots, .. } = &*Self::new(keys, self.shared.clock.clone())?.shared;
        let known =
            |new: &Arc<Slot>| self.slots().iter().find(|slot| slot.has_secret_of(new)).unwrap_or(new).clone();
        let slots: Box<[_]> = slots.iter().map(known).collect();
        let now = self.now();
        let is_gone = |old: &&Arc<Slot>| !slots.iter().any(|slot| Arc::ptr_eq(slot, old));
        let left = self.slots().iter().filter(is_gone).map(|slot| slot.health.lock().transitions(now));
        let gone = left.fold(self.shared.gone, Transitions::plus);
        Ok(Self { shared: Arc::new(Shared { clock: clock.clone(), slots, gone }) })
    }

    /// A walk over the keys, for one upstream call that names no model: a rate limit cools the whole key.
    pub fn walk(&self) -> Walker {
        Walker::new(self.clone(), None)
    }

    /// A walk over the keys, for one upstream call to `model`: a rate limit cools a key for this model alone. Of a
    /// longer name the first 512 bytes count.
    pub fn walk_for(&self, model: impl Into<String>) -> Walker {
        let mut model = model.into();
        model.truncate(model.floor_char_boundary(MODEL_NAME_MAX));
        Walker::new(self.clone(), Some(model))
    }

    /// How many keys there are, cooling ones included.
    pub fn len(&self) -> usize {
        self.slots().len()
    }

    /// Never: a pool has at least one key.
    pub fn is_empty(&self) -> bool {
        self.slots().is_empty()
    }

    /// How the keys are doing, in order.
    pub fn statuses(&self) -> Vec<KeyStatus> {
        let now = self.now();
        self.slots().iter().map(|slot| slot.status(now)).collect()
    }

    /// How often its keys changed their state so far, and those of the pools that it replaced.
    pub fn transitions(&self) -> Transitions {
        let now = self.now();
        let each = self.slots().iter().map(|slot| slot.health.lock().transitions(now));
        each.fold(self.shared.gone, Transitions::plus)
    }

    pub(crate) fn slots(&self) -> &[Arc<Slot>] {
        &self.shared.slots
    }

    pub(crate) fn now(&self) -> Instant {
        self.shared.clock.now()
    }
}

impl Slot {
    fn new(secret: SecretString) -> Self {
        let hint = hint(secret.expose_secret());
        let fingerprint = Fingerprint::of(&secret);
        let (health, counters) = Default::default();
        Self { secret, hint, fingerprint, health, counters }
    }

    fn status(&self, now: Instant) -> KeyStatus {
        let health = self.health.lock();
        let mut models: Vec<_> = health.models(now).filter(|one| !one.remaining.is_zero()).collect();
        models.sort_unstable_by(|one, other| one.model.cmp(&other.model));
        KeyStatus {
            hint: self.hint.clone(),
            state: health.state(None, now),
            models,
            counts: self.counters.read(),
        }
    }

    /// Takes as long wherever two keys of one length differ.
    fn has_secret_of(&self, other: &Self) -> bool {
        self.secret.expose_secret().as_bytes().ct_eq(other.secret.expose_secret().as_bytes()).into()
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

    fn pool(keys: &[&str]) -> Result<KeyPool, KeyPoolError> {
        KeyPool::new(keys.iter().map(|&key| key.into()).collect(), Clock::mock().0)
    }

    #[test]
    fn unusable_keys_make_no_pool() {
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
            r#"Walker { pool: KeyPool ["sk-0...ghij", "hu...r2"], next: 1, tried_by_another: [], walk: Walk { model: None, rate_limited: false, suspects: Mutex { data: [] } } }"#
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
    fn a_renewed_pool_shares_the_states_of_the_keys_that_stay() {
        let hints = |pool: &KeyPool| {
            let cooling = pool.statuses().into_iter().filter(|status| status.state != KeyState::Valid);
            cooling.map(|status| status.hint).collect::<Vec<_>>()
        };
        let old = pool(&["sk-goes", "sk-stays"]).expect("a pool");
        let mut walk = old.walk();
        while let Some(key) = walk.next_key() {
            key.rate_limited(None);
        }
        let new = old.renewed(["sk-new", "sk-stays", "sk-stay"].map(Into::into).to_vec()).expect("a pool");
        assert_eq!(hints(&new), [hint("sk-stays")]);
        assert_eq!(new.walk().next_key().map(|key| key.hint().to_owned()), Some(hint("sk-new")));

        let both = new.renewed(vec!["sk-new".into()]).expect("a pool");
        new.walk().next_key().expect("a key").rejected();
        assert_eq!(hints(&both), [hint("sk-new")], "a request under way tells the new pool too");
        assert_eq!(
            new.renewed(vec!["x".into(), "x".into()]).err(),
            Some(KeyPoolError::DuplicateKey { first: 1, second: 2 })
        );
    }

    #[test]
    fn what_is_counted_outlives_the_keys() {
        let old = pool(&["sk-goes", "sk-stays"]).expect("a pool");
        let mut walk = old.walk();
        while let Some(key) = walk.next_key() {
            key.rate_limited(None);
        }
        let new = old.renewed(vec!["sk-stays".into()]).expect("a pool");
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
